"""A release for a large rig: how long it takes, how large it is, and what one node fetches of it.

    .venv/bin/python bench/release.py [NODES] [MEGABYTES]

Default: 1000 nodes that share one file of 50 MB. The first release has it all; of the second one
only a script is new. Times are of the processor: what others do on the computer does not count.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from flasher.fleet.release import names
from flasher.fleet.release.chosen import Wish
from flasher.fleet.release.compose import compose_release
from flasher.fleet.release.copies import copy_in_force
from flasher.fleet.release.draft import DraftFolder
from flasher.fleet.release.keys import offline
from flasher.fleet.release.place import Place
from flasher.fleet.release.plan import paused
from flasher.fleet.release.prune import Keep, prune
from flasher.fleet.release.root import RootKeys, make_repository
from flasher.fleet.release.state import State
from flasher.fleet.release.steps import change_plan, publish_draft, sign_draft
from flasher.recording import NO_NODE, node_line
from flasher.rig.entry import Entry
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.signing import make_signer
from flasher.rig.site import load_site

ROWS = 20
MB = 10**6
PROFILE = """format = 1
name = "big"
title = "Big"
description = "for the bench"
[[role]]
name = "camera"
title = "Camera"
columns = {columns}
rows = {rows}
node = "cam-{{column:02}}{{row:02}}"
position = "C{{column}}R{{row}}"
[[role.file]]
path = "/opt/scanner.bin"
source = "scanner.bin"
[[role.script]]
source = "warm-up.sh"
"""
SITE = """format = 1
name = "bench"
title = "x"
[user]
name = "scanner"
[locale]
language = "en_GB.UTF-8"
keyboard = "gb"
timezone = "Europe/Berlin"
[network]
country = "DE"
[[network.wifi]]
ssid = "Bench"
"""
SECRETS = """format = 1
[wifi_passphrases]
"Bench" = "demonstration only"
"""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of processor time of each part."""

    compose: float
    sign: float
    publish: float


def main() -> None:
    """Measure, and print a table."""
    given = [int(word) for word in sys.argv[1:3]]
    nodes, megabytes = (*given, *(1000, 50)[len(given) :])
    with tempfile.TemporaryDirectory() as folder:
        bench(Path(folder), nodes, megabytes)


def bench(folder: Path, nodes: int, megabytes: int) -> None:
    """One repository, two releases, one pause; and what is left when the first one is pruned."""
    place = Place("bench", folder / "repository", folder / "home")
    now = datetime.now(UTC)
    make_repository(place, RootKeys(), "bench", now)
    rig = make_rig(folder, nodes, megabytes)
    entries = [card(rig, number, now) for number in range(len(rig.nodes))]
    bare = payloads(rig, entries, now)
    first, before = release(place, rig, entries, now), files(place.folder)
    (folder / "profile/warm-up.sh").write_text("#!/bin/sh\nexit 0\n")
    rig = load(folder)
    second = release(place, rig, entries, now + timedelta(seconds=5))
    state = place.read()
    after = files(place.folder)
    show("payloads alone, as for cards", f"{bare:.1f} s")
    show_took("first release", first, bare)
    show_took("second", second, bare)
    size, more = sum(before.values()), sum(after.values()) - sum(before.values())
    show("the repository after the first", f"{size / MB:.1f} MB, {len(before)} files")
    show("new by the second", f"{more / MB:.2f} MB")
    for name, size in of_one_node(state, entries[0]).items():
        show(f"one node fetches for the second: {name}", f"{size / 1000:.1f} kB")
    afterwards(place, rig, folder / "stick", now)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    show("most memory", f"{peak / 1024:.0f} MiB")


def afterwards(place: Place, rig: RigMap, stick: Path, now: datetime) -> None:
    """What is done with a repository that has two releases."""
    begun = time.process_time()
    pause(place, rig, now)
    show("a pause, published", f"{time.process_time() - begun:.2f} s")
    begun = time.process_time()
    size = copy_in_force(place.read(), stick)
    show("a copy", f"{size / MB:.1f} MB, {time.process_time() - begun:.1f} s")
    begun, later = time.process_time(), now + timedelta(days=60)
    gone = prune(place, place.read(), Keep(versions=1, days=30), later)
    freed = f"{sum(gone.values()) / MB:.2f} MB, {len(gone)} files"
    show("pruned of the first", f"{freed}, {time.process_time() - begun:.1f} s")


