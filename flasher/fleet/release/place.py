"""Where a repository lies, and apart from it what this computer keeps for it: keys, root, draft.

``releases/NAME`` in the data folder has ``repository.json`` (where the repository is), ``keys``,
``draft``, ``root.json`` (the newest root, which nobody else can write; another computer's is taken
where the root before signed it) and ``published.json`` (the version that was published last).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput, FlasherError
from flasher.files import write_atomic
from flasher.fleet.release.state import State, newest_root, read_state

_RECORD, _ROOT, _PUBLISHED, _LOCK = "repository.json", "root.json", "published.json", ".lock"
_MAKE = "Make one: flasher release init FOLDER"


@dataclass(frozen=True, slots=True)
class Place:
    """A repository and what belongs to it.

    Attributes:
        name: of the repository.
        folder: of the repository.
        home: of what stays here.
    """

    name: str
    folder: Path
    home: Path

    @property
    def keys(self) -> Path:
        """Where its keys are, as long as nobody takes them away."""
        return self.home / "keys"

    @property
    def draft(self) -> Path:
        """Where a release lies until it is published."""
        return self.home / "draft"

    @property
    def root_file(self) -> Path:
        """The newest root; what ``build-base --update-root`` bakes in."""
        return self.home / _ROOT

    def read(self) -> State:
        """The repository as it stands; a newer root that goes with it is kept here, too.

        Raises:
            FlasherError: ``repository-damaged``; ``repository-older``, it is another one than was
                published from here last.
        """
        known = self.root_file.read_bytes()
        root = newest_root(self.folder, known)
        state = read_state(self.folder, root)
        path = self.home / _PUBLISHED
        last = json.loads(path.read_bytes())["timestamp"] if path.exists() else 0
        if (found := state.timestamp.signed.version) < last:
            what = f"{self.folder} is at version {found}, but {last} was published from here."
            hint = "Copy the newer one back; nodes that have seen it refuse the older one."
            raise FlasherError("repository-older", what, hint)
        if root != known:
            self.keep_root(root)
        return state

    def note_published(self, version: int) -> None:
        """Remember the version of the newest timestamp."""
        self._write(_PUBLISHED, json.dumps({"timestamp": version}) + "\n")

    def keep_root(self, raw: bytes) -> None:
        """Remember the newest root."""
        self._write(_ROOT, raw)

    def remember(self) -> None:
        """Make what stays here, so that `find_place` finds it."""
        self._write(_RECORD, json.dumps({"folder": str(self.folder)}) + "\n")

    def _write(self, name: str, content: str | bytes) -> None:
        write_atomic(self.home / name, content)
        paths.hand_over(self.home / name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One program at a time changes the repository, also where two computers share its folder.

        Raises:
            FlasherError: ``repository-busy``.
        """
        with ExitStack() as held:
            own = os.open(self.home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            held.callback(os.close, own)
            paths.hand_over(self.home / _LOCK)
            self._lock(own)
            if self.folder.is_dir():
                shared = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                held.callback(os.close, shared)
                with suppress(OSError):  # some network's file systems lock no folders
                    self._lock(shared)
            yield

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = f"Another program is changing the repository {self.name}."
            raise FlasherError("repository-busy", what, "Wait until it is done.") from None


def shelf() -> Path:
    """Where all of them are remembered."""
    return paths.data() / "releases"


def new_place(folder: Path, name: str = "") -> Place:
    """A place that is free.

    Args:
        folder: empty, or not there yet.
        name: else that of the folder.

    Raises:
        BadInput: ``repository-exists``, ``folder-taken``, ``repository-name``.
    """
    from flasher.rig.documents import NAME

    folder = folder.absolute()
    name = name or folder.name
    if wanted := NAME.complain(name):
        what = f"A repository cannot be called {name!r}."
        raise BadInput("repository-name", what, f"Say --name with {wanted}.")
    place = Place(name, folder, shelf() / name)
    if (place.home / _RECORD).exists():
        what = f"There is a repository {name} already."
        raise BadInput("repository-exists", what, "Say another --name.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput("folder-taken", f"{folder} is not empty.", "Name a new folder.")
    return place


def find_place(word: str = "") -> Place:
    """The repository of this name or folder; without a word, the only one there is.

    Raises:
        BadInput: ``no-repository``, ``which-repository``.
    """
    known = [_load(path.parent) for path in sorted(shelf().glob(f"*/{_RECORD}"))]
    if not word and len(known) > 1:
        listed = ", ".join(place.name for place in known)
        raise BadInput("which-repository", f"There are several: {listed}.", "Say --repository.")
    meant = Path(word).absolute()
    for place in known:
        if not word or word == place.name or meant == place.folder:
            return place
    what = f"No repository {word!r} was made here." if word else "No repository was made here."
    raise BadInput("no-repository", what, _MAKE)


def _load(home: Path) -> Place:
    path = home / _RECORD
    try:
        return Place(home.name, Path(json.loads(path.read_bytes())["folder"]), home)
    except (ValueError, KeyError, TypeError):
        raise BadInput("no-repository", f"{path} cannot be read.", _MAKE) from None
