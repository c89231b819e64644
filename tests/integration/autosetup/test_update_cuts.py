"""The power goes while a node looks for an update and fetches it; what was not synced is lost.

Every tree that a cut may leave of the updater's folder, by the disk of `disk`: the next look goes
on from it and comes to the same payload, and nothing that was seen is ever unseen.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from autosetup.errors import AgentError
from autosetup.settings import Update
from autosetup.update.look import looking
from tests.integration.autosetup.conftest import PROJECT
from tests.integration.autosetup.disk import Disk, lay_down
from tests.integration.autosetup.released import NEXT, Card, asked, payload, release
from tests.integration.autosetup.releases import SITE, Repository, serving

# What is synced is so in order: whatever drops the rest leaves a tree that was there before.
KINDS = ["kept", "reordered", "torn"]
SOME = 15
LATER = payload(NEXT + 1, b"the generation after it\n" * 3000)
# As `disk.DRIVER`, for paths below the folder that is watched.
DRIVER = """
import json, os, sys
known = json.loads(sys.argv[1])
sys.path[:0] = [known["project"]]
told, heard = int(sys.argv[2]), int(sys.argv[3])
from tests.integration.autosetup.released import Card, asked
from autosetup.settings import Update
from autosetup.update.look import looking
import tuf.ngclient, cryptography.hazmat.primitives.ciphers.aead
from pathlib import Path
upper = known["upper"]
def tell(word, path=""):
    if not path or path.startswith(upper + "/"):
        os.write(told, f"{word} {path[len(upper):]}".encode() + b"\\n")
        os.read(heard, 1)
fsync = os.fsync
def fsync_and_tell(number):
    fsync(number)
    tell("fsync", os.readlink(f"/proc/self/fd/{number}"))
def watch(event, args):
    if event in ("os.rename", "os.remove"):
        tell("moment", os.path.abspath(args[0]))
    elif event == "open" and isinstance(args[0], str) and (args[2] or 0) & os.O_ACCMODE:
        tell("open", os.path.abspath(args[0]))
os.fsync = fsync_and_tell
sys.addaudithook(watch)
card = Card(Path(upper) / "update", bytes.fromhex(known["anchor"]), Update(**known["update"]))
with looking(card.ground, asked) as found:
    found.payload()
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder whose changes the disk sees, and what runs in it."""

    upper: Path
    anchor: bytes
    source: str

    def card(self, upper: Path | None = None) -> Card:
        update = Update(site=SITE, source=self.source)
        return Card((upper or self.upper) / "update", self.anchor, update)

    def start(
        self, driver: str, *arguments: str, pass_fds: tuple[int, ...] = ()
    ) -> subprocess.Popen[str]:
        known = {
            "project": str(PROJECT),
            "upper": str(self.upper),
            "anchor": self.anchor.hex(),
            "update": {"site": SITE, "source": self.source},
        }
        argv = [sys.executable, "-c", driver, json.dumps(known), *arguments]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, pass_fds=pass_fds)


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that a cut may leave, the repository as it was before, and as it is."""

    disk: Disk
    watched: Watched
    past: dict[Path, bytes]
    now: dict[Path, bytes]


@pytest.fixture(scope="module")
def recorded(ground: Path) -> Iterator[Recorded]:
    """A node that has seen one release looks for the next, whose root is another one."""
    repository = Repository(ground / "repository")
    anchor = repository.begin()
    release(repository, payload())
    past = dict(repository.copy_of())
    with serving(repository.folder) as server:
        watched = Watched(ground / "upper", anchor, server.address)
        watched.upper.mkdir()
        with looking(watched.card().ground, asked) as found:
            assert found.payload() == payload()
        repository.begin()
        release(repository, LATER)
        disk = Disk(watched, driver=DRIVER)
        assert disk.record() == 0
        yield Recorded(disk, watched, past, dict(repository.copy_of()))


def after_each_cut(recorded: Recorded, kind: str, place: Path) -> Iterator[Card]:
    """The node as cuts of this kind leave it, some of them, from the first to the last."""
    found = [tree for _, of_kind, tree in recorded.disk.trees.values() if of_kind == kind]
    assert found
    for number, tree in enumerate(found[:: max(1, len(found) // SOME)]):
        upper = place / str(number)
        upper.mkdir()
        lay_down(tree, upper)
        yield recorded.watched.card(upper)


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_power_cut_the_next_look_comes_to_the_same(
    recorded: Recorded, tmp_path: Path, kind: str
) -> None:
    for card in after_each_cut(recorded, kind, tmp_path):
        with looking(card.ground, asked) as found:
            assert found.payload() == LATER
        assert not list(card.folder.glob("**/*.part"))


def test_the_disk_sees_each_file_that_is_kept(recorded: Recorded) -> None:
    kinds = {kind for _, kind, _ in recorded.disk.trees.values()}
    assert kinds == set(KINDS)
    assert recorded.disk.moment > 30


def test_what_was_seen_before_a_power_cut_is_never_unseen(
    recorded: Recorded, tmp_path: Path
) -> None:
    """Whoever shows the release before gets nowhere once the new one's timestamp was kept."""
    outcomes = set()
    for path, data in recorded.past.items():
        path.write_bytes(data)
    try:
        for card in after_each_cut(recorded, "kept", tmp_path):
            (kept,) = card.folder.glob("metadata/*/timestamp.json")
            has_seen = json.loads(kept.read_bytes())["signed"]["version"] > 1
            outcomes.add((has_seen, outcome(card)))
    finally:
        for path, data in recorded.now.items():
            path.write_bytes(data)
    assert outcomes == {(False, "the release before"), (True, "update-refused")}


def outcome(card: Card) -> str:
    """What a node comes to."""
    try:
        with looking(card.ground, asked) as found:
            assert found.payload() == payload()
    except AgentError as error:
        return error.code
    return "the release before"
