"""First boots of one node, of which every instant can be cut: saved states, and how they go on.

The kernel's own start, which reads nothing of a card, is done once and saved; so is each boot until
the agent says its first word. A cut begins there; a boot behind it, where the card is first read.
"""

from __future__ import annotations

import base64
import random
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import contains
from pathlib import Path

from flasher.firmware.boards import PI_3B
from flasher.firmware.choice import choose
from flasher.image.blocks import FileBlocks
from flasher.image.fat import FatVolume
from flasher.rehearsal.card_files import find_boot
from tests.rehearsal.card_judges import (
    Tree,
    differences,
    faults_of_boot,
    faults_of_root,
    of_any_node,
    status_of,
    tree_of,
)
from tests.rehearsal.saved_machine import CARD, LOG, Computer, Ended, Machine
from tests.rehearsal.write_log import Entry, LogReader, Loss, left_by_cut, write_to

# Of the system only what the agent needs is started; each of these costs a second or more of an
# emulated boot.
_LEFT_OUT = (
    "console-setup",
    "e2scrub_reap",
    "keyboard-setup",
    "kmod-static-nodes",
    "ldconfig",
    "modprobe@configfs",
    "modprobe@drm",
    "modprobe@efi_pstore",
    "modprobe@fuse",
    "systemd-binfmt",
    "systemd-journal-catalog-update",
    "systemd-modules-load",
    "systemd-update-done",
)
# Of the devices only the card is looked at. The node has a network, as far as it can see.
_DROP_IN = b"""\
[Service]
ExecStart=
ExecStart=udevadm trigger --action=add --subsystem-match=block
ExecStartPost=ip address add 2001:db8::2/128 dev lo nodad
"""
# The card's own, but for the console; what systemd does is told there, and the kernel lets it.
_CMDLINE = " ".join(
    (
        "console=ttyAMA0 root=LABEL=rootfs rw fsck.repair=yes net.ifnames=0 rootwait",
        "break=premount printk.devkmsg=on systemd.log_target=kmsg systemd.show_status=0",
        "systemd.unit=basic.target systemd.wants=autosetup.service",
        "systemd.set_credential_binary=systemd.unit-dropin.systemd-udev-trigger.service:"
        + base64.b64encode(_DROP_IN).decode(),
        *(f"systemd.mask={name}.service" for name in _LEFT_OUT),
    )
)
_PROMPT, _FIRST_WORD = b"(initramfs)", b"autosetup: "
_ENDS = (b"autosetup.service: Deactivated", b"autosetup.service: Failed")
_LAST_WORDS = (" · done · ".encode(), " · failed · ".encode(), " · rolled-back".encode())
_MOST_BOOTS = 4
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Begun:
    """A boot at the agent's first word.

    Attributes:
        card: as it was then.
        entries: what the card was asked for from there on, undisturbed.
    """

    state: Path
    card: Path
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """A node's first boots, ready to be cut.

    Attributes:
        awake: a computer that is about to look for its card.
        boots: more than one where the node restarts itself.
        boot_files: what the firmware may find: before the agent's boot settings and with them.
        done: the card of an undisturbed node in the end.
        tree: what is on it, as it is on any node.
    """

    computer: Computer
    awake: Path
    boots: tuple[Begun, ...]
    boot_files: tuple[tuple[object, ...], ...]
    done: Path
    tree: Tree


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment: behind so many requests of one of the boots; and what becomes of unflushed ones."""

    boot: int
    writes: int
    loss: Loss


def make_bench(folder: Path, prepare: Callable[[Path], None]) -> Bench:
    """Boot a node to its end, undisturbed, and save what is needed to do parts of that again.

    Args:
        folder: for states and cards.
        prepare: writes the card.
    """
    card = folder / CARD
    prepare(card)
    before = boot_files(card)
    computer, awake = _wake(folder)
    boots: list[Begun] = []
    while len(boots) < _MOST_BOOTS:
        begun = _begin(computer, awake, folder, len(boots))
        is_done, entries = run(computer, folder, state=begun.state)
        boots.append(Begun(begun.state, begun.card, tuple(entries)))
        if is_done:
            break
    status = status_of(card)
    assert status.state == "done", status
    settings = (before, boot_files(card))
    tree = of_any_node(tree_of(card))
    return Bench(computer, awake, tuple(boots), settings, card, tree)


def _wake(folder: Path) -> tuple[Computer, Path]:
    with FileBlocks(folder / CARD) as blocks:
        files = FatVolume(blocks, find_boot(CARD, blocks))
        choice = choose(files, PI_3B)
        (folder / "kernel").write_bytes(files.read(choice.kernel))
        (folder / "initramfs").write_bytes(b"".join(map(files.read, choice.initramfs)))
    computer = Computer(folder / "kernel", folder / "initramfs", _CMDLINE)
    with computer.on(folder) as machine:
        machine.wait_for(_PROMPT)
        machine.save(folder / "awake")
    return computer, folder / "awake"


def _begin(computer: Computer, awake: Path, folder: Path, number: int) -> Begun:
    """Boot the card in a folder up to the agent's first word."""
    state, card = folder / f"begun-{number}", folder / f"begun-{number}.img"
    with computer.on(folder, state=awake) as machine:
        _find_card(machine)
        machine.wait_for(_FIRST_WORD)
        machine.save(state)
    write_to(folder / CARD, LogReader(folder / LOG).new())
    copy_sparse(folder / CARD, card)
    return Begun(state, card, ())


