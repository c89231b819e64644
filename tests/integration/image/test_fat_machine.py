"""Any row of edits leaves a volume that fsck.fat and mtools agree on with a plain dict."""

from __future__ import annotations

import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flasher.errors import FlasherError
from flasher.image.blocks import FileBlocks, Overlay
from flasher.image.fat import FatVolume
from flasher.image.fat_edit import WritableFatVolume
from flasher.image.fat_names import fold
from flasher.process import run

MOMENT = datetime(2026, 7, 8, 9, 10, 12, tzinfo=UTC)
NAMES = st.sampled_from(
    [
        *("cmdline.txt", "CMDLINE.TXT", "Cmdline.txt", "log.txt", "LOG.TXT", "node.toml"),
        *("a", "A.B", "Read Me.markdown", "read me.MARKDOWN", "x" * 120, ".profile", "two.dots.z"),
        *("Über.txt", "über.TXT", "日本語のファイル.conf", "plus+comma,.txt"),
    ]
)
FOLDERS = st.sampled_from(["", "overlays", "autosetup", "AutoSetup/Files", "autosetup/files/deep"])
SIZES = st.sampled_from([0, 1, 511, 512, 513, 20_000, 300_000, 900_000])

Tree = dict[str, "tuple[str, bytes | Tree]"]


class FatMachine(RuleBasedStateMachine):
    """Edits a draft of an image and a dict alike."""

    image: Path

    def __init__(self) -> None:
        super().__init__()
        self.base = FileBlocks(self.image)
        self.draft = Overlay(self.base)
        self.volume = WritableFatVolume(self.draft)
        self.tree: Tree = {}
        self.gone: list[bytes] = []
        self.written = 0
        for path, stat in self.volume.walk():
            self.put(path, {} if stat.is_folder else self.volume.read(path))

    def put(self, path: str, value: bytes | Tree) -> None:
        tree = self.tree
        *folders, name = path.split("/")
        for folder in folders:
            below = tree.setdefault(fold(folder), (folder, {}))[1]
            assert isinstance(below, dict)
            tree = below
        kept = tree.get(fold(name), (name, b""))[0]
        tree[fold(name)] = (kept, value)

    def look(self, path: str) -> bytes | Tree | None:
        here: bytes | Tree = self.tree
        for part in path.split("/"):
            if not isinstance(here, dict) or fold(part) not in here:
                return None
            here = here[fold(part)][1]
        return here

    @rule(folder=FOLDERS, name=NAMES, size=SIZES)
    def write(self, folder: str, name: str, size: int) -> None:
        path = f"{folder}/{name}" if folder else name
        self.written += 1
        data = (f"<contents {self.written:04d}>".encode() * (size // 15 + 1))[:size]
        old = self.look(path)
        before = self.draft.changes()
        try:
            self.volume.write(path, data, modified=MOMENT)
        except FlasherError as error:
            refused = (error.code, self.draft.changes())
            assert refused == ("volume-full", before)
            return
        assert isinstance(old, bytes | None)
        self.gone += [old] if old else []
        self.put(path, data)
        assert self.volume.read(path) == data

    @rule(path=FOLDERS.filter(bool))
    def make_folder(self, path: str) -> None:
        self.volume.make_folder(path, modified=MOMENT)
        if self.look(path) is None:
            self.put(path, {})

    @precondition(lambda self: len(self.tree) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        paths = [path for path, _ in self.volume.walk() if path != "ballast.bin"]
        path = data.draw(st.sampled_from(paths))
        *folders, name = path.split("/")
        above = self.look("/".join(folders)) if folders else self.tree
        assert isinstance(above, dict)
        _, value = above.pop(fold(name))
        self.gone += contents(value)
        self.volume.remove(path.swapcase())
        assert not self.volume.exists(path)

    @invariant()
    def a_fresh_look_counts_the_same_free_bytes(self) -> None:
        assert FatVolume(self.draft).free_bytes == self.volume.free_bytes

    def teardown(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder, "result.img")
            shutil.copyfile(self.image, result)
            with FileBlocks(result, writable=True) as blocks:
                for extent in self.draft.changes():
                    blocks.write(extent.offset, extent.data)
            self.base.close()
            judge(result, Path(folder), self.tree)
            still_there = set(re.findall(rb"<contents \d{4}>", result.read_bytes()))
            assert not still_there & {data[:15] for data in self.gone}


def contents(value: bytes | Tree) -> list[bytes]:
    if isinstance(value, bytes):
        return [value]
    return [data for _, below in value.values() for data in contents(below)]


def judge(image: Path, folder: Path, tree: Tree) -> None:
    """fsck.fat has nothing to say, and mtools copies out exactly `tree`."""
    words = run(["fsck.fat", "-n", str(image)]).text.splitlines()
    assert len(words) == 2, words  # its version, and the count of files
    out = folder / "out"
    out.mkdir()
    if tree:
        run(["mcopy", "-s", "-n", "-Q", "-i", str(image), "::/*", str(out)])
    copied = {
        str(path.relative_to(out)): path.read_bytes() if path.is_file() else None
        for path in out.rglob("*")
    }
    assert copied == dict(flatten(tree, ""))


def flatten(tree: Tree, above: str) -> list[tuple[str, bytes | None]]:
    found: list[tuple[str, bytes | None]] = []
    for name, value in tree.values():
        if isinstance(value, bytes):
            found.append((above + name, value))
        else:
            found += [(above + name, None), *flatten(value, f"{above}{name}/")]
    return found


def test_any_row_of_edits_satisfies_fsck_and_mtools(fat_image: Path) -> None:
    class Machine(FatMachine):
        image = fat_image

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
