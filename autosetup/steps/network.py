"""Networks for NetworkManager, and the country whose rules the radio obeys.

On an image that lacks it, wpa_supplicant joins the wireless ones by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from autosetup.faults import Fault
from autosetup.node_file import NODE
from autosetup.steps import radio, supplicant
from autosetup.steps.context import Context
from autosetup.steps.keyfile import WIRED_NAME, write_wifi, write_wired
from autosetup.system import System

NAME = "network"
_FOLDER = "/etc/NetworkManager/system-connections"
# Kernel updates rewrite the boot command line, but never this.
_COUNTRY = "/etc/modprobe.d/autosetup-country.conf"
_WIRED = f"{_FOLDER}/autosetup-wired.nmconnection"
_HIGHEST_PRIORITY = 100
_WANTS = "/etc/systemd/system/multi-user.target.wants"
_LINKED, _DHCPCD = f"{_WANTS}/{supplicant.UNIT}", f"{_WANTS}/dhcpcd.service"


def problems(context: Context) -> Iterator[Fault]:
    """A wish that nothing on the image can grant."""
    if context.settings.wired and not context.system.has_program("NetworkManager"):
        what = "The image lacks NetworkManager, which fixed addresses need."
        remedy = "Add the package network-manager to the recipe of the image."
        yield Fault(NODE, 0, 0, what, remedy)


def check(context: Context) -> bool:
    """Whether exactly the wanted connections are there, with the country, and no radio is off."""
    system = context.system
    wanted = _files(context)
    return (
        _present(system) == set(wanted)
        and all(system.holds(path, data, mode=_mode(path)) for path, data in wanted.items())
        and system.read(_COUNTRY) == _country_option(context)
        and not (context.settings.wifi and radio.is_off(system))
        and system.path(_LINKED).is_symlink() == (supplicant.CONFIGURATION in wanted)
    )


def apply(context: Context) -> None:
    """Write them, remove those of older generations, and let what reads them know."""
    system, wanted = context.system, _files(context)
    is_running = system.booted and _is_running(system)
    _set_country(context)
    kept = {path for path, data in wanted.items() if system.holds(path, data, mode=_mode(path))}
    if stale := _present(system) - kept:
        for path in sorted(stale):
            system.path(path).unlink()
        if is_running:  # leaves them: a network that is joined is not asked for its new passphrase
            system.must(["nmcli", "connection", "reload"])
    for path in sorted(wanted.keys() - kept):
        system.write(path, wanted[path], mode=_mode(path))
    if context.settings.wifi:
        radio.switch_on(system)
    _switch_supplicant(system, on=supplicant.CONFIGURATION in wanted)
    if is_running:
        system.must(["nmcli", "connection", "reload"])
        if _WIRED in wanted.keys() - kept:  # in place of any other that the cable has
            system.run(["nmcli", "--wait", "0", "connection", "up", "id", WIRED_NAME], seconds=30)


def _files(context: Context) -> dict[str, bytes]:
    """Every file's bytes by its path."""
    system, settings = context.system, context.settings
    if system.has_program("NetworkManager") or not system.has_program("wpa_supplicant"):
        return _keyfiles(context)
    if not settings.wifi:
        return {}
    phrases = dict(context.secrets.wifi_passphrases)
    written = supplicant.write_supplicant(settings.wifi, phrases, settings.country)
    files = {supplicant.CONFIGURATION: written}
    if not system.path(_DHCPCD).is_symlink():  # which asks on every network
        files[supplicant.ADDRESSES] = supplicant.write_addresses()
    return files


def _switch_supplicant(system: System, *, on: bool) -> None:
    """Have wpa_supplicant run on the radio at every boot, or no longer; now too."""
    if not on and not system.path(_LINKED).is_symlink():
        return
    units = [supplicant.UNIT]
    if on and system.path(supplicant.ADDRESSES).exists():
        units.append("systemd-networkd.service")
    system.must(["systemctl", "enable" if on else "disable", *(units if on else units[:1])])
    if system.booted:
        action = "restart" if on else "stop"
        system.run(["systemctl", "--no-block", action, *units])


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


def _mode(path: str) -> int:
    """All but one hold passphrases; that one is read by a program without rights."""
    return 0o644 if path == supplicant.ADDRESSES else 0o600


def _present(system: System) -> set[str]:
    found = system.path(_FOLDER).glob("autosetup-*.nmconnection")
    marked = (supplicant.CONFIGURATION, supplicant.ADDRESSES)
    return {f"{_FOLDER}/{path.name}" for path in found} | {
        path for path in marked if system.read(path).startswith(supplicant.MARK)
    }


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


def _is_running(system: System) -> bool:
    return system.run(["systemctl", "is-active", "--quiet", "NetworkManager"]).status == 0
