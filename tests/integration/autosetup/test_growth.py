"""A file system grown to its card's end, on a loop device with the real programs.

It is not mounted here, as not every root may grow it then; a node that boots grows it mounted.

The judges are not ours: sfdisk reads the table, e2fsck and dumpe2fs the file system.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

import autosetup
from autosetup.growth import Cannot, Partition, find, grow, take_rest
from autosetup.system import System
from tests.integration.conftest import MIB, loop_over

CARD_MIB, ROOT_MIB, FIRST_MIB = 300, 32, 5
REST_MIB = CARD_MIB - FIRST_MIB
_PROJECT = Path(autosetup.__file__).parent.parent
# Kills the agent before the n-th of: the writing of the table, the start of a program.
_DRIVER = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
left = int(sys.argv[2])
def moment():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(lambda event, _: moment() if event == "subprocess.Popen" else None)
write = os.pwrite
def pwrite(*arguments):
    moment()
    return write(*arguments)
os.pwrite = pwrite
from autosetup.growth import find, take_rest
from autosetup.system import System
take_rest(System(), find(System(), *map(int, sys.argv[3:])))
"""


def tool(*argv: str | Path) -> str:
    return subprocess.run(list(map(str, argv)), capture_output=True, text=True, check=True).stdout


@dataclass(frozen=True, slots=True)
class Card:
    """A card in a loop device; the second partition is the last one."""

    file: Path
    device: Path

    @property
    def number(self) -> tuple[int, int]:
        found = Path(f"/dev/{self.device.name}p2").stat().st_rdev
        return os.major(found), os.minor(found)

    @property
    def partition(self) -> Partition:
        found = find(System(), *self.number)
        assert found
        return found

    def sizes(self) -> list[float]:
        """Of the partitions, in MiB."""
        table = json.loads(tool("sfdisk", "--json", self.file))["partitiontable"]
        return [partition["size"] * 512 / MIB for partition in table["partitions"]]

    def file_system_mib(self) -> float:
        told = tool("dumpe2fs", "-h", f"/dev/{self.device.name}p2").splitlines()
        facts = dict(line.split(":", 1) for line in told if ":" in line)
        return int(facts["Block count"]) * int(facts["Block size"]) / MIB


@contextmanager
def with_nodes(device: Path) -> Iterator[None]:
    """The nodes of a loop device's partitions, also where nobody else makes them."""
    made = []
    try:
        for place in Path(f"/sys/block/{device.name}").glob(f"{device.name}p*"):
            node = Path("/dev") / place.name
            if not node.exists():
                major, minor = map(int, (place / "dev").read_text().split(":"))
                os.mknod(node, 0o600 | 0o060000, os.makedev(major, minor))
                made.append(node)
        yield
    finally:
        for node in made:
            node.unlink()


def make_file(path: Path, *, label: str = "dos", behind: bool = False) -> Path:
    with path.open("wb") as handle:
        handle.truncate(CARD_MIB * MIB)
    lines = [f"label: {label}", "1MiB,4MiB", f"{FIRST_MIB}MiB,{ROOT_MIB}MiB"]
    lines += [f"{FIRST_MIB + ROOT_MIB}MiB,1MiB"] if behind else []
    script = "\n".join(lines)
    subprocess.run(["sfdisk", "-q", path], input=script, text=True, check=True)
    offset = f"offset={FIRST_MIB * MIB}"
    options = ["-O", "metadata_csum,64bit", "-b", "4096", "-E", offset]
    tool("mke2fs", "-q", "-t", "ext4", *options, path, f"{ROOT_MIB}m")
    return path


MakeCard = Callable[..., Card]


@pytest.fixture
def make_card(tmp_path: Path) -> Iterator[MakeCard]:
    with ExitStack() as stack:

        def make(**form: object) -> Card:
            file = make_file(tmp_path / "card.img", **form)  # type: ignore[arg-type]
            device = stack.enter_context(loop_over(file, "--partscan"))
            with suppress(subprocess.CalledProcessError):  # where the kernel has seen them already
                tool("partx", "--add", device)
            stack.enter_context(with_nodes(device))
            return Card(file, device)

        yield make


def assert_full(card: Card) -> None:
    assert card.sizes() == [FIRST_MIB - 1, REST_MIB]
    assert card.partition.size * 512 == REST_MIB * MIB
    assert REST_MIB - 16 < card.file_system_mib() <= REST_MIB
    checked = subprocess.run(["e2fsck", "-fn", f"/dev/{card.device.name}p2"], capture_output=True)
    assert checked.returncode == 0, checked.stdout


def test_the_last_partition_and_its_file_system_take_the_whole_card(make_card: MakeCard) -> None:
    card = make_card()
    assert take_rest(System(), card.partition)
    assert_full(card)


def test_a_card_that_is_full_is_left_alone(make_card: MakeCard) -> None:
    card = make_card()
    take_rest(System(), card.partition)
    tool("sync")
    before = hashlib.sha256(card.file.read_bytes()).digest()
    assert not take_rest(System(), card.partition)
    assert hashlib.sha256(card.file.read_bytes()).digest() == before


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_a_power_cut_between_any_two_of_its_parts_is_made_up_for(
    make_card: MakeCard, moment: int
) -> None:
    card = make_card()
    argv = [sys.executable, "-c", _DRIVER, _PROJECT, *map(str, (moment, *card.number))]
    cut = subprocess.run(argv, capture_output=True, text=True)
    assert (cut.returncode == -signal.SIGKILL) == (moment <= 3), cut.stderr
    take_rest(System(), card.partition)
    assert_full(card)


@pytest.mark.parametrize(
    ("form", "why"),
    [({"label": "gpt"}, "another kind than MBR"), ({"behind": True}, "another partition lies")],
)
def test_what_cannot_grow_is_told_and_nothing_is_changed(
    make_card: MakeCard, form: dict[str, object], why: str
) -> None:
    card = make_card(**form)
    before = card.sizes()
    with pytest.raises(Cannot, match=why):
        take_rest(System(), card.partition)
    assert card.sizes() == before


def test_a_folder_that_is_no_partition_is_passed_over_without_a_word() -> None:
    told: list[str] = []
    grow(System(), "/proc", told.append)
    assert told == []
