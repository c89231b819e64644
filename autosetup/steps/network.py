"""Networks for NetworkManager, and the country whose rules the radio obeys."""

from __future__ import annotations

from pathlib import Path

from autosetup.steps.context import Context
from autosetup.steps.keyfile import write_wifi, write_wired
from autosetup.system import System

NAME = "network"
_FOLDER = "/etc/NetworkManager/system-connections"
# Kernel updates rewrite the boot command line, but never this.
_COUNTRY = "/etc/modprobe.d/autosetup-country.conf"
_WIRED = f"{_FOLDER}/autosetup-wired.nmconnection"
_HIGHEST_PRIORITY = 100


def check(context: Context) -> bool:
    """Whether exactly the wanted connections are there, with the country, and no radio blocked."""
    system = context.system
    wanted = _keyfiles(context)
    return (
        _present(system) == set(wanted)
        and all(system.holds(path, data, mode=0o600) for path, data in wanted.items())
        and system.read(_COUNTRY) == _country_option(context)
        and not (context.settings.wifi and _blocked_radios(system))
    )


def apply(context: Context) -> None:
    """Write them, remove those of older generations, and let NetworkManager know."""
    system, wanted = context.system, _keyfiles(context)
    _set_country(context)
    for path, data in wanted.items():
        system.write(path, data, mode=0o600)
    for path in _present(system) - set(wanted):
        system.path(path).unlink()
    for radio in _blocked_radios(system) if context.settings.wifi else ():
        radio.write_text("0")
    if system.booted and _is_running(system):
        system.must(["nmcli", "connection", "reload"])


def _keyfiles(context: Context) -> dict[str, bytes]:
    """Every connection's bytes by its path; the first network named is joined first."""
    settings, phrases = context.settings, context.secrets.wifi_passphrases
    files = {
        f"{_FOLDER}/autosetup-{number}.nmconnection": write_wifi(
            wifi,
            phrases.get(wifi.ssid),
            node=settings.name,
            priority=_HIGHEST_PRIORITY - number,
        )
        for number, wifi in enumerate(settings.wifi, 1)
    }
    if settings.wired:
        files[_WIRED] = write_wired(
            settings.wired,
            node=settings.name,
            domain=settings.domain,
            priority=_HIGHEST_PRIORITY,
        )
    return files


def _present(system: System) -> set[str]:
    found = system.path(_FOLDER).glob("autosetup-*.nmconnection")
    return {f"{_FOLDER}/{path.name}" for path in found}


def _country_option(context: Context) -> bytes:
    country = context.settings.country
    return f"options cfg80211 ieee80211_regdom={country}\n".encode() if country else b""


def _set_country(context: Context) -> None:
    system, option = context.system, _country_option(context)
    if not option:
        system.path(_COUNTRY).unlink(missing_ok=True)
    elif system.read(_COUNTRY) != option:
        system.write(_COUNTRY, option)
        # The option counts from the next load of the driver on; until then the kernel is told.
        if system.booted and system.has_program("iw"):
            system.run(["iw", "reg", "set", context.settings.country or ""])


def _blocked_radios(system: System) -> list[Path]:
    """The switches of wireless radios that software has turned off."""
    if not system.booted:
        return []
    radios = system.path("/sys/class/rfkill").glob("*/type")
    switches = [r.with_name("soft") for r in radios if r.read_text().strip() == "wlan"]
    return [switch for switch in switches if switch.read_text().strip() == "1"]


def _is_running(system: System) -> bool:
    return system.run(["systemctl", "is-active", "--quiet", "NetworkManager"]).status == 0
