"""What is mounted from a drive is unmounted politely, or the program that holds it is named."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest

from flasher.card.target import open_target
from flasher.drives.find import find_drive
from flasher.drives.tables import mounts
from flasher.drives.unmount import require_no_writer, unmount_drive
from flasher.drives.usage import holds_file
from flasher.errors import ExitCode, Refused
from flasher.process import ProgramFailed, run
from tests.integration.conftest import LoopMaker

Places = Callable[[str], Path]
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(autouse=True)
def own_mounts() -> Iterator[None]:
    """Mounts that no sandbox of another test takes along into a name space of its own."""
    before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    folder = Path.cwd()
    assert _libc.unshare(_CLONE_NEWNS) == 0
    yield
    assert _libc.unshare(_CLONE_FS) == 0  # a thread that is ending may still share ours
    assert _libc.setns(before, _CLONE_NEWNS) == 0
    os.chdir(folder)
    os.close(before)


@pytest.fixture
def place() -> Iterator[Places]:
    """Folders to mount at, where people's cards are mounted; unmounted and removed at the end."""
    top = Path(mkdtemp(prefix="flasher-", dir="/mnt"))

    def make(name: str) -> Path:
        (top / name).mkdir()
        return top / name

    yield make
    for mount in reversed(mounts()):
        if mount.place.startswith(f"{top}/"):
            run(["umount", mount.place])
    for folder in sorted(top.iterdir()):
        folder.rmdir()
    top.rmdir()


@pytest.fixture
def card(tmp_path: Path, make_loop: LoopMaker) -> Iterator[Path]:
    """A drive with two partitions of ext4."""
    backing = tmp_path / "card.backing"
    with backing.open("wb") as handle:
        handle.truncate(32 << 20)
    run(["sfdisk", "-q", str(backing)], stdin=b"label: dos\n2048,16384,83\n18432,16384,83\n")
    for start in (2048, 18432):
        run(["mke2fs", "-q", "-t", "ext4", "-E", f"offset={start * 512}", str(backing), "8M"])
    loop = make_loop(backing)
    run(["partx", "--add", str(loop)])
    yield loop
    with suppress(ProgramFailed):  # a test may have detached it
        run(["partx", "--delete", str(loop)])


@pytest.fixture
def partitions(card: Path, tmp_path: Path) -> list[Path]:
    """Nodes of both partitions, whether udev made its own or not."""
    nodes = []
    for number in (1, 2):
        told = Path(f"/sys/class/block/{card.name}p{number}/dev").read_text()
        node = tmp_path / f"{card.name}p{number}"
        os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(*map(int, told.split(":"))))
        nodes.append(node)
    return nodes


def mount(source: Path, place: Path, *options: str) -> Path:
    run(["mount", *options, str(source), str(place)])
    return place


@contextmanager
def program(code: str, *argv: str | Path, before: tuple[str, ...] = ()) -> Iterator[int]:
    """Another program, once it has said that it is ready; its process id."""
    line = [*before, sys.executable, "-c", f"{code}; print('ready', flush=True); sys.stdin.read()"]
    pipe, line = subprocess.PIPE, [*line, *map(str, argv)]
    with subprocess.Popen(line, stdin=pipe, stdout=pipe) as child:  # it ends with its input
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        yield child.pid


def test_partitions_bind_mounts_and_mounts_upon_each_other_are_unmounted_from_the_top(
    card: Path, partitions: list[Path], place: Places
) -> None:
    first = mount(partitions[0], place("first"))
    (first / "inner").mkdir()
    inner = mount(partitions[1], first / "inner")
    bound = mount(first, place("bound"), "--bind")
    again = mount(partitions[0], place("again"))
    drive = find_drive(str(card))
    assert drive.refusal is None
    assert drive.mounted == tuple(map(str, (first, inner, bound, again)))
    assert unmount_drive(drive) == tuple(map(str, (again, bound, inner, first)))
    assert find_drive(str(card)).mounted == ()
    for number in (1 << 20, 9 << 20):
        run(["e2fsck", "-fn", f"{card}?offset={number}"])


