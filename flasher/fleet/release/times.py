"""How long metadata counts, and when it is time to renew it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from autosetup.time_floor import TIMESTAMP_DAYS

# The online keys renew a timestamp; a node that is kept from news for longer knows it.
OTHER_DAYS = 365
# So much before its end people hear of it: a week, and two months.
_EARLY = {True: timedelta(days=7), False: timedelta(days=60)}


def ends(role: str, now: datetime) -> datetime:
    """When metadata of a role that is signed now ends, UTC."""
    return now + timedelta(days=TIMESTAMP_DAYS if role == "timestamp" else OTHER_DAYS)


def is_due(role: str, ends_at: datetime, now: datetime) -> bool:
    """Whether it should be signed anew: a timestamp a week before its end, others two months."""
    return ends_at - now < _EARLY[role == "timestamp"]


def due(expiry: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """Which metadata should be signed anew, and when it ends."""
    return {role: at for role, at in expiry.items() if is_due(role, at, now)}
