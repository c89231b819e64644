"""The updater's timer: on, as often as the payload says, where it takes updates; else off."""

from __future__ import annotations

from contextlib import suppress

from autosetup.settings import Update
from autosetup.steps.context import Context

NAME = "update"
_TIMER = "autosetup-update.timer"
_UNIT = f"/usr/lib/systemd/system/{_TIMER}"
_WANTED = f"/etc/systemd/system/timers.target.wants/{_TIMER}"
_OFTEN = f"/etc/systemd/system/{_TIMER}.d/often.conf"
# Of the time between two looks; nodes that were switched on together shall not look together.
_SPREAD = 4
_MOST_SPREAD_MINUTES = 10


def check(context: Context) -> bool:
    """Whether the timer is as the payload wants it; an image without one has nothing to switch."""
    system, update = context.system, context.settings.update
    if not system.path(_UNIT).exists():
        if update.site:
            context.log("This image has no updater (the layer update): it takes no releases.")
        return True
    is_on = system.path(_WANTED).is_symlink()
    return is_on == bool(update.site) and system.read(_OFTEN) == _often(update)


def apply(context: Context) -> None:
    """Switch it, and have systemd know."""
    system, update = context.system, context.settings.update
    system.write_all({_OFTEN: _often(update)})
    if not update.site:
        with suppress(OSError):
            system.path(_OFTEN).parent.rmdir()
    if system.booted:
        system.must(["systemctl", "daemon-reload"])
    system.must(["systemctl", "enable" if update.site else "disable", _TIMER])
    if system.booted:  # one that runs counts by the old time
        system.must(["systemctl", "restart" if update.site else "stop", _TIMER])


def _often(update: Update) -> bytes:
    """The part of the timer that is the payload's; nothing where no updates are taken."""
    if not update.site:
        return b""
    minutes = update.every_minutes
    spread = min(minutes * 60 // _SPREAD, _MOST_SPREAD_MINUTES * 60)
    lines = (
        "# By autosetup, from the payload.",
        "[Timer]",
        "OnUnitInactiveSec=",
        "OnActiveSec=1min",
        f"OnUnitInactiveSec={minutes}min",
        f"RandomizedDelaySec={spread}s",
    )
    return "".join(f"{line}\n" for line in lines).encode()
