"""`autosetup_camnode.zip` and `autosetup_centralnode.zip`: the payloads of the 3DScanner project.

Each is a flat archive: ``NODETYPE`` (one word), the public key that opens the node, for the central
node the private one that opens the others, ``autosetup.sh`` and what that script reads beside it.
Source: ``src/autosetup/create_autosetup.sh`` of cdeck3r/3DScanner.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from autosetup import forms
from autosetup.faults import Fault, Faulty
from autosetup.imports.names import ARCHIVES
from autosetup.strict import decode

SCRIPT = "autosetup.sh"
_KIND = "NODETYPE"
_MAKE_ANEW = "Make the archive anew with create_autosetup.sh."
_MOST_FILES, _MOST_BYTES = 32, 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PRIVATE = re.compile(
    rb"\s*-----BEGIN (?:OPENSSH |RSA |EC )?PRIVATE KEY-----.*-----END[ A-Z]+-----\s*", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class SeedZip:
    """What an archive says.

    Attributes:
        role: ``camnode`` or ``centralnode``.
        authorized_key: opens the node's account.
        private_key: opens those of the other nodes; None where the archive has none.
        files: everything else, by name: the script and what it reads.
    """

    role: str
    authorized_key: str
    private_key: bytes | None = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)


def read_seed_zip(file: str, raw: bytes) -> SeedZip:
    """Read the bytes of an archive of that name; raises `Faulty` with all that is wrong."""
    role = ARCHIVES[file]
    members = _members(file, raw)
    public, private = f"{role}.pub", [name for name in members if name.endswith(".priv")]
    faults = [*_kind_faults(file, role, members), *_key_faults(file, public, members)]
    if role == "centralnode" and len(private) != 1:
        what = f"It holds {len(private)} private keys for the other nodes."
        faults.append(Fault(file, 0, 0, what, f"It must be one, camnode.priv. {_MAKE_ANEW}"))
    for name in private:
        if not _PRIVATE.fullmatch(members[name]):
            what = "This is no private key."
            faults.append(Fault(f"{file}/{name}", 0, 0, what, _MAKE_ANEW))
    if faults:
        raise Faulty(faults)
    key = members[public].decode().strip()
    rest = {name: data for name, data in members.items() if name not in private}
    return SeedZip(role, key, members[private[0]] if private else None, rest)


def _members(file: str, raw: bytes) -> dict[str, bytes]:
    """Every member's bytes by name; raises `Faulty`. What it says of itself is not believed."""
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
            if faults := list(_entry_faults(file, entries)):
                raise Faulty(faults)
            left = _MOST_BYTES
            for entry in entries:
                with archive.open(entry) as member:
                    members[entry.filename] = member.read(left + 1)
                left -= len(members[entry.filename])
                if left < 0:
                    what = f"Unpacked it is larger than {_MOST_BYTES >> 20} MiB."
                    raise Faulty([Fault(file, 0, 0, what, _MAKE_ANEW)])
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        if isinstance(error, Faulty):
            raise
        what = "This is no whole zip archive."
        raise Faulty([Fault(file, 0, 0, what, f"Copy it again. {_MAKE_ANEW}")]) from None
    except (NotImplementedError, RuntimeError):  # odd compression, or a password
        what = "This archive is packed in a way that is not known here."
        raise Faulty([Fault(file, 0, 0, what, _MAKE_ANEW)]) from None
    return members


def _entry_faults(file: str, entries: list[zipfile.ZipInfo]) -> Iterator[Fault]:
    if len(entries) > _MOST_FILES:
        what = f"It holds {len(entries)} files."
        yield Fault(file, 0, 0, what, f"At most {_MOST_FILES} are taken. {_MAKE_ANEW}")
    seen: set[str] = set()
    for entry in entries:
        name, mode = entry.filename, entry.external_attr >> 16
        kind = stat.S_IFMT(mode)
        if not _NAME.fullmatch(name) or kind not in (0, stat.S_IFREG):
            what = f"It holds {name[:80]!r}, which is no plain file without a folder."
            yield Fault(file, 0, 0, what, _MAKE_ANEW)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            what = f"{name[:80]!r} is packed in a way that is not known here."
            yield Fault(file, 0, 0, what, _MAKE_ANEW)
        if name.lower() in seen:
            yield Fault(file, 0, 0, f"It holds {name[:80]!r} twice.", _MAKE_ANEW)
        seen.add(name.lower())


def _kind_faults(file: str, role: str, members: Mapping[str, bytes]) -> Iterator[Fault]:
    if _KIND not in members:
        yield Fault(file, 0, 0, f"It holds no {_KIND}.", _MAKE_ANEW)
    elif members[_KIND].strip().lower() != role.encode():
        what = f"{_KIND} is not {role.upper()}, as the archive's name says."
        yield Fault(f"{file}/{_KIND}", 1, 1, what, "Give the archive its own name back.")


def _key_faults(file: str, public: str, members: Mapping[str, bytes]) -> Iterator[Fault]:
    if public not in members:
        yield Fault(file, 0, 0, f"It holds no {public}, so nobody could log in.", _MAKE_ANEW)
        return
    try:
        complaint = forms.authorized_key_complaint(decode(public, members[public]).strip())
    except Faulty:
        complaint = "It must be one line of text."
    if complaint:
        yield Fault(f"{file}/{public}", 1, 1, "This is no public key.", complaint)
