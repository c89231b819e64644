"""`userconf.txt` on the boot partition: the first account, as Raspberry Pi OS knows it.

Source: the script ``userconf`` of the package userconf-pi; its first line is ``name:hash``.
"""

from __future__ import annotations

from autosetup import forms
from autosetup.faults import Fault, Faulty
from autosetup.strict import decode, pattern

# Narrower than the system's own form.
_NAME = pattern(
    r"(?!root\Z)[a-z][a-z0-9-]{0,31}",
    "a user name other than root: a letter, then up to 31 of a-z, 0-9 and -",
)


def read_userconf(file: str, raw: bytes) -> tuple[str, str]:
    """Name and password hash in the bytes of a file; raises `Faulty`, never with the hash."""
    first, *others = decode(file, raw).rstrip().split("\n")
    name, colon, hashed = first.rstrip().partition(":")
    faults = []
    if not colon:
        what, remedy = "This line is not name:hash.", "Write it as `openssl passwd -6` prints it."
        faults.append(Fault(file, 1, 1, what, f"{remedy} name:$6$…"))
    elif complaint := _NAME.complain(name):
        faults.append(Fault(file, 1, 1, "This is no name for a user.", f"It must be {complaint}."))
    if colon and (complaint := forms.CRYPT_HASH.complain(hashed)):
        what = "What stands behind the colon is no password hash."
        faults.append(Fault(file, 1, len(name) + 2, what, f"It must be {complaint}."))
    for number, line in enumerate(others, 2):
        if line.strip():
            what = "There is one user in this file, in its first line."
            faults.append(Fault(file, number, 1, what, "Delete this line."))
    if faults:
        raise Faulty(faults)
    return name, hashed
