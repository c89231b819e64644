"""What a person asked to be served, made ready: repository, address, certificate, rig."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from autosetup.browse import REPOSITORY
from autosetup.site_key import read_keys
from flasher import paths
from flasher.errors import BadInput
from flasher.events import Emit
from flasher.files import write_atomic
from flasher.fleet.board.keeping import folder_of
from flasher.fleet.server.announce import Announcement
from flasher.fleet.server.guard import Guard, origins
from flasher.fleet.server.larder import RESERVE
from flasher.fleet.server.mirror import Mirror
from flasher.fleet.server.rig_side import RigSide, Whose, rig_side
from flasher.fleet.server.run import Serving, listen, serve
from flasher.fleet.server.shelf import Folder, Shelf
from flasher.fleet.server.tls import Papers, own_names, papers, renew
from flasher.fleet.server.whereabouts import Whereabouts, is_ours, own_addresses
from flasher.pages import LOOPBACK
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.signing import SiteSigner
from flasher.rig.site import Site, public_key_line

_EVERYWHERE = "0.0.0.0"  # noqa: S104  (only where it is asked for, see `Wanted.on_lan`)
_AUTHORITY = "authority.pem"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be served; see ``flasher serve --help``.

    Attributes:
        site: None for the repository alone.
        signer: vouches for the certificate; needed for a site on a network.
        on_lan: others than this computer shall reach it.
        authority: certificate (PEM) that may vouch for the upstream, beside the system's.
        cache: keeps what is mirrored; None for a folder among this program's own.
        reserve_bytes: of the cache's disk, which are left to others.
    """

    site: Site | None = None
    signer: SiteSigner | None = None
    scanner: str = ""
    repository: str = ""
    upstream: str = ""
    mirrored_for: str = ""
    address: str = ""
    on_lan: bool = False
    port: int = 0
    bytes_per_second: float | None = None
    at_once: int = 0
    authority: str = ""
    cache: Path | None = None
    cache_bytes: int = 8 * 10**9
    reserve_bytes: int = RESERVE


@dataclass(frozen=True, slots=True)
class Offer:
    """What is served, and where; texts are empty where there is none.

    Attributes:
        repository: its address.
        source: where it comes from.
        entrance: address of the board, with the token.
        authority: file with the site's certificate.
    """

    serving: Serving
    listener: socket.socket
    url: str
    repository: str = ""
    source: str = ""
    entrance: str = ""
    authority: str = ""

    def serve(self, tell: Callable[[Offer], None], emit: Emit) -> None:
        """Serve until interrupted.

        Args:
            tell: is told what is served where once it answers, and again when it is elsewhere.
            emit: is told what goes wrong.
        """
        serving, known = self.serving, self.serving.whereabouts
        if known:

            def moved(addresses: tuple[str, ...]) -> None:
                known.moved(addresses)
                tell(self.at(addresses))

            serving = replace(serving, whereabouts=replace(known, moved=moved))
        serve(serving, self.listener, lambda: tell(self), emit)

    def at(self, addresses: tuple[str, ...]) -> Offer:
        """The same where the computer has other addresses."""
        scheme, _, old = self.url.partition("://")
        url = f"{scheme}://{_host(addresses[0])}:{old.rpartition(':')[2]}"
        repository = self.repository.replace(self.url, url, 1)
        return replace(
            self, url=url, repository=repository, entrance=self.entrance.replace(self.url, url, 1)
        )

    def told(self) -> dict[str, object]:
        """For scripts."""
        told = {"url": self.url, "repository": self.repository, "source": self.source}
        return {**told, "entrance": self.entrance, "authority": self.authority}


@contextmanager
def offer(wanted: Wanted) -> Iterator[Offer]:
    """Listen, and have all ready that can be made ready before anybody asks.

    Raises:
        BadInput: ``no-repository``, ``mirrors-itself``, ``no-site-key``, and what a profile or site
            says.
        EnvironmentLacks: what `listen` raises.
    """
    shelf = _shelf(wanted)
    default = _EVERYWHERE if wanted.on_lan else LOOPBACK
    with listen(wanted.address or default, wanted.port) as listener:
        port = listener.getsockname()[1]
        if not wanted.repository and _would_mirror_itself(wanted, port):
            shelf = None
        addresses = own_addresses(wanted.address) if wanted.on_lan else (LOOPBACK,)
        proof = _proof(wanted, addresses)
        scheme = "https" if proof else "http"
        url = f"{scheme}://{_host(next(iter(addresses), LOOPBACK))}:{port}"
        serving = Serving(
            shelf=shelf,
            context=proof.context if proof else None,
            whereabouts=_whereabouts(wanted, port, addresses, proof) if wanted.on_lan else None,
            bytes_per_second=wanted.bytes_per_second,
        )
        repository = f"{url}/{REPOSITORY}" if shelf else ""
        source = (wanted.repository or _source(wanted)) if shelf else ""
        if wanted.site is None:
            yield Offer(serving, listener, url, repository, source)
            return
        names = [*own_names(), *addresses, LOOPBACK]
        guard = Guard(origins(names, port, tls=proof is not None))
        near = wanted.address or LOOPBACK
        side = _rig(wanted, wanted.site, guard, f"{scheme}://{_host(near)}:{port}", proof)
        yield Offer(
            serving=replace(serving, rig=side),
            listener=listener,
            url=url,
            repository=repository,
            source=source,
            entrance=f"{url}/?token={guard.token}",
            authority=str(_kept_authority(wanted.site, proof)) if proof else "",
        )


