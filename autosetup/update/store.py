"""A repository's files, wherever they come from: the port, and its adapter for a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autosetup.errors import AgentError, plain

_CHUNK = 1 << 16
_NOT_FOUND = 404
# A pipe on a stick must not hold the node.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class NotThere(Exception):
    """A store has no such file, or does not give it away.

    Attributes:
        status: the HTTP status that says so: 403, 404 or 410.
    """

    def __init__(self, path: str, status: int = _NOT_FOUND) -> None:
        super().__init__(f"{path} is not there ({status}).")
        self.path, self.status = path, status


class Store(Protocol):
    """Files by path, ``metadata/timestamp.json``; nothing that it gives is trusted."""

    @property
    def name(self) -> str:
        """What people are told of where it is."""

    def read(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """The bytes of a file from an offset on, in pieces of at most 64 KiB.

        Raises:
            NotThere: it has no such file.
            AgentError: ``source-failed``, it does not answer, broke off or is too slow.
        """

    def below(self, folder: str) -> Store:
        """The files below a folder of it, with its way there."""

    def close(self) -> None:
        """Let go of what it holds open."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A repository in a folder, such as one on a stick. No link leads out of it."""

    path: Path
    name: str

    def read(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """See `Store`."""
        try:
            with os.fdopen(os.open(self._inside(path), _READ), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise NotThere(path)
                file.seek(offset)
                while piece := file.read(_CHUNK):
                    yield piece
        except (FileNotFoundError, NotADirectoryError):
            raise NotThere(path) from None
        except OSError as error:
            raise failed(self.name, f"{path}: {error.strerror}") from error

    def below(self, folder: str) -> Folder:
        """See `Store`."""
        return Folder(self.path / folder, self.name)

    def close(self) -> None:
        """See `Store`."""

    def _inside(self, path: str) -> Path:
        real, home = (self.path / path).resolve(), self.path.resolve()
        if not real.is_relative_to(home):
            raise NotThere(path)
        return real


def failed(name: str, what: str) -> AgentError:
    """The error for a source that does not give what it is asked for; it may have chosen words."""
    hint = "Check cable, wifi and server; the node tries again, and goes on where it was."
    return AgentError("source-failed", plain(f"{name} gives no update: {what}."), hint)
