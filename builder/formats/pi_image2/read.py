"""Customisation scripts, read: what they import, what they find, and their conf.

The conf is what the script says when its class is made, as pi_image2 has it: the script is run for
that, with this computer's Python, where it sees its own files and nothing else that is anybody's,
cannot write, and has no network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from builder.formats.pi_image2.code import Code, read_all
from builder.formats.pi_image2.conf import Conf, check_conf
from builder.formats.pi_image2.inside.run import OWN, TOOLS
from builder.sandbox import Mount, Plan, run_inside
from builder.steps.carried import Carried, carry_file, carry_folder, lay_out
from flasher.errors import BadInput
from flasher.process import ProgramFailed

_INSIDE = Path(__file__).with_name("inside")
# Folders of a checkout that scripts find below / while they run.
SHOWN = ("files", "device-tree")
# What makes a folder one that scripts are run from.
_MARKS = (*SHOWN, "common_img_mods", "linux_util.py")
_UPWARDS = 3
_SYSTEM = ("bin", "lib", "lib64", "sbin", "usr")
_TOLD = 12


@dataclass(frozen=True, slots=True)
class Customization:
    """A script with all that it reads.

    Attributes:
        codes: the script, then the modules of its checkout that it imports.
        checkout: the folder that pi_image2 would be started in.
        files: what the script finds; see `Carried`.
    """

    codes: tuple[Code, ...]
    checkout: Path
    conf: Conf
    files: tuple[Carried, ...]

    @property
    def name(self) -> str:
        """The script's, for people."""
        return self.codes[0].name

    @property
    def at(self) -> str:
        """Where the script lies while it runs."""
        return f"{OWN}/{self.codes[0].at}"


def open_customization(script: Path, checkout: Path | None = None) -> Customization:
    """Read a script and its conf.

    Args:
        checkout: the folder that holds `files`, `common_img_mods` and the like; by default the
            nearest above the script that does, else the script's own.

    Raises:
        BadInput: script or conf have faults.
    """
    script = script.resolve()
    base = (checkout or find_checkout(script)).resolve()
    codes = read_all(script, base)
    files = tuple(_carry(codes, base))
    conf = check_conf(_ask(files, f"{OWN}/{codes[0].at}"), script.name)
    return Customization(codes, base, conf, files)


def is_checkout(folder: Path) -> bool:
    """Whether scripts are run from this folder."""
    return any((folder / mark).exists() for mark in _MARKS)


def find_checkout(script: Path) -> Path:
    """The folder that a script is run from; see `open_customization`."""
    above = script.absolute().parents[:_UPWARDS]
    return next((folder for folder in above if is_checkout(folder)), above[0])


def _carry(codes: Sequence[Code], checkout: Path) -> Iterator[Carried]:
    for code in codes:
        yield carry_file(OWN, code.at, code.path)
    for name in SHOWN:
        if (checkout / name).is_dir() and any(_speaks_of(code, name) for code in codes):
            yield from carry_folder(f"/{name}", checkout / name)
    yield carry_file(TOOLS, "run.py", _INSIDE / "run.py")
    yield replace(carry_file(TOOLS, "bin/sudo", _INSIDE / "sudo"), mode=0o755)
    for path in sorted((_INSIDE / "shims").rglob("*.py")):
        if path.name != "__init__.py":  # so that a checkout's own part and ours make one package
            yield carry_file(TOOLS, str(path.relative_to(_INSIDE)), path)


def _speaks_of(code: Code, folder: str) -> bool:
    """Whether a file may read a folder: by its name, or through a stand-in that does."""
    regex = re.compile(rf"(?:^|[^\w.-]){re.escape(folder)}(?:$|[^\w.-])")
    stand_in = "common_img_mods.gdm3_mod" in code.imports()
    return stand_in or any(regex.search(text) for _, text in code.texts())


def _ask(files: Sequence[Carried], at: str) -> object:
    with TemporaryDirectory(prefix="flasher-") as name:
        root = Path(name)
        plan = _room(root, files)
        try:
            said = run_inside(replace(plan, argv=(*plan.argv, f"{TOOLS}/run.py", "tell", at)))
        except ProgramFailed as failure:
            tail = failure.finished.errors.strip().splitlines()[-_TOLD:]
            raise BadInput(
                "customization-failed",
                f"{Path(at).name} does not tell its conf:\n"
                + "\n".join(f"  {line}" for line in tail),
                "Its __init__ must set self.conf by itself: it is run here without the image, a "
                "network or a token.",
            ) from failure
    return json.loads(said.output)["conf"]


def _room(root: Path, files: Sequence[Carried]) -> Plan:
    """A root of its own with this computer's programs, read-only, and the script's files."""
    mounts = [Mount("bind-read-only", str(root), str(root))]
    for place in sorted({each.at for each in files}):
        (root / place.lstrip("/")).mkdir()
        lay_out(files, place, root / place.lstrip("/"), 0)
    for name in _SYSTEM:
        own = Path("/", name)
        if own.is_symlink():
            (root / name).symlink_to(own.readlink())
        elif own.is_dir():
            (root / name).mkdir()
            mounts.append(Mount("bind-read-only", str(root / name), str(own)))
    for name in ("dev", "proc", "tmp"):
        (root / name).mkdir()
    mounts += [Mount("dev", f"{root}/dev"), Mount("proc", f"{root}/proc")]
    mounts.append(Mount("tmpfs", f"{root}/tmp", options="mode=1777"))  # noqa: S108
    return Plan(
        ("/usr/bin/python3", "-I", "-S", "-B"),
        {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": "/tmp"},  # noqa: S108
        tuple(mounts),
        root=str(root),
    )