def _shelf(wanted: Wanted) -> Callable[[], Shelf] | None:
    if wanted.repository:
        folder = _folder(wanted.repository)
        return lambda: Folder(folder)
    source = _source(wanted)
    if not source:
        return None
    if not source.startswith(("http://", "https://")):
        what = f"{source!r} is no address of a repository."
        raise BadInput("bad-url", what, "It begins with http:// or https://.")
    name = hashlib.sha256(source.encode()).hexdigest()[:16]
    kept = wanted.cache or paths.cache() / "mirror" / name
    context = ssl.create_default_context()
    if wanted.authority:
        context.load_verify_locations(cadata=wanted.authority)
    reserve = wanted.reserve_bytes
    return lambda: Mirror(kept, source, wanted.cache_bytes, context, reserve=reserve)


def _would_mirror_itself(wanted: Wanted, port: int) -> bool:
    """Whether this server is the source of its site's nodes, and so has none of its own.

    Raises:
        BadInput: ``mirrors-itself``; it was told to.
    """
    if not is_ours(_source(wanted), port):
        return False
    if wanted.upstream:
        what = f"{wanted.upstream} is this server itself."
        hint = "Give --repository NAME for a repository that is here, or another's address."
        raise BadInput("mirrors-itself", what, hint)
    return True


def _source(wanted: Wanted) -> str:
    return wanted.upstream or (wanted.site.update.source if wanted.site else "")


def _folder(word: str) -> Path:
    """A repository by its folder, or by the name under which releases are made here."""
    if (Path(word) / "metadata").is_dir():
        return Path(word).absolute()
    from flasher.fleet.release.place import find_place

    return find_place(word).folder


def _proof(wanted: Wanted, addresses: tuple[str, ...]) -> Papers | None:
    """What nodes and browsers know the server by.

    A repository alone goes without: everything in it is signed, and what is secret is sealed.
    """
    if not wanted.on_lan or wanted.site is None:
        return None
    if wanted.signer is None:
        what = f"The site {wanted.site.name} has no key, so nobody could know this server."
        raise BadInput("no-site-key", what, "Serve it on this computer alone, without --lan.")
    return papers(wanted.signer, own_names(), [*addresses, LOOPBACK])


def _whereabouts(
    wanted: Wanted, port: int, addresses: tuple[str, ...], proof: Papers | None
) -> Whereabouts:
    def moved(there: tuple[str, ...]) -> None:
        if proof and wanted.signer:
            renew(proof.context, wanted.signer, own_names(), [*there, LOOPBACK])

    site = wanted.site.name if wanted.site else wanted.mirrored_for
    has_rig = wanted.site is not None
    told = Announcement(site, port, tls=has_rig, board=has_rig) if site else None
    return Whereabouts(addresses, lambda: own_addresses(wanted.address), told, moved)


def _rig(
    wanted: Wanted, site: Site, guard: Guard, url: str, proof: Papers | None
) -> Callable[[Shelf | None], RigSide]:
    line = public_key_line(str(site.path))
    whose = Whose(
        name=site.name,
        key=read_keys("site.pub", line.encode())[0] if line else None,
        ledger=Ledger(),
        profile=load_profile(wanted.scanner) if wanted.scanner else None,
        at_once=wanted.at_once,
    )
    authority = proof.authority if proof else ""
    return lambda shelf: rig_side(whose, guard, url, authority, shelf)


def _kept_authority(site: Site, proof: Papers) -> Path:
    path = folder_of(site.name) / _AUTHORITY
    paths.make_folder(path.parent)
    write_atomic(path, proof.authority)
    paths.hand_over(path)
    return path


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
