"""Place files in a tree; enable, disable and mask systemd units as systemctl(1) would.

Runs as a script of its own (standard library only): the arguments are the tree and a JSON file
``{"files": [[path, mode, Base64 of the content], ...], "enable": [unit, ...], "disable": [...],
"mask": [...]}``. It prints nothing if all is well, else one line: a code, a tab, and the path or
unit at fault.
"""

from __future__ import annotations

import base64
import configparser
import json
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

UNKNOWN_UNIT, THROUGH_LINK = "unit-unknown", "path-through-link"
_NOWHERE = Path("/dev/null")
_LINKS = "etc/systemd/system"
_UNITS = (_LINKS, "usr/lib/systemd/system", "lib/systemd/system")


class Fault(Exception):
    """What cannot be placed: a code and a path or unit."""


def place(root: Path, order: Path) -> None:
    """Do what the order says in the tree at `root`."""
    told = json.loads(order.read_bytes())
    for path, mode, content in told["files"]:
        target = _make_room(root, path)
        target.write_bytes(base64.b64decode(content))
        target.chmod(mode)
    for unit in told["enable"]:
        for link, points_to in _enabling_links(root, unit):
            _make_room(root, link).symlink_to(points_to)
    for unit in told["disable"]:
        _disable(root, unit)
    for unit in told["mask"]:
        _make_room(root, f"/{_LINKS}/{unit}").symlink_to(_NOWHERE)


def _disable(root: Path, unit: str) -> None:
    _require_unit(root, unit)
    for path in sorted((root / _LINKS).rglob("*")):
        points_to = path.readlink() if path.is_symlink() else _NOWHERE
        if unit in (path.name, points_to.name) and points_to != _NOWHERE:
            path.unlink()


def _make_room(root: Path, path: str) -> Path:
    """Where a file goes: its missing folders are made, and what had its name goes."""
    target = root / path.lstrip("/")
    for parent in reversed(PurePosixPath(path.lstrip("/")).parents):
        folder = root / parent
        if folder.is_symlink():  # an absolute one leads out of the tree
            raise Fault(THROUGH_LINK, f"/{parent} {folder.readlink()}")
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(0o755)
    target.unlink(missing_ok=True)
    return target


def _require_unit(root: Path, unit: str) -> str:
    """The folder that holds a unit."""
    found = next((name for name in _UNITS if (root / name / unit).is_file()), None)
    if found is None:
        raise Fault(UNKNOWN_UNIT, unit)
    return found


def _enabling_links(root: Path, unit: str) -> Iterator[tuple[str, str]]:
    """The links that ``systemctl enable`` would make: systemd.unit(5), section [Install]."""
    found = _require_unit(root, unit)
    parser = configparser.RawConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((root / found / unit).read_text(encoding="utf-8"))
    path = f"/{found}/{unit}"
    for key, suffix in (("WantedBy", "wants"), ("RequiredBy", "requires")):
        for target in parser.get("Install", key, fallback="").split():
            yield f"/etc/systemd/system/{target}.{suffix}/{unit}", path
    for alias in parser.get("Install", "Alias", fallback="").split():
        yield f"/etc/systemd/system/{alias}", path


if __name__ == "__main__":
    try:
        place(Path(sys.argv[1]), Path(sys.argv[2]))
    except Fault as fault:
        sys.stdout.write("\t".join(fault.args))
