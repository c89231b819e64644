"""What Raspberry Pi Imager writes, and what it keeps of its last settings.

Sources: rpi-imager 2.0, ``src/customization_generator.cpp`` (``firstrun.sh``, ``rpi-preseed.toml``)
and ``src/imagewriter.cpp`` (the settings' group); raspberrypi-sys-mods, ``init_config``
(``custom.toml``); Qt, QSettings, "IniFormat".
"""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
from collections.abc import Mapping

from autosetup.faults import Faulty
from autosetup.imports.wpa_conf import read_wpa_conf
from autosetup.payload import Wifi
from autosetup.settings import HEX, Security
from flasher.rig.foreign_setup.draft import Collector

GROUP = "imagecustomization"
_NAMES_ITS_OWN = "each node has a name of its own."
_NO_WORD = "a site has no word for it."
_CUSTOM = re.compile(r"\S*/imager_custom\s")
_USERCONF = re.compile(r"\S*/userconf\s")
_HEREDOC = re.compile(r"<<'WPAEOF'\n(.*?)^WPAEOF$", re.DOTALL | re.MULTILINE)
_SUDOERS = re.compile(r"NOPASSWD:\s*ALL")
_QT_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,4})|(.))", re.DOTALL)
_QT_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_QT_KNOWN = {
    *("hostname", "sshEnabled", "sshPasswordAuth", "sshUserName", "sshUserPassword"),
    *("sshAuthorizedKeys", "sshPublicKey", "passwordlessSudo", "timezone", "keyboard"),
    *("keyboardLayout", "wifiConfigured", "wifiSSID", "wifiPassword", "wifiPasswordCrypt"),
    *("wifiHidden", "wifiSSIDHidden", "wifiMode", "wifiCountry", "recommendedWifiCountry"),
    *("wifiSsidOctets", "wifiSsidOctetsBase64", "sshUserPasswordPlain"),
}


def read_custom_toml(text: str, into: Collector) -> None:
    """``custom.toml`` and ``rpi-preseed.toml``; raises `tomllib.TOMLDecodeError`."""
    top = tomllib.loads(text)
    system, user, ssh = (_table(top, name) for name in ("system", "user", "ssh"))
    wlan, locale = _table(top, "wlan"), _table(top, "locale")
    if "hostname" in system:
        into.leave(f"hostname: {_NAMES_ITS_OWN}")
    into.user(_text(user, "name"))
    take = into.password if user.get("password_encrypted") is True else into.plain_password
    take(_text(user, "password"))
    if user.get("passwordless_sudo") is True:
        into.flag("passwordless_sudo")
    keys = ssh.get("authorized_keys")
    for key in keys if isinstance(keys, list) else ():
        into.key(str(key))
    if ssh.get("password_authentication") is False:
        into.flag("keys_only")
    _take_wlan(wlan, into)
    into.keyboard(_text(locale, "keymap"))
    into.timezone(_text(locale, "timezone"))
    known = {"config_version", "system", "user", "ssh", "wlan", "locale"}
    into.leave_keys(top.keys() - known, _NO_WORD)


def read_firstrun(text: str, into: Collector) -> None:
    """``firstrun.sh``: the calls that stand in it; nothing of it is run."""
    for line in text.splitlines():
        bare = line.strip()
        if _CUSTOM.match(bare):
            _take_call(_words(bare)[1:], into)
        elif _USERCONF.match(bare):
            words = [*_words(bare)[1:], "", ""]
            into.user(words[0])
            into.password(words[1])
        elif _SUDOERS.search(bare) and bare.startswith("echo"):
            into.flag("passwordless_sudo")
    for found in _HEREDOC.finditer(text):
        _take_wpa(found[1], into)


