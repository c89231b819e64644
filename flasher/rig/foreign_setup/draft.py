"""What a setup file of another program says, as far as a site has a word for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autosetup import forms
from autosetup.payload import Locale, User, Wifi
from autosetup.strict import Pattern
from flasher.rig.passwords import hash_password
from flasher.rig.public_keys import fingerprint
from flasher.rig.site_model import USUAL_USER, Site, SiteSecrets
from flasher.rig.site_text import COUNTRY, key_complaint

_SSID_OCTETS = 32
_LONGEST = 300


@dataclass(frozen=True, slots=True, repr=False)
class SiteDraft:
    """A site as far as somebody's file describes it. No `repr`: it holds secrets.

    Attributes:
        source: the file, for people.
        password_hash: crypt(3); one in clear text was hashed. Empty where there is none, like all
            texts here.
        passphrases: of networks, by their names; those of open ones are missing.
        left_out: what was not taken over and why, a sentence each; no secrets.
    """

    source: str
    user: str = ""
    password_hash: str = ""
    keys: tuple[str, ...] = ()
    wifi: tuple[Wifi, ...] = ()
    passphrases: Mapping[str, str] = field(default_factory=dict)
    country: str = ""
    language: str = ""
    keyboard: str = ""
    timezone: str = ""
    keys_only: bool = False
    passwordless_sudo: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing for a site."""
        return not self.summary

    @property
    def summary(self) -> str:
        """What it has, in a line without secrets."""
        named = {"user": self.user, "country": self.country, "language": self.language}
        named |= {"keyboard": self.keyboard, "timezone": self.timezone}
        told = [f"{what} {value}" for what, value in named.items() if value]
        told += ["a password"] if self.password_hash else []
        told += [f"wifi {wifi.ssid}" for wifi in self.wifi]
        count = len(self.keys)
        told += [f"{count} key{'' if count == 1 else 's'}"] if count else []
        return ", ".join(told)


def drafted_site(draft: SiteDraft, name: str = "") -> tuple[Site, SiteSecrets]:
    """The site of a draft, the usual where it says nothing: a start, which may lack what it needs.

    Args:
        draft: an empty one gives a site that is new in every respect.
        name: of the site, as no setup file has one.
    """
    usual = Locale()
    user = User(
        draft.user or USUAL_USER,
        authorized_keys=draft.keys,
        passwordless_sudo=draft.passwordless_sudo,
    )
    locale = Locale(
        draft.language or usual.language,
        draft.keyboard or usual.keyboard,
        draft.timezone or usual.timezone,
    )
    site = Site(
        name=name,
        title="",
        user=user,
        country=draft.country or None,
        wifi=draft.wifi,
        locale=locale,
        digest="",
        path=Path(),
        keys_only=draft.keys_only,
    )
    return site, SiteSecrets(draft.password_hash or None, dict(draft.passphrases))


class Collector:
    """Takes values in, each in the form that a node takes; of two of a kind, the first stays."""

    def __init__(self, source: str) -> None:
        """Begin with nothing."""
        self._source = source
        self._texts: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._wifi: dict[str, Wifi] = {}
        self._phrases: dict[str, str] = {}
        self._flags = {"keys_only": False, "passwordless_sudo": False}
        self._left_out: dict[str, None] = {}

    def leave(self, *sentences: str) -> None:
        """Tell what is not taken over."""
        told = ("".join(c if c.isprintable() else "?" for c in text) for text in sentences)
        self._left_out.update(dict.fromkeys(text[:_LONGEST] for text in told))

    def leave_keys(self, names: Iterable[object], why: str) -> None:
        """Tell of settings by their names."""
        told = sorted({str(name) for name in names})
        if told:
            self.leave(f"{', '.join(told)}: {why}")

    def user(self, name: str) -> None:
        """The login name."""
        self._text("user", "the user", name, forms.USER_NAME)

    def country(self, code: str) -> None:
        """The country of the radio."""
        self._text("country", "the country", code.upper(), COUNTRY)

    def language(self, locale: str) -> None:
        """A locale, also in the spelling ``de_DE.utf8``."""
        name, dot, charset = locale.partition(".")
        plain = charset.lower().replace("-", "") == "utf8"
        self._text(
            "language", "the language", f"{name}{dot}UTF-8" if plain else locale, forms.LANGUAGE
        )

    def keyboard(self, layout: str) -> None:
        """A layout; of several, the first."""
        self._text("keyboard", "the keyboard", layout.partition(",")[0], forms.KEYBOARD)

    def timezone(self, zone: str) -> None:
        """A time zone."""
        self._text("timezone", "the time zone", zone, forms.TIMEZONE)

    def password(self, hashed: str) -> None:
        """A password's hash."""
        if not hashed:
            return
        if forms.CRYPT_HASH.complain(hashed):
            self.leave("The password: its hash is of a kind that nodes refuse. Type a new one.")
        else:
            self._texts.setdefault("password_hash", hashed)

    def plain_password(self, password: str) -> None:
        """A password in clear text, which is hashed here."""
        if password:
            self._texts.setdefault("password_hash", hash_password(password))

    def key(self, line: str) -> None:
        """A public key."""
        text = " ".join(line.split())
        if not text or text.startswith("#"):
            return
        if wrong := key_complaint(text):
            self.leave(f"A key: {wrong}")
        else:
            self._keys.setdefault(fingerprint(text), text)

    def network(self, wifi: Wifi, passphrase: str) -> None:
        """A wireless network; an open one without a passphrase."""
        if not 1 <= len(wifi.octets) <= _SSID_OCTETS:
            self.leave(f"The wifi {wifi.ssid!r}: its name has not 1 to {_SSID_OCTETS} bytes.")
        elif not wifi.ssid.isprintable():
            self.leave(f"The wifi {wifi.ssid!r}: its name holds letters that nobody sees.")
        elif wifi.security != "open" and passphrase and forms.PASSPHRASE.complain(passphrase):
            self.leave(f"The wifi {wifi.ssid!r}: its passphrase has a form that no node takes.")
        elif wifi.ssid not in self._wifi:
            self._wifi[wifi.ssid] = wifi
            if passphrase and wifi.security != "open":
                self._phrases[wifi.ssid] = passphrase

    def flag(self, name: str) -> None:
        """Set ``keys_only`` or ``passwordless_sudo``."""
        self._flags[name] = True

    def draft(self) -> SiteDraft:
        """All that was taken in."""
        if self._flags["keys_only"] and not self._keys:
            self._flags["keys_only"] = False
            self.leave("SSH by keys only: there is no key, so nobody could log in.")
        return SiteDraft(
            source=self._source,
            keys=tuple(self._keys.values()),
            wifi=tuple(self._wifi.values()),
            passphrases=dict(self._phrases),
            left_out=tuple(self._left_out),
            keys_only=self._flags["keys_only"],
            passwordless_sudo=self._flags["passwordless_sudo"],
            **self._texts,
        )

    def _text(self, name: str, what: str, text: str, form: Pattern) -> None:
        value = text.strip()
        if not value:
            return
        if wanted := form.complain(value):
            self.leave(f"{what[0].upper()}{what[1:]} {value[:40]!r}: it must be {wanted}.")
        else:
            self._texts.setdefault(name, value)
