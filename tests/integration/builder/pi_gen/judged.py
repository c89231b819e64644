"""What the tests and their judge share: a small tree that programs run in, and how trees are told.

The judge is pi-gen's own engine; see judge.py. What it made of the stages beside this file is kept
in ``<dialect>.expected.json``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
DIALECTS = ("upstream", "qcow2", "westwork")

# Not part of the comparison: places that are emptied later, or that other tools fill.
NOT_TOLD = ("tmp", "run", "proc", "dev", "sys", "var/log", ".pi-gen")

_PROGRAMS = (
    "bash",
    "cat",
    "chmod",
    "env",
    "head",
    "ln",
    "ls",
    "mkdir",
    "rm",
    "sed",
    "sh",
    "touch",
    "wc",
)
_STUBS = {
    "debconf-set-selections": "#!/bin/bash\ncat > /etc/answers\n",
    "systemctl": '#!/bin/bash\necho "$*" >> /var/log/systemctl\n',
    "apt-get": '#!/bin/bash\nif [ "$*" != clean ]; then echo "$*" >> /var/log/apt; fi\n',
}
_SHADOW = "root:*:20000:0:99999:7:::\n"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the judge made.

    Attributes:
        order: files in the order in which they were begun.
        packages: of each call of apt: whether recommended packages come too, and the words.
        changes: lines of `tell` that the bottom tree has not, and paths that it alone has.
    """

    order: tuple[str, ...]
    packages: tuple[tuple[bool, tuple[str, ...]], ...]
    changes: tuple[str, ...]


def load(dialect: str) -> Expected:
    values = json.loads((HERE / f"{dialect}.expected.json").read_text())
    packages = tuple((recommends, tuple(words)) for recommends, words in values["packages"])
    return Expected(tuple(values["order"]), packages, tuple(values["changes"]))


def make_tree(root: Path, more: tuple[str, ...] = ()) -> None:
    """A tree with this computer's bash, a few programs and `more`, and stubs of others."""
    for name in ("etc", "opt", "mnt", "srv", "usr/bin", "var/log", *NOT_TOLD[:-1]):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "bin").symlink_to("usr/bin")
    for name in (*_PROGRAMS, *more):
        path = shutil.which(name)
        assert path is not None
        _copy(Path(path), root / "usr/bin" / name)
        for library in _libraries(path):
            _copy(library, root / str(library).lstrip("/"))
    for name, text in _STUBS.items():
        (root / "usr/bin" / name).write_text(text)
        (root / "usr/bin" / name).chmod(0o755)
    (root / "etc/hosts").write_text("127.0.0.1\tlocalhost\n")
    (root / "etc/shadow").write_text(_SHADOW)


def _libraries(program: str) -> Iterable[Path]:
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [Path(found) for found in re.findall(r"(/\S+) \(0x", told)]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source.resolve(), target)


def tell(root: Path) -> list[str]:
    """Each path below a folder with its kind, mode, owner and content, a line each."""
    lines = []
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if not name.startswith(NOT_TOLD):
            found = path.lstat()
            mode = "" if path.is_symlink() else f" {stat.S_IMODE(found.st_mode):o}"
            lines.append(f"{name}{mode} {found.st_uid}:{found.st_gid} {_content(path)}".rstrip())
    return lines


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    if path.is_dir():
        return "/"
    data = path.read_bytes()
    return (
        repr(data.decode(errors="backslashreplace"))
        if len(data) < 200
        else hashlib.sha256(data).hexdigest()
    )


def changes(before: Iterable[str], after: Iterable[str]) -> tuple[str, ...]:
    """What is told of one tree only: ``+`` for the second's, ``-`` for the first's."""
    first, second = set(before), set(after)
    return tuple(sorted([f"+{x}" for x in second - first] + [f"-{x}" for x in first - second]))


if __name__ == "__main__":
    import sys

    sys.stdout.write("\n".join(tell(Path(sys.argv[1]))))
