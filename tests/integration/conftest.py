"""A real small image, and loop devices to write it to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from autosetup.payload import NodeSettings, Secrets, pack
from flasher.process import run

MIB = 1 << 20
BOOT = (1 * MIB, 40 * MIB)
ROOT = (41 * MIB, 16 * MIB)
SIZE = 57 * MIB

LoopMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def base_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image as Pis have them: MBR, FAT32 (bootfs), ext4 (rootfs). Not to change."""
    folder = tmp_path_factory.mktemp("base")
    image, root = folder / "base.img", folder / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/hostname").write_text("base\n")
    with image.open("wb") as handle:
        handle.truncate(SIZE)
    sectors = [number // 512 for number in (*BOOT, *ROOT)]
    script = "label: dos\n{},{},c,*\n{},{},83\n".format(*sectors)
    run(["sfdisk", "-q", str(image)], stdin=script.encode())
    offset, size = BOOT
    name = ["-n", "bootfs", "--offset", str(offset // 512), str(image), str(size // 1024)]
    run(["mkfs.fat", "-F", "32", "-s", "1", *name])
    config = folder / "config.txt"
    config.write_text("arm_64bit=1\n")
    target = f"{image}@@{offset}"
    run(["mcopy", "-i", target, str(config), "::/"])
    run(["mmd", "-i", target, "::/autosetup"])
    run(["mcopy", "-i", target, str(config), "::/autosetup/left-over.toml"])
    options = ["-E", f"offset={ROOT[0]}", "-L", "rootfs", "-d", str(root)]
    run(["mke2fs", "-q", "-t", "ext4", *options, str(image), f"{ROOT[1] // 1024}k"])
    image.chmod(0o444)
    return image


@contextmanager
def loop_over(backing: Path, *options: str) -> Iterator[Path]:
    device = run(["losetup", *options, "--find", "--show", str(backing)]).text.strip()
    try:
        yield Path(device)
    finally:
        run(["losetup", "--detach", device])
        while _is_over(device, backing):  # whoever looks at all drives has it open for a moment
            time.sleep(0.01)


def _is_over(device: str, backing: Path) -> bool:
    try:
        held = Path(f"/sys/block/{Path(device).name}/loop/backing_file").read_text()
    except OSError:
        return False
    return held.strip() == str(backing)


@contextmanager
def mounted(device: Path, place: Path, *options: str) -> Iterator[None]:
    """A file system of a device at a new folder, until the block ends."""
    place.mkdir()
    run(["mount", *options, str(device), str(place)])
    try:
        yield
    finally:
        run(["umount", str(place)])


@pytest.fixture
def make_loop() -> Iterator[LoopMaker]:
    """Attach a loop device to a file; detached when the test ends."""
    with ExitStack() as stack:
        yield lambda backing, *options: stack.enter_context(loop_over(backing, *options))


@pytest.fixture
def loop(tmp_path: Path, make_loop: LoopMaker) -> Path:
    """A loop device of 64 MiB that was something else before."""
    backing = tmp_path / "card.backing"
    backing.write_bytes(b"\xa5" * 64 * MIB)
    return make_loop(backing)


@pytest.fixture
def payload() -> dict[str, bytes]:
    """The files of a small payload."""
    settings = NodeSettings(name="cam-0101", role="camnode", position="r1c1")
    return pack(
        settings,
        Secrets(nonce=bytes(range(32))),
        {},
        generation=1_795_000_000,
        card_id="ab" * 16,
        profile_digest="1" * 64,
        site_digest="2" * 64,
        flashed_at="2026-11-21T03:39:50Z",
        image_digest="3" * 64,
    )
