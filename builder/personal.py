"""What layers of other formats set of one rig or person: it is never built in, and not lost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Personal:
    """Settings that belong into a site; "" and () where nothing was said.

    It has no `repr`, so that no secret of it lands in a log.

    Attributes:
        user: the login name of the first person.
        password: of this person, in clear.
        keys: SSH public keys that let this person in, a line each.
        ssid, passphrase: of the wifi.
        country: two letters, for the radio.
        language, keyboard, timezone: as `autosetup.settings.Locale` has them.
    """

    user: str = ""
    password: str = ""
    keys: tuple[str, ...] = ()
    ssid: str = ""
    passphrase: str = ""
    country: str = ""
    language: str = ""
    keyboard: str = ""
    timezone: str = ""

    def __bool__(self) -> bool:
        """Whether there is anything that would let someone in, or onto a network."""
        return bool(self.password or self.keys or self.ssid)

    def over(self, lower: Personal) -> Personal:
        """These settings, and where they say nothing those of a lower layer."""
        return Personal(
            user=self.user or lower.user,
            password=self.password or lower.password,
            keys=self.keys or lower.keys,
            ssid=self.ssid or lower.ssid,
            passphrase=self.passphrase or lower.passphrase,
            country=self.country or lower.country,
            language=self.language or lower.language,
            keyboard=self.keyboard or lower.keyboard,
            timezone=self.timezone or lower.timezone,
        )


NOTHING = Personal()
