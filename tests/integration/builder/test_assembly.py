"""One tree makes one image, whenever and wherever it is assembled; judged by tools not ours."""

import os
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.bench import Bench
from builder.disk import Geometry, Identity, assemble
from builder.emulation import Emulation
from builder.filesystems import MIB
from builder.layers import Layer, Store, layer_key, open_store
from builder.log import open_log
from builder.native_root import NativeRoot
from builder.recipe import ImageSettings
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Progress, ignore
from flasher.image.blocks import FileBlocks
from flasher.image.ext4_usage import ext4_usage
from flasher.image.ranges import ByteRange, merge, total

SETTINGS = ImageSettings(boot_size_mib=64, root_slack_mib=16)
IDENTITY = Identity.from_key("one tree")
EPOCH = 1_750_000_000
OLD, OLDER = 1_600_000_000, 1_500_000_000
LONG = "n" * 255
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw+ep
NAMES = tuple(f"entry-{number:04}-{'x' * 60}" for number in range(300))

Grow = Callable[[Path], None]


def tool(*argv: str | Path) -> str:
    env = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def grow_below(tree: Path, names: tuple[str, ...]) -> None:
    """A tree with one of everything, its files made in the order of `names`."""
    for folder in ("usr/bin", "etc/empty", "var/many", "dev", "boot/firmware/overlays"):
        (tree / folder).mkdir(parents=True)
    for name in names:
        (tree / "var/many" / name).write_text(name)
    (tree / "usr/bin/tool").write_bytes(bytes(range(256)) * 5000)
    os.chown(tree / "usr/bin/tool", 123, 45678)
    (tree / "usr/bin/tool").chmod(0o6755)
    (tree / "usr/bin/again").hardlink_to(tree / "usr/bin/tool")
    (tree / "usr/bin/ping").write_bytes(b"ping")
    os.setxattr(tree / "usr/bin/ping", "security.capability", CAPABILITY)
    (tree / "etc/nothing").touch()
    (tree / "etc" / LONG).write_text("long")
    (tree / "etc/secret").write_text("secret")
    (tree / "etc/secret").chmod(0)
    os.chown(tree / "etc/secret", 0, 65534)
    (tree / "etc/changed").write_text("old")
    (tree / "bin").symlink_to("usr/bin")
    (tree / "etc/far").symlink_to("/" + "far/" * 100)
    os.mknod(tree / "dev/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    with (tree / "var/sparse").open("wb") as handle:
        handle.truncate(3 * MIB)
        handle.seek(2 * MIB)
        handle.write(b"middle")
    os.utime(tree / "etc/nothing", (OLDER, OLD))


def grow_above(tree: Path, names: tuple[str, ...]) -> None:
    (tree / "etc").mkdir()
    (tree / "etc/changed").write_text("new")
    firmware = tree / "boot/firmware"
    (firmware / "overlays/deep").mkdir(parents=True)
    for name in names:
        (firmware / "overlays" / f"{name}.dtbo").write_text(name)
    (firmware / "overlays/deep/README").write_text("deep")
    (firmware / "config.txt").write_text("kernel=vmlinuz\n")
    (firmware / "größer als üblich.txt").write_text("not ASCII")


@dataclass(frozen=True, slots=True)
class Assembled:
    """An image with what was given to make it."""

    image: Path
    geometry: Geometry
    trees: tuple[Path, ...]

    def cut_out(self, place: ByteRange) -> Path:
        """One partition as a file, so that each tool judges it without our offsets."""
        target = self.image.with_suffix(f".{place.offset}")
        argv = ("dd", f"if={self.image}", f"of={target}", "bs=1M", "conv=sparse", "status=none")
        tool(*argv, f"skip={place.offset // MIB}", f"count={place.length // MIB}")
        return target

    def debugfs(self, request: str) -> str:
        return tool("debugfs", "-R", request, self.cut_out(self.geometry.root))


Assemble = Callable[..., Assembled]


@pytest.fixture
def build(tmp_path: Path, tools: NativeRoot) -> Assemble:
    """Makes layers in a store of their own, and the image of them."""

    def make(name: str, *grow: Grow, epoch: Callable[[], int] = lambda: EPOCH) -> Assembled:
        folder = tmp_path / name
        with (
            open_store(folder / "store", emit=ignore, cancel=CancelFlag()) as store,
            open_log(store.root / "logs", ignore) as log,
        ):
            layers = tuple(add_layer(store, number, each) for number, each in enumerate(grow))
            progress = Progress(ignore, "test", "build", 100)
            bench = Bench(store, layers, None, Emulation(), log, progress, CancelFlag())
            image = folder / "tiny.img"
            geometry = assemble(image, SETTINGS, IDENTITY, bench, tools, epoch())
            return Assembled(image, geometry, tuple(store.root / each.tree for each in layers))

    return make


def add_layer(store: Store, number: int, grow: Grow) -> Layer:
    layer = Layer(f"layer-{number}", layer_key("", "test", 1, {"number": number}), 0.0, 0)
    with store.drafting() as draft:
        grow(draft.tree)
        store.publish(draft, layer)
    return layer


def below(tree: Path) -> None:
    grow_below(tree, NAMES)


def above(tree: Path) -> None:
    grow_above(tree, NAMES)


def set_times(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (OLD, OLD), follow_symlinks=False)


def same_bytes(one: Assembled, other: Assembled) -> bool:
    return subprocess.run(["cmp", "-s", one.image, other.image], check=False).returncode == 0


def test_two_stores_filled_in_another_order_give_the_same_bytes(build: Assemble):
    first = build("first", below, above)
    mixed = (*NAMES[::-2], *NAMES[::2])
    second = build(
        "second", lambda tree: grow_below(tree, mixed), lambda tree: grow_above(tree, mixed[::-1])
    )
    assert same_bytes(first, second)


def test_reading_and_touching_the_tree_changes_nothing(build: Assemble):
    def touched(tree: Path) -> None:
        below(tree)
        for number, path in enumerate(sorted(tree.rglob("*"))):
            times = (OLDER + number, path.lstat().st_mtime)
            os.utime(path, times, follow_symlinks=False)

    assert same_bytes(build("first", below, above), build("second", touched, above))


def test_the_time_of_the_build_stays_out_also_when_the_layers_are_older_than_the_lock(
    build: Assemble,
):
    """A layer that is kept was made before a lock that only changed what lies above it."""
    epochs: list[int] = []

    def dated(tree: Path) -> None:
        below(tree)
        set_times(tree)
        epochs.append(int(tree.stat().st_ctime) + 1)

    def wait_for_epoch(tree: Path) -> None:
        (tree / "etc").mkdir()
        while tree.stat().st_ctime < epochs[0]:
            tree.chmod(0o755)
        set_times(tree)

    first = build("first", dated, wait_for_epoch, epoch=lambda: epochs[0])
    assert same_bytes(first, build("second", dated, wait_for_epoch, epoch=lambda: epochs[0]))


def test_holes_and_zeros_are_the_same(build: Assemble):
    def dense(tree: Path) -> None:
        below(tree)
        content = (tree / "var/sparse").read_bytes()
        (tree / "var/sparse").unlink()
        (tree / "var/sparse").write_bytes(content)

    assert same_bytes(build("first", below, above), build("second", dense, above))


def test_a_lock_from_the_future_is_refused(build: Assemble):
    with pytest.raises(FlasherError) as refused:
        build("first", below, above, epoch=lambda: int(time.time()) + 3600)
    assert refused.value.code == "clock-behind"


def test_both_file_systems_are_clean(build: Assemble):
    made = build("first", below, above)
    tool("fsck.fat", "-n", made.cut_out(made.geometry.boot))
    tool("e2fsck", "-fn", made.cut_out(made.geometry.root))


def test_the_root_holds_every_file_as_it_was(build: Assemble, tmp_path: Path):
    made = build("first", below, above)
    restored = tmp_path / "restored"
    restored.mkdir()
    made.debugfs(f"rdump / {restored}")
    (restored / "lost+found").rmdir()
    assert describe(restored) == describe_layers(made.trees)


def describe_layers(trees: tuple[Path, ...]) -> dict[str, object]:
    """What the layers show together: the boot folder's content lies on the other partition."""
    merged: dict[str, object] = {}
    for tree in trees:
        merged |= describe(tree)
    return {name: told for name, told in merged.items() if not name.startswith("boot/firmware/")}


def describe(tree: Path) -> dict[str, object]:
    """Kind, rights, owners, times and content of everything but device nodes.

    Set-id bits are left out: debugfs loses them where it restores an owner.
    """
    return {
        str(path.relative_to(tree)): describe_one(path)
        for path in tree.rglob("*")
        if not path.is_char_device()
    }


def describe_one(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    about = (oct(status.st_mode & ~0o6000), status.st_uid, status.st_gid)
    if path.is_symlink():
        return (*about[1:], path.readlink())
    if path.is_dir():
        return about
    return (*about, min(int(status.st_mtime), EPOCH), path.read_bytes())


def test_capabilities_set_id_bits_hard_links_and_device_nodes_survive(build: Assemble):
    made = build("first", below, above)
    assert "security.capability" in made.debugfs("ea_list /usr/bin/ping")
    told = made.debugfs("ea_get -x /usr/bin/ping security.capability")
    assert bytes.fromhex(told.partition("=")[2].replace(" ", "")) == CAPABILITY
    numbers = made.debugfs("ls -l /usr/bin").split()
    again, original = (numbers[numbers.index(name) - 8] for name in ("again", "tool"))
    assert again == original
    told = made.debugfs("stat /usr/bin/tool")
    assert "Mode:  06755" in told
    assert "Links: 2" in told
    null = made.debugfs("stat /dev/null")
    assert "Type: character special" in null
    assert "01:03" in null


def test_nothing_of_the_stacking_of_layers_is_left(build: Assemble):
    made = build("first", below, above)
    for path in ("/", "/etc", "/etc/changed", "/boot/firmware"):
        assert "overlay" not in made.debugfs(f"ea_list {path}")


def test_no_time_is_later_than_the_epoch(build: Assemble):
    made = build("first", below, above)
    for path in ("/", "/etc", "/etc/changed", "/boot/firmware", "/lost+found"):
        told = made.debugfs(f"stat {path}")
        for which in ("ctime", "atime", "mtime", "crtime"):
            assert f"{which}: {EPOCH:#010x}:00000000" in told
    assert f"mtime: {OLD:#010x}:00000000" in made.debugfs("stat /etc/nothing")


def test_the_boot_partition_lists_its_files_in_the_order_of_their_names(build: Assemble):
    made = build("first", below, above)
    fat = made.cut_out(made.geometry.boot)
    listed = tool("mdir", "-b", "-i", fat, "::/overlays").split()
    names = [line.removeprefix("::/overlays/") for line in listed]
    assert names == ["deep/", *(f"{name}.dtbo" for name in NAMES)]
    assert tool("mtype", "-i", fat, "::/overlays/deep/README") == "deep"
    assert "::/größer als üblich.txt" in tool("mdir", "-b", "-i", fat, "::/").splitlines()
    assert "2025-06-15  15:06" in tool("mdir", "-i", fat, "::/config.txt")


def test_a_link_on_the_boot_partition_is_refused(build: Assemble):
    def grow(tree: Path) -> None:
        above(tree)
        (tree / "boot/firmware/kernel").symlink_to("/boot/vmlinuz")

    with pytest.raises(FlasherError) as refused:
        build("first", below, grow)
    assert refused.value.code == "boot-file-odd"
    assert "/boot/firmware/kernel" in refused.value.message


def test_a_tree_without_a_boot_folder_makes_an_image_too(build: Assemble):
    made = build("first", lambda tree: (tree / "etc").mkdir())
    assert "etc" in made.debugfs("ls /")


def test_what_ext4_uses_is_what_dumpe2fs_counts(build: Assemble):
    made = build("first", below, above)
    with FileBlocks(made.image) as image:
        used = merge(ext4_usage(image, made.geometry.root))
    header = tool("dumpe2fs", "-h", made.cut_out(made.geometry.root)).splitlines()
    count, free = (
        int(line.split()[-1])
        for line in header
        if line.startswith(("Block count:", "Free blocks:"))
    )
    assert total(used) == (count - free) * 4096
    assert not list(made.image.parent.glob("*.raw"))
