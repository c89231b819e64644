"""Who can reach `flasher serve` at all."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

from flasher.rig.rigmap import RigMap
from tests.integration.fleet.server.program import serving
from tests.integration.fleet.server.served import METADATA, put

_LISTENS = "0A"  # of proc(5), /proc/net/tcp
_LOOPBACK = int.from_bytes(socket.inet_aton("127.0.0.1"), "little")


def listening(process: int) -> set[tuple[str, str]]:
    """Address and port of all at which a process listens, as the kernel writes them."""
    held = {str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            _, near, _, state, *_, inode = line.split()[:10]
            if state == _LISTENS and f"socket:[{inode}]" in held:
                address, _, port = near.partition(":")
                found.add((address, port))
    return found


def test_nobody_but_this_computer_reaches_it_unless_that_is_asked_for(
    rig: RigMap, tmp_path: Path
) -> None:
    del rig
    put(tmp_path / "repository", "metadata/timestamp.json", METADATA)
    with serving("--site", "field", "--repository", tmp_path / "repository") as server:
        port = urlsplit(server.url).port
        assert listening(server.process.pid) == {(f"{_LOOPBACK:08X}", f"{port:04X}")}
