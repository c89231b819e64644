"""A repository, a site with its rig, and a ledger with its cards; and nodes that read it.

Nodes are python-tuf's own client, which knows nothing of our code, and a card's private key.
"""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from autosetup.letter import Letter, open_secrets, read_letter
from autosetup.rollout_plan import RolloutPlan, read_plan
from autosetup.secrets_file import SECRETS
from flasher.fleet.release import names
from flasher.fleet.release.chosen import Wish
from flasher.fleet.release.compose import compose_release
from flasher.fleet.release.draft import Draft, DraftFolder
from flasher.fleet.release.keys import offline
from flasher.fleet.release.place import Place
from flasher.fleet.release.root import RootKeys, make_repository
from flasher.fleet.release.steps import publish_draft, sign_draft
from flasher.recording import NO_NODE, node_line
from flasher.rig.entry import Entry
from flasher.rig.node_payload import CardIdentity
from flasher.rig.rigmap import RigMap
from flasher.rig.signing import SiteSigner
from tests.unit.rig.whole_rig import load_rig, make_whole_rig

NOW = datetime.now(UTC).replace(microsecond=0)
PASSPHRASE = "a passphrase for tests"
WISH = Wish("field", "field")


@dataclass
class World:
    """All that a release needs.

    Attributes:
        identities: of each card by node name, its private keys among them.
        lines: of the ledger.
    """

    folder: Path
    place: Place
    targets: CryptoSigner
    rig: RigMap
    identities: dict[str, CardIdentity] = field(default_factory=dict)
    lines: list[Entry] = field(default_factory=list)
    now: datetime = NOW

    @property
    def signer(self) -> SiteSigner:
        assert self.rig.secrets.signer
        return self.rig.secrets.signer

    def make_card(self, name: str, *, keys: bool = True) -> str:
        """A card for a node, as if it had been written; its id."""
        node, identity = self.rig.find(name), CardIdentity.fresh(self.now - timedelta(days=1))
        line = node_line(NO_NODE, self.rig, node, identity, "1" * 64)
        line = replace(line, result="verified", image_digest="2" * 64)
        if not keys:
            line = replace(line, sealing_key="", report_key="")
        self.identities[node.name] = identity
        self.lines.append(replace(line, written_at=identity.planned_at.isoformat()))
        return identity.card_id

    def make_cards(self, *without: str) -> None:
        for node in self.rig.nodes:
            if node.name not in without:
                self.make_card(node.name)

    def draft(self, wish: Wish = WISH) -> Draft:
        return self.compose(wish, {})

    def compose(self, wish: Wish, has: Mapping[str, int]) -> Draft:
        """A draft, where some cards are known to have a generation."""
        self.now += timedelta(seconds=1)
        state, folder = self.place.read(), DraftFolder(self.place.draft)
        return compose_release(state, folder, self.rig, wish, self.lines, self.now, has=has)

    def sign(self, *, asked_for: timedelta = timedelta(0)) -> tuple[str, ...]:
        """Sign the draft; whoever is asked for the targets key takes so long to answer."""

        def answered() -> CryptoSigner:
            self.now += asked_for
            return self.targets

        place, state = self.place, self.place.read()
        _, roles = sign_draft(place, state, self.signer, answered, lambda: self.now)
        return roles

    def publish(self) -> Draft:
        draft = publish_draft(self.place, self.place.read(), self.now)
        DraftFolder(self.place.draft).discard()
        known = {line.card_id: line for line in self.lines}
        for card in draft.cards:
            placed = {"node": card.node, "role": card.role, "position": card.position}
            line = replace(known[card.card_id], result="released", **placed)
            self.lines.append(replace(line, generation=draft.generation))
        return draft

    def release(self, wish: Wish = WISH) -> Draft:
        self.draft(wish)
        self.sign()
        return self.publish()


def make_world(folder: Path) -> World:
    """A repository that is empty, and a rig without cards."""
    make_whole_rig(folder)
    place = Place("studio", folder / "studio", folder / "home")
    make_repository(place, RootKeys(), PASSPHRASE, NOW)
    wanted = place.read().root.signed.roles["targets"].keyids
    (targets,) = offline(place.keys, "targets", wanted, lambda: PASSPHRASE)
    return World(folder, place, targets, load_rig(folder))


def copy_world(world: World, folder: Path) -> World:
    """The same one elsewhere, to do something to it."""
    shutil.copytree(world.folder, folder)
    place = replace(world.place, folder=folder / "studio", home=folder / "home")
    return replace(
        world, folder=folder, place=place, identities=dict(world.identities), lines=[*world.lines]
    )


class Fetcher(FetcherInterface):
    """ngclient's way to a server, which leaves no connection open."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
                yield answer.read()
        except urllib.error.HTTPError as error:
            error.close()
            raise DownloadHTTPError(str(error), error.code) from None


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A file server on this computer alone; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class Reader:
    """A node without a card: ngclient, with a memory of its own."""

    def __init__(self, url: str, memory: Path, root: bytes) -> None:
        self.url, self.memory, self.root = url, memory, root
        memory.mkdir(parents=True, exist_ok=True)

    def fetch(self, target: str) -> bytes | None:
        """The bytes of a target, as the newest metadata has it; raises what ngclient does."""
        updater = Updater(
            str(self.memory),
            f"{self.url}/{names.METADATA}",
            target_dir=str(self.memory),
            target_base_url=f"{self.url}/{names.TARGETS}",
            fetcher=Fetcher(),
            bootstrap=self.root,
        )
        updater.refresh()
        found = updater.get_targetinfo(target)
        return None if found is None else Path(updater.download_target(found)).read_bytes()

    def plan(self, site: str) -> RolloutPlan | None:
        raw = self.fetch(names.plan_target(site))
        return None if raw is None else read_plan(raw)

    def letter(self, site: str, role: str, card_id: str) -> Letter | None:
        raw = self.fetch(names.letter_target(site, role, card_id))
        return None if raw is None else read_letter(raw)

    def payload(self, letter: Letter, private: str) -> dict[str, bytes]:
        """All files of the payload that a letter brings."""
        files = {**letter.payload, SECRETS: open_secrets(letter, private)}
        for name, record in letter.told.files.items():
            if name != SECRETS:
                files[name] = b"".join(Fetcher().fetch(f"{self.url}/{names.blob(record.sha256)}"))
        return files
