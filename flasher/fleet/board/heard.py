"""What is known of a card that spoke: from its last report, and from those before. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from ipaddress import ip_address

from autosetup.forms import UTC_TIME
from autosetup.report import Report
from flasher.fleet.board.view import NodeView

# Nodes speak every ten seconds; one that missed three times is missing.
INTERVAL = timedelta(seconds=10)
MISSING_AFTER = 3 * INTERVAL
# What is shown as it was reported: what has one name in both; and what has another one.
_OTHERWISE = {"card_id", "state", "warnings"}
_SAME = {each.name for each in fields(Report)} & {each.name for each in fields(NodeView)}
_AS_REPORTED = {name: name for name in _SAME - _OTHERWISE} | {
    "temperature_c": "temperature",
    "card_wear_percent": "wear",
    "uptime_seconds": "uptime",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a card that spoke.

    Attributes:
        address: where the report came from; `steady`: where its node is reached, see `_steady`.
        at, since: when it came, and when the first one of this state did; UTC.
        clock_offset: our time minus the node's; None where the node knows no time.
    """

    report: Report
    address: str
    at: datetime
    since: datetime
    clock_offset: timedelta | None = None
    steady: str = ""

    def is_missing(self, now: datetime) -> bool:
        """Whether it fell silent."""
        return now - self.at >= MISSING_AFTER

    def moved(self, by: timedelta) -> Heard:
        """As it would be, had our clock gone so much ahead."""
        return replace(self, at=self.at + by, since=self.since + by)


@dataclass(frozen=True, slots=True)
class Twin:
    """Another computer that speaks with a card's key; told of until it was silent for a while."""

    address: str
    until: datetime


def after(known: Heard | None, report: Report, address: str, now: datetime) -> Heard:
    """What is known once a card has said more.

    Args:
        known: until now; None for its first report.
        address: where the report came from.
        now: UTC.
    """
    offset = None
    if report.time_ms:
        offset = timedelta(milliseconds=round(now.timestamp() * 1000) - report.time_ms)
    is_same = known is not None and _stage(known.report) == _stage(report)
    since = known.since if known and is_same else now
    return Heard(report, address, now, since, offset, _steady(known, report, address))


def twin_of(known: Heard, report: Report, now: datetime) -> Twin | None:
    """Who spoke for the same card a moment ago, where that was another Pi."""
    was, until = known.report.serial, known.at + MISSING_AFTER
    is_other = was and report.serial not in ("", was)
    return Twin(known.address, until) if is_other and now < until else None


def shown(bare: NodeView, heard: Heard, now: datetime) -> NodeView:
    """A node as its card says that it is."""
    report, offset = heard.report, heard.clock_offset
    is_missing = heard.is_missing(now)
    said = {name: getattr(report, told) for told, name in _AS_REPORTED.items()}
    return replace(
        bare,
        **said,
        state="missing" if is_missing else report.state,
        last_state=report.state if is_missing else "",
        since=text_of(heard.at if is_missing else heard.since),
        clock_offset=None if offset is None else round(offset.total_seconds(), 1),
        address=heard.address if bare.twin_address else heard.steady or heard.address,
        heard_at=text_of(heard.at),
    )


def text_of(when: datetime) -> str:
    """UTC to the second: ``2026-11-21T03:39:50Z``."""
    return when.strftime(UTC_TIME)


def _steady(known: Heard | None, report: Report, address: str) -> str:
    """Where a node is reached: one of several addresses is kept for as long as it has that one.

    Those that count on one link alone give way.
    """
    if known is None or known.report.serial != report.serial:
        return address
    was = known.steady or known.address
    return was if was in report.addresses and not _is_of_link(was) else address


def _is_of_link(address: str) -> bool:
    try:
        return ip_address(address).is_link_local
    except ValueError:
        return True


def _stage(report: Report) -> tuple[object, ...]:
    return report.state, report.generation, report.code