def _find_card(machine: Machine) -> None:
    machine.insert_card()
    machine.go_on()
    machine.say(b"exit\n")


def run(computer: Computer, folder: Path, *, state: Path) -> tuple[bool, list[Entry]]:
    """Go on to the end of the agent's run; then the power is cut, and what is not flushed is lost.

    Returns whether that was its end, and not a restart of the node; and all that was written.
    """
    is_awake = state.name == "awake"
    with computer.on(folder, state=state, has_card=not is_awake) as machine:
        _find_card(machine) if is_awake else machine.go_on()
        is_done = _comes_to_an_end(machine)
        assert b"EXT4-fs error" not in machine.text, machine.tail()
    entries = LogReader(folder / LOG).new()
    left = left_by_cut(entries, "dropped" if is_done else "kept", random.Random(0))  # noqa: S311
    write_to(folder / CARD, left)
    return is_done, entries


def _comes_to_an_end(machine: Machine) -> bool:
    """Wait for the agent's last word, or for the end of the machine where the node restarts."""
    try:
        for words in (_ENDS, _LAST_WORDS):
            machine.wait_for(*words)
    except Ended:
        return False
    return True


def _is_over(machine: Machine) -> bool:
    return all(any(word in machine.text for word in words) for words in (_ENDS, _LAST_WORDS))


def cut(bench: Bench, folder: Path, what: Cut, chance: random.Random) -> int:
    """Cut a boot; the folder has the card that is left. Gives how many writes were not flushed."""
    begun = bench.boots[what.boot]
    copy_sparse(begun.card, folder / CARD)
    log = LogReader(folder / LOG)
    entries: list[Entry] = []
    with bench.computer.on(folder, state=begun.state, has_card=True) as machine:
        machine.go_on()
        try:
            while len(entries) < what.writes and not _is_over(machine):
                machine.listen(_PAUSE_SECONDS)
                entries += log.new()
            machine.control.ask("stop")
        except Ended:
            entries += log.new()
    entries = whole_again(folder / LOG, min(len(entries), what.writes))
    write_to(folder / CARD, left_by_cut(entries, what.loss, chance))
    return unflushed(entries)


def unflushed(entries: Sequence[Entry]) -> int:
    """How many of the last requests a cut behind them could take away."""
    return len(entries) - max((at for at, e in enumerate(entries, 1) if e.flushes), default=0)


def whole_again(log: Path, count: int) -> list[Entry]:
    """So many entries, read once nothing is written any more."""
    return LogReader(log).new()[:count]


def boot_to_end(bench: Bench, folder: Path) -> int:
    """Boot the card in a folder until its agent has nothing more to do; gives how many boots."""
    for boots in range(1, _MOST_BOOTS + 1):
        is_done, _ = run(bench.computer, folder, state=bench.awake)
        if is_done:
            return boots
    raise AssertionError("the node restarts itself again and again")


def starts(bench: Bench, card: Path) -> bool:
    """Whether firmware finds on a card what it must, each of its settings as it was or will be."""
    return all(map(contains, zip(*bench.boot_files, strict=True), boot_files(card)))


def boot_files(card: Path) -> tuple[object, ...]:
    """What a Pi's firmware would start from a card: all files it loads, and the two of settings."""
    with FileBlocks(card) as blocks:
        files = FatVolume(blocks, find_boot(card.name, blocks))
        choice = choose(files, PI_3B)
        loaded = (choice.kernel, *choice.initramfs, choice.device_tree)
        assert not choice.missing, choice.missing
        sizes = tuple((name, hash(files.read(name))) for name in loaded)
        return sizes, files.read("config.txt"), files.read("cmdline.txt")


def faults(bench: Bench, card: Path) -> list[str]:
    """What is wrong with a card whose node says that it is done."""
    status = status_of(card)
    if status.state != "done":
        return [f"{status.state}: {status.reason}"]
    names = [step.name for step in status.steps]
    found = [f"steps {names}"] if len(set(names)) != len(names) else []
    found += faults_of_boot(card) + faults_of_root(card)
    return found + differences(bench.tree, of_any_node(tree_of(card)))


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a file, holes as holes."""
    target.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "--sparse=always", source, target], check=True)
