"""Find what a system of others does at its first boot, and keep it from fighting the agent.

Runs as a script of its own (standard library only): the arguments are the tree and the folder of
the boot partition in it; it prints a line for each thing found. The table is first_boot.toml.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from pathlib import Path

TABLE = Path(__file__).with_name("first_boot.toml")

_UNITS = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_MASKS = "etc/systemd/system"

Machinery = dict[str, list[str]]


def settle(root: Path, boot: str, machinery: list[Machinery]) -> list[str]:
    """Settle everything found in the tree at `root`; tell it in lines for people.

    Args:
        boot: folder of the boot partition, relative to the tree.
        machinery: entries of the table.
    """
    return [_settle(root, boot, each) for each in machinery if _is_there(root, boot, each)]


def _is_there(root: Path, boot: str, each: Machinery) -> bool:
    signs = (path for sign in each.get("signs", ()) for path in _find(root, boot, sign))
    return any(signs) or any(_split(_command_line(root, boot), each)[1])


def _settle(root: Path, boot: str, each: Machinery) -> str:
    for name in {unit.name for pattern in each.get("units", ()) for unit in _unit(root, pattern)}:
        mask = root / _MASKS / name
        mask.parent.mkdir(parents=True, exist_ok=True)
        mask.unlink(missing_ok=True)
        mask.symlink_to(os.devnull)
    for pattern in each.get("remove", ()):
        for path in _find(root, boot, pattern):
            _remove(path)
    for name in each.get("create", ()):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    line = _command_line(root, boot)
    kept, gone = _split(line, each)
    if gone:
        line.write_text(" ".join(kept) + "\n", encoding="utf-8")
    return f"{each['is']}: {each['does']}"


def _command_line(root: Path, boot: str) -> Path:
    return root / boot / "cmdline.txt"


def _split(line: Path, each: Machinery) -> tuple[list[str], list[str]]:
    """The words of the kernel's command line that stay, and those that go."""
    text = line.read_text(encoding="utf-8", errors="replace") if line.is_file() else ""
    regexes = [re.compile(regex) for regex in each.get("words", ())]
    kept: list[str] = []
    gone: list[str] = []
    for word in text.split():
        (gone if any(regex.fullmatch(word) for regex in regexes) else kept).append(word)
    return kept, gone


def _find(root: Path, boot: str, pattern: str) -> list[Path]:
    return sorted(root.glob(pattern.replace("BOOT/", f"{boot}/")))


def _unit(root: Path, pattern: str) -> list[Path]:
    return [path for folder in _UNITS for path in root.glob(f"{folder}/{pattern}")]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    entries = tomllib.loads(TABLE.read_text(encoding="utf-8"))["machinery"]
    os.chroot(sys.argv[1])  # no link in the tree leads out of it
    for told in settle(Path("/"), sys.argv[2], entries):
        sys.stdout.write(f"{told}\n")