def test_a_drive_is_unmounted_when_it_is_opened_to_be_written(
    card: Path, partitions: list[Path], place: Places
) -> None:
    mount(partitions[0], place("card"))
    with open_target(find_drive(str(card))) as target:
        assert find_drive(str(card)).mounted == ()
        target.write(0, bytes(4096))


def test_the_same_mounted_twice_at_one_place_is_unmounted_twice(
    card: Path, partitions: list[Path], place: Places
) -> None:
    where = mount(partitions[0], place("twice"))
    mount(where, where, "--bind")
    assert unmount_drive(find_drive(str(card))) == (str(where), str(where))
    assert find_drive(str(card)).mounted == ()


@pytest.mark.parametrize(
    ("code", "held"),
    [
        ("import sys; f = open(sys.argv[1] + '/notes.txt')", "/notes.txt"),
        ("import os, sys; os.chdir(sys.argv[1])", ""),
        ("import os, sys; d = os.open(sys.argv[1], os.O_RDONLY)", ""),
        (
            "import mmap, sys; f = open(sys.argv[1] + '/notes.txt', 'rb'); "
            "m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); f.close()",
            "/notes.txt",
        ),
    ],
    ids=["open file", "folder it works in", "open folder", "mapped file"],
)
def test_a_program_that_holds_a_file_or_folder_is_named_and_nothing_is_unmounted(
    card: Path, partitions: list[Path], place: Places, code: str, held: str
) -> None:
    busy, free = mount(partitions[0], place("busy")), mount(partitions[1], place("free"))
    (busy / "notes.txt").write_text("mine\n")
    with program(code, busy) as pid:
        drive = find_drive(str(card))
        with pytest.raises(Refused) as caught:
            unmount_drive(drive, patience=0)
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        said = f"{card} is in use: {name} (process {pid}) has {busy}{held} open."
        assert caught.value.message == said
        assert (caught.value.code, caught.value.exit_code) == ("drive-busy", ExitCode.REFUSED)
        assert find_drive(str(card)).mounted == (str(busy), str(free))
    assert set(unmount_drive(drive)) == {str(busy), str(free)}


def test_somebody_elses_mount_inside_is_named_and_stays(
    card: Path, partitions: list[Path], place: Places
) -> None:
    where = mount(partitions[0], place("card"))
    (where / "memory").mkdir()
    memory = mount(Path("none"), where / "memory", "-t", "tmpfs")
    with pytest.raises(Refused, match=f"something else is mounted in it, at {memory}"):
        unmount_drive(find_drive(str(card)), patience=0)
    run(["mountpoint", "-q", str(where)])
    run(["mountpoint", "-q", str(memory)])


def test_a_mount_in_another_name_space_is_found_with_its_program(
    card: Path, partitions: list[Path], place: Places
) -> None:
    where = mount(partitions[0], place("card"))
    with program("import sys", before=("unshare", "--mount")) as pid:
        with pytest.raises(Refused, match=f"process {pid}") as caught:
            unmount_drive(find_drive(str(card)), patience=0)
        assert f"has it mounted at {where}, in a name space of its own" in caught.value.message
    assert unmount_drive(find_drive(str(card))) == ()


def test_a_drive_with_a_system_path_or_swap_is_refused_whatever_else_is_mounted(
    card: Path, partitions: list[Path], place: Places
) -> None:
    mount(partitions[0], place("card"))
    system = Path(mkdtemp(prefix="flasher-", dir="/opt"))
    mount(partitions[1], system)
    try:
        drive = find_drive(str(card))
        assert drive.refusal == f"it holds {system} of this computer"
        with pytest.raises(Refused, match=f"it holds {system}"):
            unmount_drive(drive, patience=0)
    finally:
        run(["umount", str(system)])
        system.rmdir()
    run(["mkswap", str(partitions[1])])
    run(["swapon", str(partitions[1])])
    try:
        with pytest.raises(Refused, match="is swap space"):
            unmount_drive(find_drive(str(card)), patience=0)
    finally:
        run(["swapoff", str(partitions[1])])


