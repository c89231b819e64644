from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from flasher.rehearsal.switch import Switch, switched_on

A, B, C = (bytes([2, 0, 0, 0, 0, number]) for number in (1, 2, 3))
ALL = b"\xff" * 6


def frame(target: bytes, source: bytes, rest: bytes = b"\x88\xb5hello") -> bytes:
    return target + source + rest


def send(line: socket.socket, *frames: bytes) -> None:
    line.sendall(b"".join(len(data).to_bytes(4, "big") + data for data in frames))


def heard(line: socket.socket) -> bytes:
    """The next frame."""
    length = int.from_bytes(line.recv(4, socket.MSG_WAITALL), "big")
    return line.recv(length, socket.MSG_WAITALL)


@pytest.fixture
def switch() -> Iterator[Switch]:
    with switched_on() as made:
        yield made


@pytest.fixture
def lines(switch: Switch) -> Iterator[tuple[socket.socket, ...]]:
    made = tuple(switch.plug(name) for name in "abc")
    yield made
    for line in made:
        line.close()


def test_what_is_for_all_reaches_all_but_its_sender(lines: tuple[socket.socket, ...]) -> None:
    a, b, c = lines
    send(a, frame(ALL, A))
    assert heard(b) == heard(c) == frame(ALL, A)
    send(b, frame(ALL, B))
    assert heard(a) == frame(ALL, B)  # and not its own


def test_what_is_for_one_reaches_it_alone_once_it_was_heard(
    lines: tuple[socket.socket, ...],
) -> None:
    a, b, c = lines
    send(b, frame(ALL, B))
    assert heard(a) == heard(c) == frame(ALL, B)
    send(a, frame(B, A, b"for b"), frame(ALL, A, b"for all"))
    assert [heard(b), heard(b)] == [frame(B, A, b"for b"), frame(ALL, A, b"for all")]
    assert heard(c) == frame(ALL, A, b"for all")


def test_frames_may_come_in_pieces_and_many_at_once(lines: tuple[socket.socket, ...]) -> None:
    a, b, _ = lines
    frames = [frame(ALL, A, bytes([number]) * 1400) for number in range(20)]
    raw = b"".join(len(data).to_bytes(4, "big") + data for data in frames)
    for start in range(0, len(raw), 999):
        a.sendall(raw[start : start + 999])
    assert [heard(b) for _ in frames] == frames


def test_a_cut_cable_loses_what_is_sent_until_it_is_mended(
    switch: Switch, lines: tuple[socket.socket, ...]
) -> None:
    a, b, c = lines
    switch.set_cable("b", up=False)
    send(a, frame(ALL, A, b"lost"))
    assert heard(c) == frame(ALL, A, b"lost")
    switch.set_cable("b", up=True)
    send(a, frame(ALL, A, b"there"))
    assert heard(b) == frame(ALL, A, b"there")


def test_a_mute_cable_gives_nobody_an_address(switch: Switch) -> None:
    ip = b"\x08\x00" + b"\x45" + bytes(8) + b"\x11" + bytes(10)
    offer, other = (ip + port.to_bytes(2, "big") + bytes(6) for port in (67, 53))
    with switch.plug("laptop", mute=True) as laptop, switch.plug("node") as node:
        send(laptop, frame(ALL, A, offer), frame(ALL, A, other))
        assert heard(node) == frame(ALL, A, other)


def test_a_machine_that_is_gone_and_comes_back_is_found_again(
    switch: Switch, lines: tuple[socket.socket, ...]
) -> None:
    a, b, _ = lines
    send(b, frame(ALL, B))
    assert heard(a) == frame(ALL, B)
    with switch.plug("b") as again:
        assert b.recv(1) == b""
        send(a, frame(B, A))
        assert heard(again) == frame(B, A)


def test_nonsense_on_one_cable_is_forgotten(lines: tuple[socket.socket, ...]) -> None:
    a, b, c = lines
    a.sendall(b"\xff" * 64)
    send(b, frame(ALL, B), b"short")
    send(b, frame(ALL, B, b"again"))
    assert [heard(c), heard(c)] == [frame(ALL, B), frame(ALL, B, b"again")]
