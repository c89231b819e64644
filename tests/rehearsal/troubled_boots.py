"""Whole boots of a node in trouble: what its card is made of, what befalls it, what it says.

The card is the base image with a payload that is put there by mtools. A boot goes on from the saved
state of `first_boots`, whose initramfs waits for somebody at its console: there the node is given
what it shall meet, so that nothing of it is on the card.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from autosetup.manifest import read_manifest, record, write_manifest
from autosetup.settings import NodeSettings, User
from autosetup.status import Status
from tests.rehearsal.card_judges import on_boot, partition, tool
from tests.rehearsal.first_boots import Bench, copy_sparse
from tests.rehearsal.saved_machine import CARD, LOG, Ended, Machine
from tests.rehearsal.write_log import LogReader, left_by_cut, write_to
from tests.unit.autosetup.sample_payloads import GENERATION, HASH, Secrets, packed

NODE = NodeSettings(
    name="cam-0101", role="camera", position="SEG1-CAM1", users=(User("scan", ("video",)),)
)
# Of the payload in the end; what somebody deletes on a PC is no longer the node's to erase.
NEW_HASH = HASH.replace("h", "n")
_ENDS = (b"autosetup.service: Deactivated", b"autosetup.service: Failed")
_LAST_WORDS = (" · done · ".encode(), " · failed · ".encode())
_NO_SYSTEM = (b"Emergency Mode", b"Failed to mount", b"Kernel panic")
# More than the agent ever allows.
_MOST_BOOTS = 8
# On the boot partition: what a node said that failed and would go on, and what ran then.
FAILURE, RUNNING = "failure.json", "running"
_SAYS = "/run/autosetup/status.json"
_ON_CARD = "/boot/firmware/autosetup/status.json"
_HOOKS = f"""\
mkdir -p /run/systemd/system/autosetup.service.d
cat >/run/before <<'EOF'
{{before}}
EOF
cat >/run/after <<'EOF'
until grep -q '"state": "failed"' {_SAYS} && {{has_told}}; do sleep 1; done 2>/dev/null
cd /boot/firmware
cp {_SAYS} {FAILURE}
cat /proc/[0-9]*/cmdline | tr '\\0' ' ' >{RUNNING}
sync {FAILURE} {RUNNING}
{{after}}
EOF
cat >/run/systemd/system/after.service <<'EOF'
[Service]
ExecStart=/bin/sh /run/after
EOF
cat >/run/systemd/system/autosetup.service.d/trial.conf <<'EOF'
[Unit]
Wants=after.service
[Service]
ExecStartPre=/bin/sh /run/before
EOF
exit
"""


@dataclass(frozen=True, slots=True)
class Meets:
    """What a node meets in a boot.

    Attributes:
        before: shell commands on the node, right before its agent starts.
        after: likewise, once it has failed and said so.
        card: whether the node can leave its word there, or not, or write to it at all.
    """

    before: str = ""
    after: str = "systemctl stop autosetup"
    card: Literal["good", "silent", "locked"] = "good"


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a boot: how often the node restarted itself, and its console."""

    restarts: int
    console: str


def payload(
    settings: NodeSettings = NODE,
    files: Mapping[str, bytes] | None = None,
    generation: int = GENERATION,
    password: str = HASH,
) -> dict[str, bytes]:
    """The files of a payload for one camera."""
    secrets = Secrets(bytes(range(32)), {"scan": password})
    return packed(settings, secrets, files or {}, generation)


def resealed(raw: Mapping[str, bytes], changed: Mapping[str, bytes]) -> dict[str, bytes]:
    """A payload with other files, and a manifest that vouches for them."""
    files = {**raw, **changed}
    old = read_manifest(files["manifest.json"])
    records = {name: record(files[name]) for name in old.files}
    return {**files, "manifest.json": write_manifest(replace(old, files=records))}


def insert(card: Path, raw: Mapping[str, bytes]) -> None:
    """Put a payload on a card, in place of the one that is there."""
    volume = f"{card}@@{partition(card, 1)[0]}"
    subprocess.run(["mdeltree", "-i", volume, "::autosetup"], capture_output=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "autosetup"
        for name, data in raw.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        tool("mcopy", "-s", "-i", volume, folder, "::")


def on_root(card: Path, path: str) -> str:
    """A file of the root file system, its journal replayed; empty where it is missing."""
    volume = f"{card}?offset={partition(card, 2)[0]}"
    subprocess.run(["e2fsck", "-p", volume], capture_output=True)
    argv = ["debugfs", "-R", f"cat {path}", volume]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def failure_of(card: Path) -> Status:
    """What a node said first, which failed and went on."""
    return Status.from_json(on_boot(card, FAILURE))


def boot(bench: Bench, folder: Path, meets: Meets) -> Heard:
    """Boot the card in a folder until its agent has ended; then pull the plug.

    What was not flushed then is lost.
    """
    text = ""
    for restarts in range(_MOST_BOOTS):
        is_ended, console = _boot_once(bench, folder, meets)
        text += console
        if is_ended:
            return Heard(restarts, text)
    raise AssertionError(f"the node restarts itself again and again:\n{text[-4000:]}")


def _boot_once(bench: Bench, folder: Path, meets: Meets) -> tuple[bool, str]:
    with bench.computer.on(folder, state=bench.awake) as machine:
        _insert_locked(machine) if meets.card == "locked" else machine.insert_card()
        machine.go_on()
        machine.say(_hooks(meets))
        is_ended = _ends(machine)
    if meets.card != "locked":
        loss = "dropped" if is_ended else "kept"
        entries = LogReader(folder / LOG).new()
        write_to(folder / CARD, left_by_cut(entries, loss, random.Random(0)))  # noqa: S311
    return is_ended, machine.text.decode(errors="replace")


def _hooks(meets: Meets) -> bytes:
    has_told = f"cmp {_SAYS} {_ON_CARD}" if meets.card == "good" else "true"
    return _HOOKS.format(before=meets.before, after=meets.after, has_told=has_told).encode()


def _ends(machine: Machine) -> bool:
    """Whether the agent, or the start of the system, has ended, and not the node restarts."""
    try:
        machine.wait_for(*_ENDS, *_NO_SYSTEM)
        machine.wait_for(*_LAST_WORDS, *_NO_SYSTEM)
    except Ended:
        return False
    return True


def _insert_locked(machine: Machine) -> None:
    """Put the card in with its lock set."""
    file = {"driver": "file", "filename": str(machine.folder / CARD), "read-only": True}
    what = {"driver": "raw", "node-name": "locked", "read-only": True, "file": file}
    machine.control.ask("blockdev-add", **what)
    where = {"bus": "card-bus.0", "drive": "locked"}
    machine.control.ask("device_add", driver="scsi-hd", id="card", **where)


def make_card(image: Path, folder: Path, raw: Mapping[str, bytes]) -> Path:
    """The card in a folder: the image with a payload."""
    copy_sparse(image, folder / CARD)
    insert(folder / CARD, raw)
    return folder / CARD
