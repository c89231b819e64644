"""Who may look at the board: whoever shows the token, from our own page or from no page at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flasher.pages import is_same, new_secret, sent_headers

HEADERS = sent_headers()


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges requests by their headers.

    Args:
        origins: at which we may be asked, such as ``https://laptop.local:8421``.

    Attributes:
        token: opens the board for as long as the server runs: several people look at it.
        cookie: what a browser that showed the token shows from then on.
    """

    origins: frozenset[str]
    token: str = field(default_factory=new_secret, repr=False)
    cookie: str = field(default_factory=new_secret, repr=False)

    def takes(self, token: str) -> bool:
        """Whether this is the token."""
        return is_same(token, self.token)

    def objection(
        self, headers: Mapping[str, str], cookie: str | None, here: str = ""
    ) -> str | None:
        """Why a request is refused; None where it may pass.

        Args:
            headers: of the request, by names in any case.
            cookie: ours, as the request shows it.
            here: see `complaint`.
        """
        if wrong := self.complaint(headers, here):
            return wrong
        kind, _, token = headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.takes(token.strip()):
            return None
        if cookie is not None and is_same(cookie, self.cookie):
            return None
        return "Open the address that `flasher serve` shows: it has the token."

    def complaint(self, headers: Mapping[str, str], here: str = "") -> str | None:
        """What is wrong with where a request comes from, whatever it shows.

        Args:
            headers: as in `objection`.
            here: the origin whose address is this end of the connection: a name that somebody else
                points at us is another one, and the address may be new since we began.
        """
        known = self.origins | {here} if here else self.origins
        hosts = {origin.partition("//")[2] for origin in known}
        if headers.get("Host", "").lower() not in hosts:
            return "This address is not one that Flasher serves."
        if headers.get("Origin", next(iter(known))).lower() not in known:
            return "Pages of others may not speak with Flasher."
        return None

    def foreign(self, headers: Mapping[str, str]) -> bool:
        """Whether another page makes a browser ask."""
        return headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")


def origins(names: Iterable[str], port: int, *, tls: bool) -> frozenset[str]:
    """At which a server is asked that is called by these names and addresses."""
    scheme, usual = ("https", 443) if tls else ("http", 80)
    hosts = (f"[{name}]" if ":" in name else name.lower() for name in names)
    return frozenset(f"{scheme}://{host}" + f":{port}" * (port != usual) for host in hosts)
