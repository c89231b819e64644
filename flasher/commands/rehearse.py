"""Boot a card in an emulated Raspberry Pi, or PC, and wait for the node's own result."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from autosetup.status import STATES, Status, lines_of
from flasher.commands import _rehearse_rig
from flasher.commands._sites import add_unlock, load
from flasher.console import Console
from flasher.drives.find import find_drive
from flasher.errors import BadInput, ExitCode, FlasherError
from flasher.events import CancelFlag, Emit, Event, Noted
from flasher.image.source import open_image
from flasher.images import choose_image, image_place
from flasher.prepare import plan_node_card
from flasher.progress import readable_seconds
from flasher.rehearsal.run import DEFAULT_TIMEOUT, PlannedCard, Rehearsal, rehearse
from flasher.rehearsal.watch import FINAL, CutPower
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.sightings import record_sighting

EXAMPLE = "flasher rehearse card.img"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "cards", nargs="*", metavar="card", help="drive or virtual card; several: on one network"
    )
    _add_planned(parser)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="boot the virtual card itself, so that it remembers; default: a copy, thrown away",
    )
    parser.add_argument(
        "--uefi",
        action="store_true",
        help="a card for PCs: start it as new firmware does; default: as a BIOS does",
    )
    parser.add_argument(
        "--until", choices=STATES, metavar="STATE", help=f"end there: one of {', '.join(STATES)}"
    )
    parser.add_argument(
        "--cut-power",
        type=_seconds,
        metavar="SECONDS",
        help="cut the power so long after switching on, then switch on again",
    )
    parser.add_argument("--no-network", action="store_true", help="without a network adapter")
    _rehearse_rig.configure(parser)
    add_unlock(parser)
    parser.add_argument("--log", type=Path, help="keep all that the node says in this file")
    parser.add_argument(
        "--timeout", type=_seconds, default=DEFAULT_TIMEOUT, help="seconds (%(default)s)"
    )


def _add_planned(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--node", help="instead of a card: a node, whose card is only planned")
    parser.add_argument("--scanner", help="with --node: scanner profile, by name or path")
    parser.add_argument("--site", help="with --node: site, by name or path")
    parser.add_argument(
        "--image", type=image_place, help="with --node: base image; default: the newest"
    )


def _seconds(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return int(text)


def run(args: argparse.Namespace, console: Console) -> int:
    """Done only if the node itself says done, or what `--until` asks for."""
    if len(args.cards) > 1:
        _rehearse_rig.check(args)
        with _log(args.log) as log, console.progress() as emit:
            heard = _also_to(log, emit, several=True) if log else emit
            return _rehearse_rig.run(args, console, heard)
    _check(args)
    rig = None if args.cards else _rig(args, console)
    wanted = args.until or "done"
    with _log(args.log) as log, console.progress() as emit:
        heard = _also_to(log, emit) if log else emit
        rehearsal = rehearse(
            _card(args, rig, heard),
            emit=heard,
            cancel=CancelFlag(),
            keep=args.keep,
            timeout_seconds=args.timeout,
            cut_power_after=_is(args.until),
            outage_at=args.cut_power,
            network=not args.no_network,
            firmware="uefi" if args.uefi else "bios",
        )
    _say(rehearsal, console)
    _record(rehearsal, console)
    if args.cut_power and not rehearsal.outages:
        console.say("It had ended before its power was to be cut.")
    reached = rehearsal.status is not None and rehearsal.status.state == wanted
    console.result("rehearsal", _as_json(rehearsal))
    return ExitCode.DONE if reached else ExitCode.FAILED


def _record(rehearsal: Rehearsal, console: Console) -> None:
    """Tell the ledger of a card that started well."""
    if rehearsal.card is None:
        return
    drive, seconds = str(rehearsal.card), rehearsal.seconds
    try:
        record_sighting(Ledger(), rehearsal.status, "rehearsed", drive=drive, seconds=seconds)
    except FlasherError as error:
        console.warn(f"The ledger does not know of it: {error} {error.hint}")


def _is(state: str | None) -> CutPower | None:
    """What ends a rehearsal early: a state that is not the end anyway."""
    return None if state is None or state in FINAL else lambda status: status.state == state


def _check(args: argparse.Namespace) -> None:
    """Either a card, or all that a card is planned from."""
    planned = (args.scanner, args.site, args.node)
    if args.cards and (any(planned) or args.image):
        what = "A card that is there is not planned."
        raise BadInput("usage", what, "Name the card alone, or leave it out and name the node.")
    if not args.cards and (args.keep or not all(planned)):
        what = "There is nothing to boot." if not args.keep else "A planned card cannot be kept."
        hint = "Name a card, or --node with --scanner and --site; --keep is for cards."
        raise BadInput("usage", what, hint)


def _rig(args: argparse.Namespace, console: Console) -> RigMap:
    return lay_out(load_profile(args.scanner), *load(args.site, args, console))


def _card(args: argparse.Namespace, rig: RigMap | None, emit: Emit) -> Path | PlannedCard:
    if rig is None:
        return find_drive(args.cards[0]).path
    node = rig.find(args.node)
    cancel = CancelFlag()
    path = choose_image(args.image, emit=emit, cancel=cancel)
    image = open_image(path, emit=emit, cancel=cancel)
    image.prove(cancel)
    return PlannedCard(node.name, plan_node_card(rig, node, image).plan)


@contextmanager
def _log(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        handle = path.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        what = f"The log {path} cannot be written: {error.strerror}."
        raise FlasherError("log-unusable", what, "Name another file for --log.") from None
    with handle:
        yield handle


def _also_to(log: TextIO, emit: Emit, *, several: bool = False) -> Emit:
    def hear(event: Event) -> None:
        if isinstance(event, Noted) and not event.warning:
            log.write(f"{event.subject}: {event.text}\n" if several else f"{event.text}\n")
        emit(event)

    return hear


def _say(rehearsal: Rehearsal, console: Console) -> None:
    if rehearsal.status:
        _say_status(rehearsal.status, console)
        console.say(f"on its console: {rehearsal.banner or 'no word of its own was seen'}")
    took = readable_seconds(rehearsal.seconds)
    cut = ", its power cut once," if rehearsal.outages else ""
    origin = rehearsal.card or "a planned card"
    console.say(f"booted in {took}{cut} as a {rehearsal.board} from {origin}")
    for what in rehearsal.not_rehearsed:
        console.say(f"not rehearsed: {what}")


def _say_status(status: Status, console: Console) -> None:
    console.say("\n" + "\n".join(lines_of(status)))
    console.say(f"address: {', '.join(status.addresses) or 'none'}")
    for step in status.steps:
        changed = "changed" if step.changed else "was so"
        console.say(f"  {step.name:<14} {readable_seconds(step.seconds):>9}  {changed}")
    if status.reason and not status.faults:
        console.say(f"  {status.reason}\n  → {status.hint}")


def _as_json(rehearsal: Rehearsal) -> dict[str, object]:
    return {
        "card": str(rehearsal.card) if rehearsal.card else None,
        "board": rehearsal.board,
        "seconds": round(rehearsal.seconds, 1),
        "status": asdict(rehearsal.status) if rehearsal.status else None,
        "banner": rehearsal.banner,
        "outages": rehearsal.outages,
        "not_rehearsed": list(rehearsal.not_rehearsed),
    }
