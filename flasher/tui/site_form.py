"""The form of a site: what is typed, what is wrong with it, and the site it makes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from autosetup import forms
from autosetup.payload import Locale, User, Wifi
from autosetup.settings import Update
from flasher.rig.documents import NAME
from flasher.rig.passwords import hash_password
from flasher.rig.site import Site, SiteSecrets
from flasher.rig.site_model import USUAL_USER
from flasher.rig.site_text import COUNTRY
from flasher.tui.network_form import Network
from flasher.tui.words import _

_USUAL = Locale()


@dataclass(frozen=True, slots=True, repr=False)
class Answers:
    """What a person typed, as it stands in the fields. No `repr`: it holds secrets.

    Attributes:
        kept_hash: of a password that stays as it is where none is typed; None where there is none.
        no_password: nobody logs in with a password, whatever the fields say.
        keys_only: SSH takes keys only; the console takes the password.
        free_sudo: no password is asked for what needs the rights of root.
        keys: lines of ``.pub`` files, each one sound.
        networks: the first one is preferred.
        ntp: names or addresses, with blanks or commas between them.
        source: where releases come from.
        domain, variables, host_keys, update: what the form does not ask for and does not lose.
    """

    name: str = ""
    title: str = ""
    user: str = USUAL_USER
    password: str = ""
    again: str = ""
    kept_hash: str | None = None
    no_password: bool = False
    keys_only: bool = False
    free_sudo: bool = False
    keys: tuple[str, ...] = ()
    country: str = ""
    networks: tuple[Network, ...] = ()
    language: str = _USUAL.language
    keyboard: str = _USUAL.keyboard
    timezone: str = _USUAL.timezone
    ntp: str = ""
    mirror: str = ""
    source: str = ""
    domain: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    host_keys: bool = False
    update: Update = field(default_factory=Update)


def complaints(answers: Answers, taken: Collection[str] = ()) -> dict[str, str]:
    """What is wrong, by field, in words that say what to type; empty where all is well.

    Args:
        answers: what stands in the fields.
        taken: names of other sites.
    """
    found = {name: check(answers) for name, check in _CHECKS.items()}
    if answers.name in taken:
        found["name"] = _("There is a site of this name. Choose another one.")
    return {name: complaint for name, complaint in found.items() if complaint}


def answers_of(site: Site, secrets: SiteSecrets) -> Answers:
    """The form filled in with a site, to change it or as the start of another one."""
    return Answers(
        name=site.name,
        title=site.title,
        user=site.user.name,
        kept_hash=secrets.password_hash,
        no_password=secrets.password_hash is None,
        keys_only=site.keys_only,
        free_sudo=site.user.passwordless_sudo,
        keys=site.user.authorized_keys,
        country=site.country or "",
        networks=tuple(
            Network.of(wifi, secrets.wifi_passphrases.get(wifi.ssid, ""), wifi.ssid in site.dealt)
            for wifi in site.wifi
        ),
        language=site.locale.language,
        keyboard=site.locale.keyboard,
        timezone=site.locale.timezone,
        ntp=" ".join(site.ntp),
        mirror=site.mirror,
        source=site.update.source,
        domain=site.domain,
        variables=tuple(site.variables.items()),
        host_keys=site.host_keys,
        update=site.update,
    )


def make_site(answers: Answers) -> tuple[Site, SiteSecrets]:
    """The site of answers without complaints; the password is hashed here and kept nowhere."""
    site = Site(
        name=answers.name,
        title=answers.title.strip(),
        user=User(answers.user, authorized_keys=answers.keys, passwordless_sudo=answers.free_sudo),
        country=answers.country or None,
        wifi=tuple(Wifi(n.ssid, n.security, n.hidden) for n in answers.networks),
        locale=Locale(answers.language, answers.keyboard, answers.timezone),
        digest="",
        path=Path(),
        domain=answers.domain,
        ntp=servers(answers.ntp),
        variables=dict(answers.variables),
        host_keys=answers.host_keys,
        keys_only=answers.keys_only,
        dealt=tuple(n.ssid for n in answers.networks if n.dealt),
        mirror=answers.mirror,
        update=replace(answers.update, source=answers.source),
    )
    passphrases = {n.ssid: n.passphrase for n in answers.networks if n.security != "open"}
    return site, SiteSecrets(_hash(answers), passphrases)


def servers(typed: str) -> tuple[str, ...]:
    """Names or addresses out of a line, each one once."""
    return tuple(dict.fromkeys(typed.replace(",", " ").split()))


def remarks(answers: Answers) -> dict[str, str]:
    """What is worth knowing and no fault, by field."""
    found = {}
    if answers.no_password and not answers.free_sudo:
        found["free_sudo"] = _("! Without a password, nobody can use sudo unless this is ticked.")
    if answers.country and not answers.networks:
        found["country"] = _("! It counts for wifi only.")
    return found


def _hash(answers: Answers) -> str | None:
    if answers.no_password:
        return None
    return hash_password(answers.password) if answers.password else answers.kept_hash


def _check_name(answers: Answers) -> str | None:
    if not answers.name:  # the placeholder there must not look refused
        return _("Type a name, such as studio.")
    if NAME.complain(answers.name):
        return _("Type small letters, digits and hyphens, such as studio-2.")
    return None


def _check_title(answers: Answers) -> str | None:
    return None if answers.title.isprintable() else _("It holds a letter that nobody sees.")


def _check_user(answers: Answers) -> str | None:
    if answers.user == "root":
        return _("Choose a name other than root.")
    if forms.USER_NAME.complain(answers.user):
        return _("Type 1 to 32 small letters, digits, _ and -, with a letter or _ first.")
    return None


def _check_password(answers: Answers) -> str | None:
    if answers.no_password or answers.password or answers.kept_hash:
        return None
    if answers.again:
        return _("Type the password here, too.")
    return _("Type a password, or tick that there is none.")


def _check_again(answers: Answers) -> str | None:
    if answers.no_password or answers.password == answers.again:
        return None
    return _("The two passwords differ: type again.")


def _check_keys(answers: Answers) -> str | None:
    if answers.keys or not (answers.no_password or answers.keys_only):
        return None
    if answers.no_password:
        return _("Choose a key: without a password and a key, nobody can log in.")
    return _("Choose a key: SSH is to take keys only.")


def _check_country(answers: Answers) -> str | None:
    if answers.networks and not answers.country:
        return _("Wifi needs it: the radio stays off without.")
    if answers.country and COUNTRY.complain(answers.country):
        return _("Choose it from the list.")
    return None


def _check_language(answers: Answers) -> str | None:
    if forms.LANGUAGE.complain(answers.language):
        return _("Choose it from the list, or type a UTF-8 locale such as en_GB.UTF-8.")
    return None


def _check_keyboard(answers: Answers) -> str | None:
    if forms.KEYBOARD.complain(answers.keyboard):
        return _("Choose it from the list, or type a layout such as de.")
    return None


def _check_timezone(answers: Answers) -> str | None:
    if forms.TIMEZONE.complain(answers.timezone):
        return _("Choose it from the list, or type one such as Europe/Berlin.")
    return None


def _check_ntp(answers: Answers) -> str | None:
    for server in servers(answers.ntp):
        if forms.server_complaint(server):
            return _("{server} is no name in small letters and no address.").format(server=server)
    return None


def _check_mirror(answers: Answers) -> str | None:
    if answers.mirror and forms.MIRROR.complain(answers.mirror):
        return _("Type an address such as http://controller/debian, without blanks.")
    return None


def _check_source(answers: Answers) -> str | None:
    if answers.source and forms.SOURCE.complain(answers.source):
        return _("Type an address such as https://central.local:8443, without blanks.")
    return None


# In the order of the fields: the first one that complains is gone to.
_CHECKS: dict[str, Callable[[Answers], str | None]] = {
    "name": _check_name,
    "title": _check_title,
    "user": _check_user,
    "password": _check_password,
    "again": _check_again,
    "keys": _check_keys,
    "country": _check_country,
    "language": _check_language,
    "keyboard": _check_keyboard,
    "timezone": _check_timezone,
    "ntp": _check_ntp,
    "mirror": _check_mirror,
    "source": _check_source,
}


def judge(name: str, value: str) -> str | None:
    """What is wrong with the value of a single field, whatever the others say."""
    return _CHECKS[name](replace(Answers(), **{name: value}))  # type: ignore[arg-type]
