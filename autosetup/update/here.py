"""What this node brings when it looks for updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autosetup import card_keys
from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.manifest import MANIFEST, read_manifest
from autosetup.node_file import NODE, read_node
from autosetup.run import Tools
from autosetup.secrets_file import SECRETS
from autosetup.settings import Manifest, NodeSettings, Update
from autosetup.system import System
from autosetup.time_floor import FOLDER, is_synchronised
from autosetup.trust import UPDATE_ROOT
from autosetup.update.fetch import Fetched

# In the updater's folder: verified metadata, by the root that it begins with.
METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Held(Mapping[str, bytes]):
    """Files by their SHA-256 (hex), each read when it is asked for: together they may be large.

    Nobody has checked that they are still what they were.

    Attributes:
        paths: where they lie.
    """

    paths: Mapping[str, Path]

    def __getitem__(self, digest: str) -> bytes:
        """The bytes of a file; one that has gone since is none."""
        try:
            return self.paths[digest].read_bytes()
        except OSError as error:
            raise KeyError(digest) from error

    def __contains__(self, digest: object) -> bool:
        return digest in self.paths

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a node brings when it looks for updates.

    Attributes:
        system: the node.
        folder: of the updater, where it survives every boot.
        anchor: metadata of the root that the node was given.
        update: what it was told.
        role, card_id: the node's and the card's.
        generation: of the payload in force, or at work.
        newest: the newest generation that the node has tried.
        sealing_key: the card's private key, in base64; empty for none.
        past: UTC times that were told to be over.
        is_timed: whether a server of time keeps its clock.
        held: files of the payload in force by their SHA-256 (hex).
        mirror: address of the site's archive of packages; may be empty.
    """

    system: System
    folder: Path
    anchor: bytes = field(repr=False)
    update: Update
    role: str
    card_id: str
    generation: int
    newest: int
    sealing_key: str = field(repr=False)
    past: tuple[str, ...] = ()
    is_timed: bool = False
    held: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    mirror: str = ""

    @property
    def letters(self) -> Fetched:
        """Plans, letters and agents."""
        return Fetched(self.folder / "targets")

    @property
    def blobs(self) -> Fetched:
        """Files of payloads."""
        return Fetched(self.folder / "blobs")


def ground_of(tools: Tools) -> Ground:
    """What this node brings.

    Raises:
        AgentError: ``no-updates``, nobody told this node whose releases it takes, or it has no
            root; what the card is, where its record is spoiled.
        Faulty: the record is spoiled.
    """
    record = tools.journal.load()
    folder = tools.journal.payload_folder(record.generation if record else 0)
    if record is None or not (folder / MANIFEST).exists():
        raise _no_updates("This node was never set up by a payload.")
    manifest = read_manifest((folder / MANIFEST).read_bytes())
    files = {name: folder / name for name in manifest.files if (folder / name).is_file()}
    settings = _settings(files)
    if not settings.update.site:
        raise _no_updates("The payload of this node names no site whose releases it takes.")
    anchor = tools.system.read(UPDATE_ROOT)
    if not anchor:
        raise _no_updates("This node knows no root of a repository.")
    return Ground(
        system=tools.system,
        folder=tools.journal.folder / FOLDER,
        anchor=anchor,
        update=settings.update,
        role=settings.role,
        card_id=manifest.card_id,
        generation=record.generation,
        newest=max(record.newest[0], record.generation),
        sealing_key=card_keys.load(tools.journal.folder, manifest.card_id).sealing_key,
        past=(manifest.flashed_at,),
        is_timed=tools.system.booted and is_synchronised(),
        held=_held(manifest, files),
        mirror=settings.packages.mirror,
    )


def _no_updates(what: str) -> AgentError:
    hint = "Bake a root with build-base --update-root, and name the site when cards are prepared."
    return AgentError("no-updates", what, hint)


def _settings(files: Mapping[str, Path]) -> NodeSettings:
    settings, faults = read_node(files[NODE].read_bytes() if NODE in files else b"", files)
    if settings is None:
        raise Faulty(list(faults))
    return settings


def _held(manifest: Manifest, files: Mapping[str, Path]) -> Held:
    records = manifest.files.items()
    return Held(
        {rec.sha256: files[name] for name, rec in records if name in files and name != SECRETS}
    )
