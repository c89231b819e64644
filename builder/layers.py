"""The layer store: folders whose names are digests of all that went into them.

    <store>/<20 hex digits of the key>/tree/       what the layer adds, an overlay's upper folder
    <store>/<20 hex digits of the key>/layer.json  what it is; written before the name is final
    <store>/<20 hex digits of the key>/inputs.json what it was made from
    <store>/draft-<random>/                        a layer being made; swept away by the next run
    <store>/failed-<20 hex digits of the key>/     one that could not be finished, to look into
    <store>/builds/                                which layers each build used: `builder.history`
    <store>/apt/, logs/, view/, lock               downloads, logs, an empty mount point, the lock
    <store>/ids                                    whose ids the owners of all files are

A layer appears under its final name only when every byte of it is on disk.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from builder.rights import IdMap, require_rights
from builder.sandbox import remove_tree, try_overlay
from flasher.errors import EnvironmentLacks, FlasherError
from flasher.events import CancelFlag, Emit, Noted, check_cancelled
from flasher.files import sync_folder, write_atomic
from flasher.process import run

LAYOUT = 1
_NAME_DIGITS = 20
_DRAFT, FAILED = "draft-", "failed-"
_PLAN = "plan.json"
_WAIT_SECONDS = 0.2

Inputs = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Layer:
    """A finished layer.

    Attributes:
        name: for people.
        key: SHA-256 (64 hex digits) over its parent's key and all its own inputs.
        seconds: how long it took to make.
        made_at: seconds since 1970, UTC.
        parent: key of the layer below, "" for the lowest (and where an earlier version made it).
        kind: of the step that made it.
    """

    name: str
    key: str
    seconds: float
    made_at: int
    parent: str = ""
    kind: str = ""

    @property
    def folder(self) -> str:
        """Its folder, relative to the store."""
        return self.key[:_NAME_DIGITS]

    @property
    def tree(self) -> str:
        """Its tree, relative to the store: mount options have no room for long paths."""
        return f"{self.folder}/tree"


@dataclass(frozen=True, slots=True)
class Draft:
    """A layer being made.

    Attributes:
        folder: absolute; `tree` in it becomes the layer, `work` belongs to the overlay, `scratch`
            to the step.
    """

    folder: Path

    @property
    def tree(self) -> Path:
        """What the layer will hold."""
        return self.folder / "tree"

    @property
    def plan(self) -> Path:
        """Where the plan of the last program that failed is kept, as JSON."""
        return self.folder / _PLAN


def layer_key(parent: str, kind: str, version: int, inputs: Inputs) -> str:
    """The key of a layer.

    Args:
        parent: key of the layer below, "" for the first.
        kind: the kind of step that makes it.
        version: raised when that kind's code makes something else from the same inputs.
        inputs: what the step reads, as JSON values.
    """
    told = [LAYOUT, parent, kind, version, dict(inputs)]
    canonical = json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class Store:
    """The folder of layers; use `open_store`, which holds its lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("apt", "logs", "view"):
            (root / name).mkdir(parents=True, exist_ok=True)

    @property
    def view(self) -> Path:
        """An empty folder to mount on; what is mounted there is seen by one sandbox only."""
        return self.root / "view"

    def find(self, key: str) -> Layer | None:
        """The finished layer of this key, if there is one."""
        layer = _read_record(self.root / key[:_NAME_DIGITS])
        return layer if layer and layer.key == key else None

    @contextmanager
    def drafting(self) -> Iterator[Draft]:
        """Give an empty draft; it is gone afterwards unless it was published."""
        draft = Draft(self.root / f"{_DRAFT}{secrets.token_hex(4)}")
        draft.folder.mkdir(mode=0o700)
        for name in ("tree", "work"):
            (draft.folder / name).mkdir()
            (draft.folder / name).chmod(0o755)
        try:
            yield draft
        finally:
            with suppress(FlasherError):  # the next run sweeps it away, or says why it cannot
                remove_tree(draft.folder)

    def publish(self, draft: Draft, layer: Layer, inputs: Inputs | None = None) -> None:
        """Make a draft the layer, once all of it is on disk."""
        final = self.root / layer.folder
        for name in ("work", "scratch"):
            remove_tree(draft.folder / name)
        (draft.folder / _PLAN).unlink(missing_ok=True)
        _record(draft, layer, inputs)
        run(["sync", "--file-system", str(draft.folder)])
        if final.exists():  # a record that no longer reads; its name is ours by digest
            remove_tree(final)
        draft.folder.rename(final)
        sync_folder(self.root)
        self._forget_failed(layer.name)

    def keep(self, draft: Draft, layer: Layer, inputs: Inputs) -> None:
        """Keep a draft that failed as it is, in place of the last one of that name."""
        self._forget_failed(layer.name)
        _record(draft, layer, inputs)
        draft.folder.rename(self.root / f"{FAILED}{layer.folder}")

    def _forget_failed(self, name: str) -> None:
        for layer in list_layers(self.root, FAILED):
            if layer.name == name:
                remove_tree(self.root / f"{FAILED}{layer.folder}")

    def sweep(self) -> None:
        """Remove what killed builds left."""
        for stale in self.root.glob(f"{_DRAFT}*"):
            remove_tree(stale)


