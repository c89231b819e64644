"""Add lines to config.txt and words to cmdline.txt, where kernel updates leave them alone.

Runs as a script of its own (standard library only): the arguments are the tree and a JSON file
``{"config": [line, ...], "cmdline": [word, ...]}``. Debian's raspi-firmware writes both files anew
from two others at each update of a kernel; other systems keep what stands in them. It prints the
hook that writes them now, or nothing where there is none to run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HOOK = "etc/kernel/postinst.d/z50-raspi-firmware"
CUSTOM, EXTRA = "etc/default/raspi-firmware-custom", "etc/default/raspi-extra-cmdline"
_FOLDERS = ("boot/firmware", "boot")


def add(root: Path, config: list[str], cmdline: list[str]) -> str:
    """Add them in the tree at `root`; return the path of the hook to run, "" for none."""
    hook = root / HOOK
    writes_anew = hook.is_file() and CUSTOM.encode() in hook.read_bytes()
    folder = next((root / name for name in _FOLDERS if (root / name / "config.txt").exists()), None)
    if writes_anew or folder is None:
        _add_lines(root / CUSTOM, config)
        _add_words(root / EXTRA, cmdline)
    else:
        _add_lines(folder / "config.txt", config)
        _add_words(folder / "cmdline.txt", cmdline)
    return f"/{HOOK}" if writes_anew and folder else ""


def _add_lines(path: Path, lines: list[str]) -> None:
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if lines:
        between = "" if before.endswith("\n") or not before else "\n"
        _write(path, before + between + "".join(f"{line}\n" for line in lines))


def _add_words(path: Path, words: list[str]) -> None:
    before = path.read_text(encoding="utf-8").split() if path.exists() else []
    if words:
        _write(path, " ".join([*before, *(word for word in words if word not in before)]) + "\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[2]).read_bytes())
    sys.stdout.write(add(Path(sys.argv[1]), told["config"], told["cmdline"]))
