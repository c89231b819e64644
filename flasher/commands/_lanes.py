"""What `write` and `prepare` share: how cards are made, and telling what became of each."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from flasher.card.making import Made, Making
from flasher.console import Console
from flasher.errors import ExitCode, FlasherError
from flasher.progress import readable_seconds, readable_size


def add_making(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that both have."""
    parser.add_argument(
        "--no-probe",
        action="store_true",
        help="do not look first whether the card has the room that it announces",
    )
    parser.add_argument(
        "--no-eject", action="store_true", help="leave the card in its reader's hands"
    )


def making_of(args: argparse.Namespace) -> Making:
    """How cards are to be made."""
    return Making(probe=not args.no_probe, eject=not args.no_eject)


def words(made: Made) -> str:
    """What was done to a card, for people."""
    written, kept = made.written.bytes_written, made.written.bytes_kept
    found = f", {readable_size(kept)} were right already" if kept else ""
    took = readable_seconds(made.written.seconds)
    ejected = "; take it out" if made.ejected else ""
    return f"{readable_size(written)} written{found}, all read back in {took}{ejected}"


def as_json(outcome: Made | FlasherError) -> dict[str, object]:
    """What became of a card, for scripts."""
    if isinstance(outcome, FlasherError):
        return failure(outcome)
    written = outcome.written
    return {
        "bytes_written": written.bytes_written,
        "bytes_kept": written.bytes_kept,
        "bytes_read": written.bytes_read,
        "bytes_verified": written.bytes_verified,
        "mended": [asdict(found) for found in written.mended],
        "seconds": written.seconds,
        "write_seconds": written.write_seconds,
        "write_speed": round(written.write_speed, 1),
        "read_speed": round(written.read_speed, 1),
        "ejected": outcome.ejected,
    }


def failure(error: FlasherError) -> dict[str, object]:
    """What went wrong, as a part of a result."""
    return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}


def settle(
    outcomes: Sequence[object], console: Console, kind: str, content: Mapping[str, object]
) -> int:
    """Tell what went wrong, then the result of all; returns the exit code.

    Raises:
        FlasherError: that of the only drive there was.
    """
    failed = [outcome for outcome in outcomes if isinstance(outcome, FlasherError)]
    if failed and len(outcomes) == 1:
        raise failed[0]
    for error in failed:
        console.error(error)
    console.result(kind, content)
    codes = {error.exit_code for error in failed}
    return (
        codes.pop()
        if len(codes) == 1 and len(failed) == len(outcomes)
        else (ExitCode.FAILED if failed else ExitCode.DONE)
    )
