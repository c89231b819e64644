"""A computer whose kernel tables are files in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.drives.tables import KernelTables


class FakeComputer:
    """Writes sysfs and proc as Linux lays them out."""

    def __init__(self, root: Path) -> None:
        self.tables = KernelTables(root / "sys", root / "proc", root / "dev")
        self._number = 0
        (self.tables.sys / "class/block").mkdir(parents=True)
        (self.tables.proc / "self").mkdir(parents=True)
        self.mountinfo: list[str] = []
        self.write()

    def disk(self, name: str, *partitions: str) -> None:
        folder = self.tables.sys / "devices" / name
        self._add(folder, name)
        for partition in partitions:
            self.partition(folder, partition, "1")

    def device(self, name: str, place: str, **files: str) -> Path:
        """A disk at its place in the tree; `files` of its folder, ``device__x`` deeper."""
        folder = self.tables.sys / "devices" / place / "block" / name
        self._add(folder, name)
        for path, text in {"size": "62333952", "ro": "0", "removable": "0", **files}.items():
            (folder / path.replace("__", "/")).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.replace("__", "/")).write_text(f"{text}\n")
        return folder

    def partition(self, folder: Path, name: str, number: str) -> None:
        self._add(folder / name, name)
        (folder / name / "partition").write_text(f"{number}\n")

    def _add(self, folder: Path, name: str) -> None:
        (folder / "holders").mkdir(parents=True)
        self._number += 1
        (folder / "dev").write_text(f"8:{self._number}\n")
        (self.tables.sys / "class/block" / name).symlink_to(folder)

    def folder(self, name: str) -> Path:
        return (self.tables.sys / "class/block" / name).resolve()

    def hold(self, lower: str, upper: str) -> None:
        (self.folder(lower) / "holders" / upper).symlink_to(self.folder(upper))

    def number(self, name: str) -> str:
        return (self.folder(name) / "dev").read_text().strip()

    def mount(self, name: str, place: str, source: str = "", kind: str = "ext4") -> None:
        number = self.number(name) if name else "0:99"
        source = source or f"/dev/{name}"
        self.mountinfo.append(f"30 1 {number} / {place} rw,relatime shared:1 - {kind} {source} rw")
        self.write()

    def overlay(self, place: str, **layers: str) -> None:
        options = ",".join(f"{key}={path}" for key, path in layers.items())
        self.mountinfo.append(f"31 1 0:77 / {place} rw - overlay overlay rw,{options}")
        self.write()

    def loop(self, name: str, backing: Path) -> None:
        self.disk(name)
        folder = self.tables.sys / "block" / name / "loop"
        folder.mkdir(parents=True)
        (folder / "backing_file").write_text(f"{backing}\n")

    def swap(self, path: Path) -> None:
        with (self.tables.proc / "swaps").open("a") as table:
            table.write(f"{path}\tfile\t1024\t0\t-2\n")

    def write(self) -> None:
        (self.tables.proc / "self/mountinfo").write_text("\n".join(self.mountinfo) + "\n")
        (self.tables.proc / "swaps").write_text("Filename\tType\tSize\tUsed\tPriority\n")


@pytest.fixture
def computer(tmp_path: Path) -> FakeComputer:
    """A computer without drives."""
    return FakeComputer(tmp_path)
