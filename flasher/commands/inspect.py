"""Read what a card says of itself, without booting or mounting it; and mend one that failed."""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import asdict

from autosetup.faults import shown
from autosetup.status import lines_of
from autosetup.trust import Signature
from flasher.card.advice import Advice, advise
from flasher.card.inspect import CardReport, inspect_card
from flasher.card.log_tail import last_words
from flasher.commands._drives import add_serial
from flasher.commands._sites import add_unlock, load
from flasher.console import Console
from flasher.drives.find import find_drive
from flasher.drives.model import Drive, guard, named
from flasher.drives.opening import drive_blocks
from flasher.errors import BadInput, ExitCode, FlasherError
from flasher.image.blocks import Blocks
from flasher.mend import Mended, mend
from flasher.progress import readable_seconds, readable_size
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.sightings import record_sighting

EXAMPLE = "flasher inspect /dev/sdX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("card", help="drive or file")
    parser.add_argument(
        "--fix", action="store_true", help="have a payload that failed tried again, or replace it"
    )
    parser.add_argument("--log", action="store_true", help="what the node said last, too")
    parser.add_argument("--scanner", help="with --fix: scanner profile of a new payload")
    parser.add_argument("--site", help="with --fix: site of a new payload")
    parser.add_argument("--dry-run", action="store_true", help="with --fix: say what would be done")
    add_serial(parser)
    add_unlock(parser)
    parser.add_argument("--yes", action="store_true", help="with --fix: do not ask")


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the report; mend the card if that is asked for."""
    rig = _rig(args, console)
    drive = find_drive(args.card)
    with drive_blocks(drive.path) as blocks:
        report = inspect_card(blocks)
        log = _last_words(blocks) if args.log else ()
    advice = advise(report)
    _say(report, advice, console)
    for line in log:
        console.say(f"  | {line}")
    _record(report, drive, console)
    mended = (
        _mend(guard(named(drive, tuple(args.serial))), rig, args, console) if args.fix else None
    )
    body = {"card": str(drive.path), **_as_json(report, advice)}
    body |= {"log": list(log)} if args.log else {}
    console.result("card", body | ({"mended": mended and asdict(mended)} if args.fix else {}))
    return ExitCode.DONE


def _last_words(blocks: Blocks) -> tuple[str, ...]:
    with suppress(FlasherError):  # the report tells what is damaged
        return last_words(blocks)
    return ()


def _record(report: CardReport, drive: Drive, console: Console) -> None:
    """Tell the ledger of a node that lives."""
    said = None if report.is_untried else report.status
    try:
        record_sighting(Ledger(), said, "alive", drive=str(drive.path))
    except FlasherError as error:
        console.warn(f"The ledger does not know of it: {error} {error.hint}")


def _rig(args: argparse.Namespace, console: Console) -> RigMap | None:
    given = [word for word in (args.scanner, args.site) if word]
    if (given or args.dry_run or args.yes) and not args.fix:
        raise BadInput("usage", "This belongs to --fix.", "Add --fix, or leave it out.")
    if len(given) == 1:
        what = "A new payload takes both, --scanner and --site."
        raise BadInput("usage", what, "Name both, or neither to have the same payload tried again.")
    return lay_out(load_profile(args.scanner), *load(args.site, args, console)) if given else None


def _mend(
    drive: Drive, rig: RigMap | None, args: argparse.Namespace, console: Console
) -> Mended | None:
    def confirm(plan: Mended) -> None:
        console.confirm(f"{drive.path}: {_promise(plan)}", yes=args.yes)

    mended = mend(drive, rig, Ledger(), confirm=confirm, dry_run=args.dry_run)
    if mended is None:
        console.say("Nothing failed that could be tried again.")
    elif args.dry_run:
        console.say(f"It would be so: {_promise(mended)}")
    else:
        size = readable_size(mended.bytes_written)
        console.say(f"{_promise(mended)}\n{size} written and read back: put it into its Pi.")
    return mended


def _promise(plan: Mended) -> str:
    if plan.is_new:
        promised = f"{plan.node} gets a new payload, generation {plan.generation}."
        return f"{promised} {plan.doubt}".rstrip()
    return f"{plan.node} tries generation {plan.generation} again at its next start."


def _say(report: CardReport, advice: Advice, console: Console) -> None:
    console.say(report.summary)
    for partition in report.partitions:
        size = readable_size(partition.size)
        console.say(f"  partition {partition.slot}: type {partition.type:02x}, {size}")
    if report.manifest:
        manifest = report.manifest
        console.say(f"  card {manifest.card_id}, generation {manifest.generation}")
        console.say(f"  written {manifest.flashed_at}, image {manifest.image_digest[:16]}")
        console.say(f"  {report.signature}")
    _say_status(report, console)
    for problem in report.problems:
        console.say(f"  ! {problem}")
    if advice.cause:
        console.say(f"  likely cause: {advice.cause}")
    if advice.todo:
        console.say(f"  → {advice.todo}")


def _say_status(report: CardReport, console: Console) -> None:
    if report.status is None:
        return
    if report.from_record:
        console.say("  nothing on the boot partition; the agent's own record says:")
    for line in lines_of(report.status):
        console.say(f"  {line}")
    if report.status.bound_to:
        console.say(f"  belongs to the Pi {shown(report.status.bound_to)}")
    for step in report.status.steps:
        changed = "changed" if step.changed else "was so"
        console.say(f"    {shown(step.name):<12} {readable_seconds(step.seconds):>8}  {changed}")


def _as_json(report: CardReport, advice: Advice) -> dict[str, object]:
    return {
        "summary": report.summary,
        "partitions": [asdict(partition) for partition in report.partitions],
        "manifest": asdict(report.manifest) if report.manifest else None,
        "signature": _signature(report.signature) if report.signature else None,
        "status": asdict(report.status) if report.status else None,
        "started": report.started,
        "from_record": report.from_record,
        "problems": list(report.problems),
        "cause": advice.cause,
        "todo": advice.todo,
    }


def _signature(signature: Signature) -> dict[str, str | None]:
    key = signature.key
    signer = {"fingerprint": key.fingerprint, "comment": key.comment} if key else {}
    return {"kind": signature.kind, **signer}