@contextmanager
def open_store(root: Path, *, emit: Emit, cancel: CancelFlag) -> Iterator[Store]:
    """Give the store, locked against other builds and swept; waits for its turn.

    Raises:
        EnvironmentLacks: it was made with other ids, or its file system cannot hold layers.
        Cancelled: the flag was set while it waited.
    """
    root.mkdir(parents=True, exist_ok=True)
    _require_fitting(root, require_rights())
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _lock(descriptor, root, emit, cancel)
        store = Store(root.resolve())
        store.sweep()
        yield store
    finally:
        os.close(descriptor)


def _require_fitting(root: Path, ids: IdMap) -> None:
    """Take a new store into use, or check that an old one holds owners as ours will be."""
    record = root / "ids"
    has_layers = any(root.glob("*/layer.json"))
    if record.exists():
        theirs = record.read_text(encoding="ascii").strip()
    else:
        theirs = str(IdMap() if has_layers else ids)
    if theirs != str(ids):
        raise EnvironmentLacks(
            "store-of-another",
            f"The layers in {root} were built by another user, with other owners: {theirs}.",
            "Build as that user, or set FLASHER_CACHE to another folder.",
        )
    if not record.exists():
        with TemporaryDirectory(dir=root, prefix=_DRAFT) as folder:
            try_overlay(Path(folder))
        write_atomic(record, f"{ids}\n")


def _lock(descriptor: int, root: Path, emit: Emit, cancel: CancelFlag) -> None:
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                said = f"Another build is using {root}; waiting for it to end."
                emit(Noted("build", said, warning=True))
            told = True
            check_cancelled(cancel, "The build")
            time.sleep(_WAIT_SECONDS)
        else:
            return


def list_layers(root: Path, begins: str = "") -> tuple[Layer, ...]:
    """The finished layers of a store, oldest first; none where there is no store.

    Those whose records do not read are left out: they are made again.

    Args:
        root: of the store.
        begins: `FAILED` for those that could not be finished.
    """
    records = sorted(root.glob(f"{begins}*/layer.json"), key=lambda path: path.stat().st_mtime_ns)
    folders = [path.parent for path in records]
    read = [_read_record(folder) for folder in folders if begins or "-" not in folder.name]
    return tuple(sorted(filter(None, read), key=lambda layer: layer.made_at))


def read_inputs(folder: Path) -> Inputs:
    """What a layer was made from; nothing where an earlier version made it, or it does not read."""
    with suppress(OSError, ValueError, TypeError):
        return dict(json.loads((folder / "inputs.json").read_bytes()))
    return {}


def _read_record(folder: Path) -> Layer | None:
    """The layer that a folder of the store holds; None where its record does not read."""
    with suppress(OSError, ValueError, TypeError):
        return Layer(**json.loads((folder / "layer.json").read_bytes()))
    return None


def _record(draft: Draft, layer: Layer, inputs: Inputs | None) -> None:
    write_atomic(draft.folder / "inputs.json", json.dumps(dict(inputs or {}), indent=0) + "\n")
    write_atomic(draft.folder / "layer.json", json.dumps(asdict(layer), indent=2) + "\n")


def lower_trees(layers: Sequence[Layer]) -> tuple[str, ...]:
    """The trees of a stack as an overlay wants them: topmost first."""
    return tuple(layer.tree for layer in reversed(layers))
