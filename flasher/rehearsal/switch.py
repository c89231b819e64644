"""A network without the host's network: a switch for emulated machines, in this process.

Each machine has one end of a pair of sockets as its cable. On it frames go as QEMU's ``-netdev
stream`` has them: four octets with the length, the highest first, and the Ethernet frame
(net/stream.c). Like any switch, it learns who is where, and loses frames where too many come.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_HEAD = 4
_LONGEST = 1 << 17  # larger than anything that QEMU sends
_MOST_WAITING = 1 << 20
_READ = 1 << 16
_ADDRESS = 6
_DHCP_SERVER = 67


@dataclass(slots=True)
class _Port:
    """Where a cable ends.

    Attributes:
        mute: whether answers of a DHCP server are kept from coming in here.
        up: whether the cable is whole.
    """

    name: str
    line: socket.socket
    mute: bool
    up: bool = True
    heard: bytearray = field(default_factory=bytearray)
    waiting: bytearray = field(default_factory=bytearray)


class Switch:
    """A running switch; see `switched_on`.

    Attributes:
        frames: how many came in so far, by the name of the cable.
    """

    def __init__(self) -> None:
        self._ports: dict[str, _Port] = {}
        self._seats: dict[bytes, _Port] = {}
        self._chosen = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._stop, self._stopped = os.pipe()
        self._chosen.register(self._stop, selectors.EVENT_READ)
        self.frames: dict[str, int] = {}

    def plug(self, name: str, *, mute: bool = False) -> socket.socket:
        """Plug in a new cable, in place of an older one of that name; gives its other end.

        Args:
            name: of the machine.
            mute: whether it shall give nobody an address.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003
        with self._lock:
            self._pull(name)
            self._ports[name] = port = _Port(name, ours, mute)
            self.frames.setdefault(name, 0)
            self._chosen.register(ours, selectors.EVENT_READ, port)
        return theirs

    def set_cable(self, name: str, *, up: bool) -> None:
        """Cut a cable, or mend it: what is sent meanwhile is lost."""
        with self._lock:
            self._ports[name].up = up

    def run(self) -> None:
        """Switch frames until `stop`."""
        while True:
            for key, events in self._chosen.select():
                if key.data is None:
                    return
                with self._lock:
                    self._serve(key.data, events)

    def stop(self) -> None:
        """Have `run` return."""
        os.write(self._stopped, b".")

    def close(self) -> None:
        """Let go of all cables."""
        for name in tuple(self._ports):
            self._pull(name)
        self._chosen.close()
        os.close(self._stop)
        os.close(self._stopped)

    def _pull(self, name: str) -> None:
        port = self._ports.pop(name, None)
        if port is None:
            return
        self._seats = {mac: at for mac, at in self._seats.items() if at is not port}
        self._chosen.unregister(port.line)
        port.line.close()

    def _serve(self, port: _Port, events: int) -> None:
        if self._ports.get(port.name) is not port:
            return  # pulled since
        if events & selectors.EVENT_WRITE:
            self._flush(port)
        if not events & selectors.EVENT_READ:
            return
        try:
            heard = port.line.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        if not heard:
            self._pull(port.name)
            return
        port.heard += heard
        for frame in _frames(port.heard):
            self._pass_on(port, frame)

    def _pass_on(self, port: _Port, frame: bytes) -> None:
        self.frames[port.name] += 1
        if not port.up or (port.mute and _gives_addresses(frame)):
            return
        target, source = frame[:_ADDRESS], frame[_ADDRESS : 2 * _ADDRESS]
        self._seats[source] = port
        seat = self._seats.get(target)
        for other in (seat,) if seat else tuple(self._ports.values()):
            if other is not port and other.up:
                self._send(other, frame)

    def _send(self, port: _Port, frame: bytes) -> None:
        if len(port.waiting) > _MOST_WAITING:
            return
        port.waiting += len(frame).to_bytes(_HEAD, "big") + frame
        self._flush(port)

    def _flush(self, port: _Port) -> None:
        with suppress(BlockingIOError):
            try:
                del port.waiting[: port.line.send(port.waiting)]
            except (BrokenPipeError, ConnectionResetError):
                port.waiting.clear()  # reading tells that it is gone
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if port.waiting else 0)
        self._chosen.modify(port.line, events, port)


def _frames(heard: bytearray) -> Iterator[bytes]:
    """Take the whole frames off what was heard; what makes no sense is forgotten."""
    while len(heard) >= _HEAD:
        length = int.from_bytes(heard[:_HEAD], "big")
        if length > _LONGEST:
            heard.clear()
            return
        if len(heard) < _HEAD + length:
            return
        frame = bytes(heard[_HEAD : _HEAD + length])
        del heard[: _HEAD + length]
        if length >= 2 * _ADDRESS:
            yield frame


def _gives_addresses(frame: bytes) -> bool:
    """Whether it is what a DHCP server says: IPv4 (RFC 791), UDP (RFC 768), from port 67."""
    if frame[12:14] != b"\x08\x00" or frame[23:24] != b"\x11":
        return False
    udp = 14 + 4 * (frame[14] & 15)
    return int.from_bytes(frame[udp : udp + 2], "big") == _DHCP_SERVER


@contextmanager
def switched_on() -> Iterator[Switch]:
    """A switch at work in a thread of its own, until the block is left."""
    switch = Switch()
    thread = threading.Thread(target=switch.run, name="switch", daemon=True)
    thread.start()
    try:
        yield switch
    finally:
        switch.stop()
        thread.join()
        switch.close()
