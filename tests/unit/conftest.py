"""Unit tests stay inside the process: no other program, no network."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

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