def read_settings(text: str, into: Collector) -> None:
    """The settings that the program keeps for the next card; raises `configparser.Error`."""
    settings = _qt_group(text)
    get = settings.get
    if get("hostname"):
        into.leave(f"hostname: {_NAMES_ITS_OWN}")
    into.user(get("sshUserName", ""))
    into.password(get("sshUserPassword", ""))
    into.plain_password(get("sshUserPasswordPlain", ""))
    for key in (get("sshAuthorizedKeys") or get("sshPublicKey", "")).splitlines():
        into.key(key)
    if get("sshPasswordAuth") == "false" and get("sshEnabled") == "true":
        into.flag("keys_only")
    if get("passwordlessSudo") == "true":
        into.flag("passwordless_sudo")
    into.country(get("recommendedWifiCountry") or get("wifiCountry", ""))
    into.keyboard(get("keyboard") or get("keyboardLayout", ""))
    into.timezone(get("timezone", ""))
    if (ssid := get("wifiSSID", "")) and get("wifiConfigured") != "false":
        phrase = get("wifiPasswordCrypt") or get("wifiPassword", "")
        is_open = get("wifiMode") == "open"
        hidden = "true" in (get("wifiHidden"), get("wifiSSIDHidden"))
        into.network(Wifi(ssid, "open" if is_open else "wpa-psk", hidden), phrase)
    into.leave_keys(settings.keys() - _QT_KNOWN, _NO_WORD)


def _take_wlan(wlan: Mapping[str, object], into: Collector) -> None:
    into.country(_text(wlan, "country"))
    ssid = _text(wlan, "ssid") or (f"{HEX}{wlan['ssid_hex']}" if "ssid_hex" in wlan else "")
    if ssid:
        phrase = _text(wlan, "password")
        into.network(Wifi(ssid, _security(phrase), wlan.get("hidden") is True), phrase)


def _security(phrase: str) -> Security:
    return "wpa-psk" if phrase else "open"


def _take_call(words: list[str], into: Collector) -> None:
    """A call of imager_custom, without the program."""
    match words:
        case ["enable_ssh", "-k", *keys]:
            for key in keys:
                into.key(key)
            into.flag("keys_only")
        case ["set_wlan", *options, ssid, phrase, country]:
            into.country(country)
            into.network(Wifi(ssid, _security(phrase), "-h" in options), phrase)
        case ["set_keymap", layout]:
            into.keyboard(layout)
        case ["set_timezone", zone]:
            into.timezone(zone)
        case ["set_hostname", *_]:
            into.leave(f"hostname: {_NAMES_ITS_OWN}")


def _take_wpa(text: str, into: Collector) -> None:
    """What the script writes where there is no imager_custom: mostly the same network again."""
    try:
        found = read_wpa_conf("firstrun.sh", text.encode())
    except Faulty:
        into.leave("A wifi in firstrun.sh that is no network of wpa_supplicant.")
        return
    into.country(found.country or "")
    for wifi in found.wifi:
        into.network(wifi, found.passphrases.get(wifi.ssid, ""))


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # quotes that are not closed
        return [line]


def _qt_group(text: str) -> dict[str, str]:
    parser = configparser.RawConfigParser(
        delimiters=("=",), comment_prefixes=(";",), strict=False, allow_no_value=True
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    found = dict(parser.items(GROUP)) if parser.has_section(GROUP) else {}
    return {name: _qt_value(value or "") for name, value in found.items()}


def _qt_value(written: str) -> str:
    quoted = len(written) > 1 and written[0] == written[-1] == '"'
    text = _QT_ESCAPE.sub(_qt_meaning, written[1:-1] if quoted else written)
    array = re.fullmatch(r"@ByteArray\((.*)\)", text, re.DOTALL)
    return array[1] if array else "" if text.startswith("@Invalid") else text


def _qt_meaning(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _QT_PLAIN.get(found[2], found[2])


def _table(top: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = top.get(name)
    return found if isinstance(found, dict) else {}


def _text(table: Mapping[str, object], name: str) -> str:
    found = table.get(name)
    return found if isinstance(found, str) else ""
