"""cloud-init's ``user-data`` and ``network-config``, as Imager 2 and people write them.

Sources: cloud-init, "Module reference" (Users and Groups, Set Passwords, Keyboard, Locale,
Timezone); netplan, "YAML configuration".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autosetup.payload import Wifi
from autosetup.settings import Security
from flasher.rig.foreign_setup.draft import Collector

MARK = "#cloud-config"
_KNOWN = {
    *("hostname", "manage_etc_hosts", "timezone", "locale", "keyboard", "user", "users"),
    *("ssh_authorized_keys", "ssh_pwauth", "password", "enable_ssh"),
}
_USER_KNOWN = {
    *("name", "passwd", "hashed_passwd", "plain_text_passwd", "ssh_authorized_keys", "sudo"),
    *("shell", "lock_passwd", "groups", "gecos"),
}
_SECURITY: dict[str, Security] = {"psk": "wpa-psk", "sae": "sae", "none": "open"}
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")


def read_user_data(text: str, into: Collector) -> None:
    """``user-data``; raises `yaml.YAMLError`."""
    top = _mapping(_yaml(text))
    if "hostname" in top:
        into.leave("hostname: each node has a name of its own.")
    users = list(_users(top))
    for user in users[:1]:
        _take_user(user, into)
    into.leave_keys((user.get("name") for user in users[1:]), "a site has one user.")
    for key in _texts(top.get("ssh_authorized_keys")):
        into.key(key)
    into.plain_password(_text(top, "password"))
    if _text(top, "ssh_pwauth").lower() in _NO:
        into.flag("keys_only")
    into.timezone(_text(top, "timezone"))
    into.language(_text(top, "locale"))
    into.keyboard(_text(_mapping(top.get("keyboard")), "layout"))
    into.leave_keys(top.keys() - _KNOWN, "a site has no word for it.")


def read_network_config(text: str, into: Collector) -> None:
    """``network-config``, version 2; raises `yaml.YAMLError`."""
    top = _mapping(_yaml(text))
    network = _mapping(top.get("network", top))
    for radio in _mapping(network.get("wifis")).values():
        into.country(_text(_mapping(radio), "regulatory-domain"))
        for ssid, point in _mapping(_mapping(radio).get("access-points")).items():
            _take_network(str(ssid), _mapping(point), into)
    wired = _mapping(network.get("ethernets"))
    fixed = [name for name, card in wired.items() if _mapping(card).get("addresses")]
    into.leave_keys(fixed, "fixed addresses are the scanner profile's to say.")
    others = network.keys() - {"version", "renderer", "wifis", "ethernets"}
    into.leave_keys(others, "a site has no word for it.")


def _take_user(user: Mapping[object, object], into: Collector) -> None:
    into.user(_text(user, "name"))
    into.password(_text(user, "hashed_passwd") or _text(user, "passwd"))
    into.plain_password(_text(user, "plain_text_passwd"))
    for key in _texts(user.get("ssh_authorized_keys")):
        into.key(key)
    if any("NOPASSWD" in rule for rule in _texts(user.get("sudo"))):
        into.flag("passwordless_sudo")
    into.leave_keys(user.keys() - _USER_KNOWN, "a site's user has no word for it.")


def _take_network(ssid: str, point: Mapping[object, object], into: Collector) -> None:
    auth = _mapping(point.get("auth"))
    phrase = _text(point, "password") or _text(auth, "password")
    way = _text(auth, "key-management") or ("psk" if phrase else "none")
    if way not in _SECURITY:
        into.leave(f"The wifi {ssid!r}: nodes cannot join by {way}.")
        return
    into.network(Wifi(ssid, _SECURITY[way], _text(point, "hidden").lower() in _YES), phrase)


def _users(top: Mapping[object, object]) -> Iterator[Mapping[object, object]]:
    """Those that are described; ``default`` and bare names say nothing."""
    for user in (top.get("user"), *_list(top.get("users"))):
        if isinstance(user, str) and user != "default":
            yield {"name": user}
        elif isinstance(user, dict):
            yield user


def _yaml(text: str) -> object:
    """Texts, lists and mappings alone: a passphrase of digits is a passphrase."""
    import yaml  # few need it

    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506, it makes no objects at all


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    """A list of texts, or the one text that stands for it."""
    found = [value] if isinstance(value, str) else _list(value)
    return [text for text in found if isinstance(text, str)]


def _text(table: Mapping[object, object], name: str) -> str:
    found = table.get(name)
    return found if isinstance(found, str) else ""
