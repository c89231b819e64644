"""Unit tests stay inside the process: no other program, no network; boot partitions in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from flasher.firmware.config_txt import BootFiles

MakeFiles = Callable[..., BootFiles]
_MARKER_OF = {
    "subprocess.Popen": "subprocess",
    "os.posix_spawn": "subprocess",
    "os.system": "subprocess",
    "os.fork": "subprocess",
    "socket.connect": "network",
    "socket.getaddrinfo": "network",
}
_allowed: set[str] | None = None


def _watch(event: str, _args: tuple[object, ...]) -> None:
    marker = _MARKER_OF.get(event)
    if marker and _allowed is not None and marker not in _allowed:
        raise AssertionError(f"a unit test used {event}; mark it with @pytest.mark.{marker}")


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def stay_inside(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forbid what the test's markers do not allow, for as long as the test runs."""
    global _allowed  # noqa: PLW0603  (an audit hook cannot be taken away again)
    _allowed = {mark.name for mark in request.node.iter_markers()}
    yield
    _allowed = None


class Files:
    """Boot files by path; cases do not count, as on FAT."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = {path.lower(): data for path, data in files.items()}

    def exists(self, path: str, /) -> bool:
        return path.lower() in self._files

    def read(self, path: str, /) -> bytes:
        return self._files[path.lower()]


@pytest.fixture
def make_files() -> MakeFiles:
    """Makes a boot partition from a config.txt, the names of other files, and files with text."""

    def make(config: str | bytes | None = None, *names: str, **texts: str) -> BootFiles:
        files = dict.fromkeys(names, b"")
        files |= {name.replace("__", "."): text.encode() for name, text in texts.items()}
        if config is not None:
            files["config.txt"] = config.encode() if isinstance(config, str) else config
        return Files(files)

    return make
