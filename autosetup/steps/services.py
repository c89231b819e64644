"""Systemd units, switched on or off for now and for every boot."""

from __future__ import annotations

from collections.abc import Sequence

from autosetup.steps.context import Context
from autosetup.steps.restarts import asked_restarts, restart_asked
from autosetup.system import System

NAME = "services"
# Units without an [Install] part are pulled in by others: nothing can be switched.
_FIXED = {"static", "alias", "indirect", "generated", "linked"}
_ON = {"enabled", "enabled-runtime"} | _FIXED
_MISSING = "not-found"
_OFF = {"disabled", "masked", _MISSING} | _FIXED


def check(context: Context) -> bool:
    """Whether every unit is switched as wanted, and none is to start anew with a changed file."""
    system, services = context.system, context.settings.services
    switched = _all_in(system, services.enable, _ON) and _all_in(system, services.disable, _OFF)
    return switched and not asked_restarts(system)


def apply(context: Context) -> None:
    """Switch them, and start or stop them if the system runs."""
    system, services = context.system, context.settings.services
    if system.booted:
        system.must(["systemctl", "daemon-reload"])
    for unit in (*services.disable, *services.enable):
        context.before.units.keep(unit, {"state": _state(system, unit)})
    # One that is not there keeps systemctl from switching off the others.
    if there := [unit for unit in services.disable if _state(system, unit) != _MISSING]:
        system.must(["systemctl", "disable", *_now(system), *there])
    if services.enable:
        system.must(["systemctl", "enable", *_now(system), *services.enable])
    restart_asked(system)


def _state(system: System, unit: str) -> str:
    """As systemctl(1) is-enabled says it; older ones have no word for what is not there."""
    told = system.run(["systemctl", "is-enabled", unit]).output.strip()
    return _MISSING if told.startswith("Failed to get unit file state") else told


def _now(system: System) -> list[str]:
    return ["--now"] if system.booted else []


def _all_in(system: System, units: Sequence[str], states: set[str]) -> bool:
    if not units:
        return True
    found = system.run(["systemctl", "is-enabled", *units]).output.splitlines()
    if len(found) == len(units) and all(line in states for line in found):
        return True
    return all(_state(system, unit) in states for unit in units)
