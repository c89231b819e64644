"""Whether a card has the capacity that it announces, and the speed that it must have.

A few marks, and one stretch at the end of the card, are written, looked for, and what was there is
put back. A card that answers wrongly is looked at once more before it is condemned.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from flasher.card.probing.diagnosis import CardKind, Diagnosis, diagnose
from flasher.card.probing.look import Look, amount, look
from flasher.card.probing.places import choose_places
from flasher.card.probing.undo import Undo
from flasher.card.target import Target
from flasher.errors import FlasherError
from flasher.events import NEVER, CancelFlag, Emit, Noted, ignore, step
from flasher.progress import readable_size

__all__ = ["SLOW", "THOROUGH", "TOO_SLOW", "CardKind", "ProbeResult", "examine", "probe_card"]

# MB/s of sequential writing: what the SD Association's speed class 4 guarantees; and half
# of its lowest class.
SLOW, TOO_SLOW = 4.0, 1.0
# What f3probe writes to find a cache (src/libprobe.c, MAX_CACHE_SIZE_BYTE).
THOROUGH = 1 << 30
_SMALLEST = 64 << 10


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a card was found to be.

    Attributes:
        kind: ``good``, or in what way it lies, see `Diagnosis`.
        announced: bytes it says it has.
        real: bytes from the start that can be used; of a good card, all.
        module: bytes after which addresses repeat; None where they do not.
        write_speed, read_speed: in sequence, MB/s (10⁶ bytes); 0.0 where it could not be measured.
        seconds: that it took.
        looks: 1, or 2 where the first one gave reason to doubt.
    """

    kind: CardKind
    announced: int
    real: int
    module: int | None
    write_speed: float
    read_speed: float
    seconds: float
    looks: int


def probe_card(
    target: Target,
    size: int,
    *,
    needed: int = 0,
    emit: Emit = ignore,
    cancel: CancelFlag = NEVER,
    overrun: int = 0,
    is_wiped: bool = False,
) -> ProbeResult:
    """Probe a card, and let none pass that is not what it says. See `examine`.

    Args:
        target: the card, held exclusively.
        size: what it announces, bytes.
        needed: bytes that will be written, for the words of the refusal.
        emit: hears of progress; and of a card that is slow, or once answered wrongly.
        cancel: stops it; what was overwritten is put back first.
        overrun, is_wiped: as for `examine`.

    Raises:
        FlasherError: ``card-counterfeit``, it forgets or overwrites; ``card-defective``, it fails;
            ``card-slow``; or it was pulled out, is locked …
        Cancelled: it was stopped.
    """
    result = examine(target, size, emit=emit, cancel=cancel, overrun=overrun, is_wiped=is_wiped)
    check_honest(target.path, result, needed)
    check_speed(target.path, result, emit)
    return result


def examine(
    target: Target,
    size: int,
    *,
    emit: Emit = ignore,
    cancel: CancelFlag = NEVER,
    overrun: int = 0,
    is_wiped: bool = False,
) -> ProbeResult:
    """Find out what a card is, whatever it is; what was on it is put back.

    Args:
        target: the card, held exclusively.
        size: what it announces, bytes. One below 64 KiB is not looked at.
        emit: hears of progress, and of a doubt that a second look did not confirm.
        cancel: stops it; what was overwritten is put back first.
        overrun: bytes that are written to push the marks out of a cache, beside the stretch at
            the end: `THOROUGH`, or 0.
        is_wiped: whether what stands in the place of its partition table says already that it is
            no good card: it stays, so that one that is pulled out is known again.

    Raises:
        Cancelled: it was stopped.
        FlasherError: the card was pulled out, is locked …
    """
    begun = time.monotonic()
    with Undo(target) as undo:
        if size >= _SMALLEST and not is_wiped:
            undo.hide_table()
        looks = _looks(target, size, emit, cancel, overrun)
        found = Diagnosis("good", size, None)
        if looks and not looks[-1].is_clean:
            with step(emit, str(target.path), "measure"):
                found = diagnose(target, size, looks[-1], cancel=cancel, overrun=overrun)
    return ProbeResult(
        kind=found.kind,
        announced=size,
        real=found.real,
        module=found.module,
        write_speed=max((each.write_speed for each in looks), default=0.0),
        read_speed=max((each.read_speed for each in looks), default=0.0),
        seconds=time.monotonic() - begun,
        looks=len(looks),
    )


def _looks(
    target: Target, size: int, emit: Emit, cancel: CancelFlag, overrun: int
) -> tuple[Look, ...]:
    """One look; two, if the first gives reason to doubt."""
    if size < _SMALLEST:
        return ()
    first = _look(target, size, emit, cancel, overrun)
    if not _is_doubtful(first):
        return (first,)
    second = _look(target, size, emit, cancel, overrun)
    if second.is_clean and not first.is_clean:
        text = "It answered wrongly once; a second look found nothing. Watch this card and reader."
        emit(Noted(str(target.path), text, warning=True))
    return first, second


def _is_doubtful(seen: Look) -> bool:
    return not seen.is_clean or _is_below(seen.write_speed, TOO_SLOW)


def _is_below(speed: float, least: float) -> bool:
    return 0.0 < speed < least


def _look(target: Target, size: int, emit: Emit, cancel: CancelFlag, overrun: int) -> Look:
    places = choose_places(size, Random())  # noqa: S311  (other places each time; no secret)
    subject = str(target.path)
    with step(emit, subject, "probe", amount(places, overrun), "bytes") as progress:
        seen = look(target, places, progress=progress, cancel=cancel, overrun=overrun)
    if seen.left and seen.is_clean:
        text = f"{readable_size(seen.left)} that the probe had overwritten could not be put back."
        emit(Noted(subject, text, warning=True))
    return seen


def check_honest(path: Path, result: ProbeResult, needed: int = 0) -> None:
    """Raise unless a card is good: ``card-counterfeit`` or ``card-defective``."""
    if result.kind == "good":
        return
    announced, real = readable_size(result.announced), readable_size(result.real)
    fact = {
        "wraparound": f"what is written beyond {real} overwrites what lies before",
        "chain": f"what is written beyond {real} is lost, or overwrites what lies before",
        "limbo": f"what is written beyond {real} is lost",
        "dead tail": f"beyond {real} it fails",
        "damaged": f"what is written behind the first {real} is not kept everywhere",
        "bad": "it keeps nothing that is written",
    }[result.kind]
    what = f"The card in {path} says that it has {announced}, but {fact}."
    if result.kind in ("dead tail", "damaged", "bad"):
        hint = "Try it in another reader; if it is the same there, throw it away."
        raise FlasherError("card-defective", what, hint)
    if needed > result.real:
        what += f" {readable_size(needed)} are needed."
    hint = "It is counterfeit: send it back, or throw it away, and take another."
    raise FlasherError("card-counterfeit", what, hint)


def check_speed(path: Path, result: ProbeResult, emit: Emit = ignore) -> None:
    """Warn of a slow card; raise ``card-slow`` for one that is not worth its while."""
    rate = f"{result.write_speed:.1f} MB/s"
    if _is_below(result.write_speed, TOO_SLOW):
        raise FlasherError(
            "card-slow",
            f"The card in {path} takes {rate}, measured twice; a card takes {TOO_SLOW:.0f} "
            "at the least.",
            "Try another reader or port, then another card. To write it all the same: --no-probe.",
        )
    if _is_below(result.write_speed, SLOW):
        text = f"This card or its reader is slow: it takes {rate}, not {SLOW:.0f} or more."
        emit(Noted(str(path), text, warning=True))