def make_rig(folder: Path, nodes: int, megabytes: int) -> RigMap:
    """A scanner whose nodes share a large file."""
    for name in ("profile", "site"):
        (folder / name).mkdir()
    columns = max(nodes // ROWS, 1)
    rows = min(nodes, ROWS)
    (folder / "profile/profile.toml").write_text(PROFILE.format(columns=columns, rows=rows))
    (folder / "profile/scanner.bin").write_bytes(b"\xa5" * megabytes * MB)
    (folder / "profile/warm-up.sh").write_text("#!/bin/sh\n")
    (folder / "site/site.toml").write_text(SITE)
    (folder / "site/secrets.toml").write_text(SECRETS)
    make_signer(folder / "site", "bench")
    return load(folder)


def load(folder: Path) -> RigMap:
    """The scanner as it is now."""
    profile = load_profile(str(folder / "profile/profile.toml"))
    return lay_out(profile, *load_site(str(folder / "site/site.toml")))


def card(rig: RigMap, number: int, now: datetime) -> Entry:
    """A node's card, as the ledger has it."""
    identity = CardIdentity.fresh(now - timedelta(days=1))
    line = node_line(NO_NODE, rig, rig.nodes[number], identity, "1" * 64)
    return replace(line, result="verified", image_digest="2" * 64)


def payloads(rig: RigMap, entries: list[Entry], now: datetime) -> float:
    """Processor time for composing the payloads, which `prepare` does, too."""
    begun = time.process_time()
    for node in rig.nodes[: len(entries)]:
        compose(rig, node, CardIdentity.fresh(now), "2" * 64)
    return time.process_time() - begun


def release(place: Place, rig: RigMap, entries: list[Entry], now: datetime) -> Took:
    """Make one and put it in force."""
    signer = rig.secrets.signer
    assert signer
    wanted = place.read().root.signed.roles["targets"].keyids
    key = offline(place.keys, "targets", wanted, lambda: "bench")[0]
    times = [time.process_time()]
    state, folder = place.read(), DraftFolder(place.draft)
    compose_release(state, folder, rig, Wish("big", "bench", forget=True), entries, now)
    times.append(time.process_time())
    sign_draft(place, state, signer, lambda: key, lambda: now)
    times.append(time.process_time())
    publish_draft(place, state, now)
    folder.discard()
    times.append(time.process_time())
    return Took(*(after - before for before, after in pairwise(times)))


def pause(place: Place, rig: RigMap, now: datetime) -> None:
    """What is published in a hurry."""
    signer = rig.secrets.signer
    assert signer
    state = place.read()
    key = offline(place.keys, "targets", state.root.signed.roles["targets"].keyids, lambda: "bench")
    change_plan(place, state, signer, paused, lambda: key[0], now)


def files(folder: Path) -> dict[str, int]:
    """Sizes by path."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size for path in found}


def of_one_node(state: State, entry: Entry) -> dict[str, int]:
    """What a node that has the first release must fetch to have the second."""

    def size(path: str) -> int:
        return (state.folder / path).stat().st_size

    def target(path: str) -> int:
        return len(state.read(path) or b"")

    versions = {role: data.signed.version for role, data in state.delegated.items()}
    versions["snapshot"] = state.snapshot.signed.version
    metadata = size(names.TIMESTAMP) + sum(size(names.versioned(r, v)) for r, v in versions.items())
    return {
        "metadata": metadata,
        "the plan": target(names.plan_target("bench")),
        "its letter": target(names.letter_target("bench", "camera", entry.card_id)),
        "new files": len("#!/bin/sh\nexit 0\n"),
    }


def show_took(release: str, took: Took, bare: float) -> None:
    """A line of the table about a release; `bare` is what its payloads alone take, in seconds."""
    whole = took.compose + took.sign + took.publish
    parts = f"{took.compose:.1f} + {took.sign:.1f} + {took.publish:.1f}"
    show(f"{release}: composed, signed, published", f"{parts} s: {whole / bare:.2f} x")


def show(what: str, figure: str) -> None:
    """A line of the table."""
    print(f"| {what} | {figure} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
