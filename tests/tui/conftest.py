"""A real small image, a practice bench, and how to wait for what the wizard does."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from autosetup.trust import UPDATE_ROOT
from flasher.process import run
from flasher.tui.app import FlasherApp
from flasher.tui.images import OpeningImage
from flasher.tui.screens.scanner import ScannerScreen
from flasher.tui.workplace import Workplace, open_workplace
from tests.tui.technician import Technician

MIB = 1 << 20
BOOT, ROOT = (1 * MIB, 4 * MIB), (5 * MIB, 3 * MIB)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def base_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 MiB with a partition table, a boot FAT and an ext4, whose nodes take updates.

    Not to change.
    """
    folder = tmp_path_factory.mktemp("base")
    update_root = folder / "root" / UPDATE_ROOT.strip("/")
    update_root.parent.mkdir(parents=True)
    update_root.write_text("the root of a repository")
    image = make_image(folder / "base.img", folder / "root")
    image.chmod(0o444)
    return image


@pytest.fixture
def deaf_image(tmp_path: Path) -> Path:
    """The same without the root of a repository: its nodes never take an update."""
    (tmp_path / "root").mkdir()
    return make_image(tmp_path / "deaf.img", tmp_path / "root")


def make_image(image: Path, root: Path) -> Path:
    """An image whose root file system has what is in a folder."""
    with image.open("wb") as handle:
        handle.truncate(ROOT[0] + ROOT[1])
    script = "label: dos\n{},{},c,*\n{},{},83\n".format(*(n // 512 for n in (*BOOT, *ROOT)))
    run(["sfdisk", "-q", str(image)], stdin=script.encode())
    place = ["--offset", str(BOOT[0] // 512), str(image), str(BOOT[1] // 1024)]
    run(["mkfs.fat", "-F", "16", "-s", "1", "-n", "BOOTFS", *place])
    # Of a form that is the same with every mke2fs: pictures tell how much of it is in use.
    form = ["-t", "ext2", "-b", "4096", "-I", "128", "-N", "64", "-E", f"offset={ROOT[0]}"]
    run(["mke2fs", "-q", *form, "-d", str(root), str(image), f"{ROOT[1] >> 10}k"])
    return image


@pytest.fixture
def gate() -> Iterator[Event]:
    """Open at first; while it is closed, images answer to nobody."""
    made = Event()
    made.set()
    yield made
    made.set()


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short folder for data and cache, so that paths look alike on every computer."""
    made = Path(tempfile.mkdtemp(prefix="fl-", dir="/tmp"))
    monkeypatch.setenv("FLASHER_DATA", str(made))
    monkeypatch.setenv("FLASHER_CACHE", str(made / "cache"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def workplace(folder: Path, base_image: Path) -> Workplace:  # noqa: ARG001  (it sets the folders)
    """A practice bench at a fixed time of day."""
    opened = open_workplace(practice=True, image=base_image, in_haste=True)
    return replace(opened, now=lambda: NOON, made_at=lambda: NOON)


@pytest.fixture
def sit_down(workplace: Workplace) -> Callable[..., AbstractAsyncContextManager[Technician]]:
    """Opens the wizard for a technician at this bench, or at another one."""
    return partial(at_work, workplace)


@asynccontextmanager
async def at_work(
    workplace: Workplace, *, size: tuple[int, int] = (80, 24), **changes: object
) -> AsyncIterator[Technician]:
    place = replace(workplace, **changes)  # type: ignore[arg-type]
    app = FlasherApp(lambda: place, practice=place.practice)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        technician = Technician(app, pilot)
        scanner = await technician.see(ScannerScreen)
        await technician.until(lambda: scanner.is_filled and app.is_open)
        await technician.until(lambda: not isinstance(app.image_status, OpeningImage))
        yield technician
