"""A repository of releases as a publisher makes it, and as an attacker would have it; and a server.

Made with python-tuf's metadata alone, so that what the node's client is shown owes nothing to the
program that publishes.
"""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

SITE, ROLE = "studio", "camnode"
_ROLES = ("root", "timestamp", "snapshot", "targets", SITE, f"{SITE}.{ROLE}")


@dataclass(slots=True)
class Repository:
    """A repository in a folder; `publish` puts what was given in force.

    Attributes:
        signers: by role; another one in a place signs what nobody delegated to it.
        targets: by role, the bytes of each target by path.
        versions: of each role.
        expires: when what is published from now on expires.
    """

    folder: Path
    signers: dict[str, CryptoSigner] = field(
        default_factory=lambda: {role: CryptoSigner.generate_ed25519() for role in _ROLES}
    )
    targets: dict[str, dict[str, bytes]] = field(
        default_factory=lambda: {role: {} for role in _ROLES}
    )
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_ROLES, 0))
    expires: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(days=30))
    root: bytes = b""

    def begin(self) -> bytes:
        """The first root, or the next one with the signers that there are; its bytes."""
        self.versions["root"] += 1
        root = Root(version=self.versions["root"], expires=self.expires)
        for role in ("root", "timestamp", "snapshot", "targets"):
            root.add_key(self.signers[role].public_key, role)
        self.root = self._put("root", root)
        return self.root

    def publish(self, *roles: str) -> None:
        """Sign and write these roles, and what vouches for them; all of them by default."""
        for role in roles or (f"{SITE}.{ROLE}", SITE, "targets"):
            self.versions[role] += 1
            targets = {path: self._target(path, data) for path, data in self.targets[role].items()}
            signed = Targets(
                version=self.versions[role],
                expires=self.expires,
                targets=targets,
                delegations=self._delegations(role),
            )
            self._put(role, signed)
        self.versions["snapshot"] += 1
        meta = {f"{role}.json": MetaFile(self.versions[role]) for role in _ROLES[3:]}
        snapshot = Snapshot(version=self.versions["snapshot"], expires=self.expires, meta=meta)
        self._put("snapshot", snapshot)
        self.stamp()

    def stamp(self) -> None:
        """A new timestamp over the snapshot that there is."""
        self.versions["timestamp"] += 1
        file = MetaFile(self.versions["snapshot"])
        signed = Timestamp(
            version=self.versions["timestamp"], expires=self.expires, snapshot_meta=file
        )
        self._put("timestamp", signed)

    def blob(self, data: bytes) -> Path:
        """Put a file of payloads there; gives its place."""
        digest = hashlib.sha256(data).hexdigest()
        return self._write(f"blobs/{digest[:2]}/{digest}", data)

    def copy_of(self) -> Mapping[Path, bytes]:
        """Every file, as somebody could keep it to show it again later."""
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def _target(self, path: str, data: bytes) -> TargetFile:
        target = TargetFile.from_data(path, data, ["sha256"])
        folder, _, name = path.rpartition("/")
        self._write(f"targets/{folder}/{target.hashes['sha256']}.{name}", data)
        return target

    def _delegations(self, role: str) -> Delegations | None:
        below = {"targets": (SITE, [f"{SITE}/*", f"{SITE}/*/*"])}
        below[SITE] = (f"{SITE}.{ROLE}", [f"{SITE}/{ROLE}/*"])
        if role not in below:
            return None
        name, paths = below[role]
        key = self.signers[name].public_key
        delegated = DelegatedRole(name, [key.keyid], 1, terminating=True, paths=paths)
        return Delegations({key.keyid: key}, {name: delegated})

    def _put(self, role: str, signed: Root | Timestamp | Snapshot | Targets) -> bytes:
        metadata = Metadata(signed)
        metadata.sign(self.signers[role])
        name = f"{role}.json" if role == "timestamp" else f"{signed.version}.{role}.json"
        raw = metadata.to_bytes()
        self._write(f"metadata/{name}", raw)
        return raw

    def _write(self, path: str, data: bytes) -> Path:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return place


@dataclass(slots=True)
class Faults:
    """What is wrong with a server, for paths that hold a word; nothing to begin with.

    Attributes:
        breaks_off: after so many bytes of an answer, so often as is said.
        drips: sends a byte at a time, with these seconds between.
        endless: sends zeros for ever, and no length.
        deaf: ignores that a part is asked for.
        silent: accepts, and says nothing.
        murmurs: sends headers without an end, slowly.
    """

    word: str = ""
    breaks_off: int | None = None
    times: int = 1_000_000
    drips: float = 0
    endless: bool = False
    deaf: bool = False
    silent: bool = False
    murmurs: bool = False


@dataclass(slots=True)
class Server:
    """A web server of a folder, that counts.

    Attributes:
        sent: bytes of answers by path.
        asked: paths in order.
        moved: where it sends whoever asks for a file that it has.
    """

    folder: Path
    faults: Faults = field(default_factory=Faults)
    sent: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""
    moved: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)

    def forget(self) -> None:
        """Count anew."""
        self.sent.clear()
        self.asked.clear()


@contextmanager
def serving(folder: Path, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve a folder on 127.0.0.1; over TLS, if there is a context for it."""
    server = Server(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            _answer(server, self)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        if tls:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        server.address = f"http{'s' if tls else ''}://127.0.0.1:{http.server_port}/"
        try:
            yield server
        finally:
            server.stopping.set()
            http.shutdown()
            thread.join()


def _answer(server: Server, request: BaseHTTPRequestHandler) -> None:
    path = request.path.lstrip("/")
    server.asked.append(path)
    faults = server.faults if server.faults.word in path else Faults()
    place = server.folder / path
    if faults.silent:
        server.stopping.wait(10)
        request.close_connection = True
        return
    if faults.murmurs:
        _murmur(server, request)
        return
    if not place.is_file():
        request.send_error(404)
        return
    if server.moved:
        request.send_response(302)
        request.send_header("Location", f"{server.moved}{path}")
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    data, told = place.read_bytes(), request.headers.get("Range", "")
    offset = int(told.removeprefix("bytes=").rstrip("-")) if told and not faults.deaf else 0
    request.send_response(206 if offset else 200)
    if offset:
        request.send_header("Content-Range", f"bytes {offset}-{len(data) - 1}/{len(data)}")
    if faults.endless:
        request.send_header("Connection", "close")
    else:
        request.send_header("Content-Length", str(len(data) - offset))
    request.end_headers()
    try:
        _send(server, request, faults, path, data[offset:])
    except (BrokenPipeError, ConnectionResetError):
        request.close_connection = True


def _murmur(server: Server, request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True
    with suppress(OSError):
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not server.stopping.wait(0.05):
            request.wfile.write(b".")


def _send(
    server: Server, request: BaseHTTPRequestHandler, faults: Faults, path: str, data: bytes
) -> None:
    def send(piece: bytes) -> None:
        server.sent[path] = server.sent.get(path, 0) + len(piece)
        request.wfile.write(piece)

    if faults.endless:
        request.close_connection = True
        while not server.stopping.is_set():
            send(bytes(1 << 16))
    elif faults.drips:
        for number in range(len(data)):
            send(data[number : number + 1])
            if server.stopping.wait(faults.drips):
                break
    elif faults.breaks_off is not None and faults.times:
        faults.times -= 1
        send(data[: faults.breaks_off])
        request.close_connection = True
    else:
        send(data)
