"""The running computer as the agent sees it: its tools, and its turn."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from autosetup import light, presence, rescue
from autosetup.card import find_card
from autosetup.imports.found import make_card_folder
from autosetup.journal import Journal
from autosetup.notify import notify
from autosetup.outlets import ISSUE, RUNNING, Outlets, active_consoles
from autosetup.places import state_folder
from autosetup.run import Tools
from autosetup.sealing import card_to_write
from autosetup.system import System


def tools_here() -> Tools:
    """What the agent works with on this computer."""
    system = System()
    journal = Journal(system.path(state_folder(system)))
    card = find_card(system) or make_card_folder(system)
    outlets = Outlets(
        card,
        consoles=active_consoles(),
        issue=ISSUE,
        writing=lambda: card_to_write(system, str(card.parent)) if card else nullcontext(),
        signs=(
            lambda status, is_new: light.show(system, status, is_new=is_new),
            lambda status, _: presence.publish(system, status),
            lambda status, _: rescue.attend(system, journal, status),
        ),
    )
    return Tools(system, journal, outlets, _tell_service_manager)


def _tell_service_manager() -> None:
    with suppress(OSError):
        notify("READY=1")


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other run of the agent is at work."""
    RUNNING.mkdir(parents=True, exist_ok=True)
    with (RUNNING / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
