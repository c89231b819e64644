"""Who may drive the wizard: the browser that was given the one-time token, from our own page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flasher.pages import LOOPBACK, is_same, new_secret, sent_headers

HEADERS = sent_headers(style_src="'self' 'unsafe-inline'", font_src="'self'")


@dataclass(slots=True)
class Guard:
    """Judges requests by their headers.

    Args:
        port: the one that we serve on.

    Attributes:
        token: opens once; None from then on.
        cookie: what a browser that used the token shows from then on.
    """

    port: int
    token: str | None = field(default_factory=new_secret)
    cookie: str = field(default_factory=new_secret)

    @property
    def cookie_name(self) -> str:
        """Of its own for each port: browsers keep cookies by host alone."""
        return f"flasher-{self.port}"

    @property
    def origin(self) -> str:
        """The only origin of pages that may speak with us."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def entrance(self) -> str:
        """The address that opens once."""
        return f"{self.origin}/enter?token={self.token}"

    def takes(self, token: str) -> bool:
        """Whether this is the token; it is none from then on."""
        right = self.token is not None and is_same(token, self.token)
        if right:
            self.token = None
        return right

    def knows(self, cookie: str | None) -> bool:
        """Whether a browser that shows this cookie has used the token."""
        return cookie is not None and is_same(cookie, self.cookie)

    def objection(self, headers: Mapping[str, str], *, to_enter: bool) -> str | None:
        """Why a request comes from elsewhere; None where it comes from our own page.

        Args:
            headers: of the request, by names in any case.
            to_enter: whether it is the one with the token, which no page of ours sends.
        """
        if headers.get("Host") != f"{LOOPBACK}:{self.port}":
            return "This address is not the one that Flasher serves."
        if headers.get("Origin", self.origin) != self.origin:
            return "Pages of others may not speak with Flasher."
        if "websocket" in headers.get("Upgrade", "").lower() and "Origin" not in headers:
            return "Only Flasher's own page may drive the wizard."
        if not to_enter and headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            return "Pages of others may not speak with Flasher."
        return None