def test_a_swap_file_on_a_drive_is_found(card: Path, partitions: list[Path], place: Places) -> None:
    swap = mount(partitions[0], place("card")) / "swapfile"
    swap.write_bytes(bytes(2 << 20))
    swap.chmod(0o600)
    run(["mkswap", str(swap)])
    run(["swapon", str(swap)])
    try:
        assert find_drive(str(card)).refusal == f"it is in use: {swap} is swap space"
    finally:
        run(["swapoff", str(swap)])


def test_a_drive_is_refused_while_a_file_on_it_is_another_drive(
    card: Path, partitions: list[Path], place: Places
) -> None:
    inner = mount(partitions[0], place("card")) / "inner.img"
    inner.write_bytes(bytes(2 << 20))
    device = run(["losetup", "--find", "--show", str(inner)]).text.strip()
    try:
        assert find_drive(str(card)).refusal == f"it is in use: a file on it is {device}"
    finally:
        run(["losetup", "--detach", device])


def test_the_drive_that_holds_the_image_is_known_by_any_path_to_it(
    card: Path, partitions: list[Path], place: Places, tmp_path: Path
) -> None:
    where = mount(partitions[0], place("card"))
    (where / "deep").mkdir()
    image = where / "deep/base.img"
    image.write_bytes(bytes(1 << 20))
    elsewhere = tmp_path / "base.img"
    elsewhere.symlink_to(image)
    bound = mount(where / "deep", place("bound"), "--bind")
    for path in (image, elsewhere, bound / "base.img", partitions[1], card):
        assert holds_file(card.name, path)
    assert holds_file(card.name, tmp_path / "card.backing")
    other = tmp_path / "other.img"
    other.write_bytes(b"x")
    assert not holds_file(card.name, other)


def test_a_program_that_is_done_soon_is_waited_for(
    card: Path, partitions: list[Path], place: Places
) -> None:
    busy = mount(partitions[0], place("busy"))
    drive = find_drive(str(card))
    code = "import os, sys; os.chdir(sys.argv[1])"
    with ThreadPoolExecutor(1) as pool, program(code, busy):
        unmounted = pool.submit(unmount_drive, drive, patience=60)
        # The program ends with this block, while it is being waited for.
    assert unmounted.result() == (str(busy),)


def test_a_program_that_holds_a_drive_exclusively_is_named(card: Path) -> None:
    code = "import os, sys; d = os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)"
    with program(code, card) as pid:
        drive, said = find_drive(str(card)), rf"\(process {pid}\) has {card} open"
        with pytest.raises(Refused, match=said) as caught, open_target(drive):
            pass
        assert caught.value.code == "drive-busy"


@pytest.mark.parametrize(("part", "mode"), [("", "O_RDWR"), ("p2", "O_WRONLY")])
def test_a_drive_that_a_program_has_open_for_writing_is_refused_and_the_program_named(
    card: Path, part: str, mode: str
) -> None:
    """To hold the drive exclusively does not keep it from writing after all was read back."""
    drive = find_drive(str(card))
    with program(f"import os, sys; os.open(sys.argv[1], os.{mode})", f"{card}{part}") as pid:
        named = rf"process {pid}\) has {card}{part} open for writing"
        with pytest.raises(Refused, match=named) as caught, open_target(drive):
            pass
    assert caught.value.code == "drive-busy"


def test_who_only_reads_a_drive_does_no_harm_to_it(card: Path) -> None:
    drive = find_drive(str(card))
    with program("import os, sys; os.open(sys.argv[1], os.O_RDONLY)", card), open_target(drive):
        require_no_writer(drive, patience=0)  # this program itself writes
