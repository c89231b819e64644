"""Whether a node is on a network, waited for; and where it is on none, why.

What is seen comes from /sys, iw(8) and the system's journal, the same whatever joins networks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autosetup import board
from autosetup.air import Air, Block, cause, countries_in, defect, names_in, read_log
from autosetup.errors import AgentError
from autosetup.settings import NodeSettings
from autosetup.system import System

# A slow board, a long scan and a slow lease.
_PATIENCE_SECONDS = 45.0
_PAUSE_SECONDS = 0.5
# What failed before is tried by itself only after minutes, and scans grow rare.
_NUDGE_SECONDS = 10.0
_NOT_TRYING = "30 "  # NMDeviceState: disconnected


@dataclass(frozen=True, slots=True)
class Reach:
    """What came of waiting.

    Attributes:
        addresses: of the node, see `board.addresses`; one counts beyond the link, or no network
            was asked for.
        trouble: what keeps a node from its wireless networks that is on another one.
    """

    addresses: tuple[str, ...]
    trouble: AgentError | None = None


def wait(system: System, settings: NodeSettings, since: float) -> Reach:
    """Wait until the node has an address that counts beyond the link; not for ever.

    Args:
        system: the running node.
        settings: where they name no network, having none is no trouble.
        since: on the clock of `time.monotonic`; what programs said before counts for nothing.

    Raises:
        AgentError: the settings name networks, and the node has no address; with the cause.
    """
    is_told = bool(settings.wifi or settings.wired)
    addresses = addresses_in_time(system, is_told=is_told)
    if board.is_reachable(addresses):
        air = look(system, since) if settings.wifi else None
        return Reach(addresses, defect(settings, air) if air else None)
    if is_told:
        raise cause(settings, look(system, since))
    return Reach(addresses)


def addresses_in_time(system: System, *, is_told: bool) -> tuple[str, ...]:
    """The node's addresses, once one counts beyond the link; waited for, but not for ever.

    The network may only be coming up now, so that a missing carrier or radio proves nothing.

    Args:
        system: the running node.
        is_told: whether its settings name networks.
    """
    begun = time.monotonic()
    nudged = begun
    while True:
        found, now = board.addresses(), time.monotonic()
        hopeless = not is_told and not board.has_interface()
        if board.is_reachable(found) or hopeless or now - begun >= _PATIENCE_SECONDS:
            return found
        if is_told and now - nudged >= _NUDGE_SECONDS:
            _nudge(system)
            nudged = time.monotonic()
        time.sleep(_PAUSE_SECONDS)


def _nudge(system: System) -> None:
    """Have what joins networks try now, where it would rather rest."""
    for radio in _radios(system):
        if not system.has_program("nmcli"):
            system.run(["wpa_cli", "-i", radio, "enable_network", "all"], seconds=5)
            continue
        asked = ["nmcli", "-g", "GENERAL.STATE", "device", "show", radio]
        if system.run(asked, seconds=5).output.startswith(_NOT_TRYING):
            system.run(["nmcli", "device", "wifi", "rescan", "ifname", radio], seconds=5)
            system.run(["nmcli", "--wait", "0", "device", "connect", radio], seconds=5)


def look(system: System, since: float) -> Air:
    """What there is to be known of a node's networks; `since` as for `wait`."""
    radios = _radios(system)
    has_iw = system.has_program("iw")
    scans = [_iw(system, radio, "scan", "dump") for radio in radios if has_iw]
    links = [_iw(system, radio, "link") for radio in radios if has_iw]
    return Air(
        has_radio=bool(radios),
        blocked=_block(system),
        has_cable=_has_cable(system),
        heard=names_in("\n".join(scans)) if has_iw else None,
        countries=countries_in("\n".join(scans)),
        linked=names_in("\n".join(links)),
        said=read_log(_messages(system, since)),
    )


def _radios(system: System) -> list[str]:
    found = system.path("/sys/class/net").glob("*/phy80211")
    return sorted(path.parent.name for path in found)


def _iw(system: System, radio: str, *words: str) -> str:
    finished = system.run(["iw", "dev", radio, *words], seconds=10)
    return finished.output if finished.status == 0 else ""


def _block(system: System) -> Block:
    """How the radios are switched off; not at all where one is on."""
    found = [path.parent for path in system.path("/sys/class/rfkill").glob("*/type")]
    radios = [folder for folder in found if _text(folder / "type") == "wlan"]
    states = {(_text(radio / "soft"), _text(radio / "hard")) for radio in radios}
    if not states or ("0", "0") in states:
        return ""
    return "hard" if any(hard == "1" for _, hard in states) else "soft"


def _has_cable(system: System) -> bool:
    return any(
        _text(folder / "carrier") == "1"
        for folder in system.path("/sys/class/net").glob("*")
        if (folder / "device").exists() and not (folder / "phy80211").exists()
    )


def _text(path: Path) -> str:
    """What a file of /sys says; nothing where it cannot be read, as `carrier` of what is off."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _messages(system: System, since: float) -> Iterator[str]:
    """What wpa_supplicant printed in this boot, oldest first; it writes no name as it is."""
    argv = ["journalctl", "--boot", "--quiet", "--output=json", "--output-fields=MESSAGE"]
    told = system.run([*argv, "--identifier=wpa_supplicant"], seconds=30)
    for line in told.output.splitlines() if told.status == 0 else ():
        with suppress(ValueError, LookupError, TypeError):  # half a line, or one of bytes
            entry = json.loads(line)
            moment, message = int(entry["__MONOTONIC_TIMESTAMP"]), entry["MESSAGE"]
            if moment >= since * 1e6 and isinstance(message, str):
                yield message
