"""A node and its board, over real connections: what is said, what is heard, who is believed."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autosetup import card_keys, update_state
from autosetup.boards import heard_by
from autosetup.node_file import write_node
from autosetup.report import Report, read_envelope, verified
from autosetup.reporting import BUSY_SECONDS, USUAL_SECONDS, Reporter
from autosetup.settings import NodeSettings, Secrets, Update
from autosetup.status import Status
from autosetup.system import System
from autosetup.update_state import Updating
from flasher.rig.signing import SiteSigner
from flasher.rig.site_authority import authority_pem, issue

CARD = "0123456789abcdef" * 2
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE = base64.b64encode(bytes(range(32))).decode()
PUBLIC = base64.b64encode(_KEY.public_key().public_bytes_raw()).decode()
SITE = SiteSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)), "studio")
DONE = Status("done", node="cam-0101", generation=7, card_id=CARD)
TRIGGER = "/sys/class/leds/ACT/trigger"


@dataclass
class Board:
    """What a board heard, and what it shall answer."""

    address: str = ""
    authority: str = ""
    status: int = 200
    answer: bytes = b"{}"
    heard: list[Report | None] = field(default_factory=list)
    callers: set[tuple[str, int]] = field(default_factory=set)

    def take(self, raw: bytes) -> None:
        self.heard.append(verified(read_envelope(raw), PUBLIC))

    @property
    def last(self) -> Report:
        assert self.heard[-1]
        return self.heard[-1]


@contextmanager
def serving(certificate: tuple[str, str] | None, folder: Path) -> Iterator[Board]:
    """A board on this computer alone; behind TLS where it has a certificate and its key."""
    board, lines = Board(), list[socket.socket]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            lines.append(self.connection)

        def do_POST(self) -> None:
            board.callers.add(self.client_address)
            board.take(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/b/reports"
            self.send_response(board.status)
            self.send_header("Content-Length", str(len(board.answer)))
            self.end_headers()
            self.wfile.write(board.answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, *_: object) -> None:
            """A node that hangs up in the middle of a handshake is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if certificate:
        file = folder / "server.pem"
        file.write_text("".join(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    board.address = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}/b"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield board
    finally:
        server.shutdown()
        for line in lines:  # those that the node keeps
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        server.server_close()
        thread.join()


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with serving(None, tmp_path) as found:
        yield found


@dataclass
class Pi:
    """A node's files, and what its reporter logs."""

    system: System
    logged: list[str] = field(default_factory=list)

    def say(self, status: Status) -> None:
        self.system.write("/run/autosetup/status.json", status.to_json())

    def settle(self, update: Update, key: str = PRIVATE, generation: int = 7) -> None:
        """Have the node be set up by a payload."""
        state = self.system.path("/var/lib/autosetup")
        node = state / f"generations/{generation}/node.toml"
        node.parent.mkdir(parents=True, exist_ok=True)
        settings = NodeSettings("cam-0101", "camnode", update=update)
        node.write_bytes(write_node(settings))
        card_keys.keep(state, CARD, Secrets(bytes(32), report_key=key))

    @contextmanager
    def reporter(self) -> Iterator[Reporter]:
        reporter = Reporter(self.system, self.logged.append)
        try:
            yield reporter
        finally:
            reporter.close()


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    system = System(tmp_path / "node")
    led = system.path(TRIGGER)
    led.parent.mkdir(parents=True)
    led.write_text("none timer [mmc0] default-on pattern\n")
    (led.parent / "max_brightness").write_text("255\n")
    found = Pi(system)
    found.say(DONE)
    return found


def about(seconds: float) -> object:
    return pytest.approx(seconds, rel=0.11)


def test_a_node_says_how_it_is_over_one_connection(pi: Pi, board: Board) -> None:
    pi.settle(Update("studio", board=board.address))
    update_state.tell(pi.system, Updating("waiting", reason="The scanner captures."))
    with pi.reporter() as reporter:
        assert reporter.turn() == about(USUAL_SECONDS)
        first = board.last
        reporter.turn()
    assert (first.node, first.state, first.generation) == ("cam-0101", "done", 7)
    assert first.update == "waiting: The scanner captures."
    assert first.free_bytes
    assert board.last.sequence > first.sequence
    assert len(board.callers) == 1
    assert pi.logged == [f"The board at {board.address} hears this node."]


def test_numbers_go_on_growing_when_the_service_starts_anew(pi: Pi, board: Board) -> None:
    pi.settle(Update("studio", board=board.address))
    for _ in range(3):
        with pi.reporter() as reporter:
            reporter.turn()
    numbers = [report.sequence for report in board.heard if report]
    assert numbers == sorted(set(numbers))
    assert [number >> 32 for number in numbers] == [1, 2, 3]


def test_a_node_at_work_speaks_each_second(pi: Pi, board: Board) -> None:
    pi.settle(Update("studio", board=board.address))
    with pi.reporter() as reporter:
        pi.say(replace(DONE, state="applying", step="scripts", step_number=3, step_count=9))
        assert reporter.turn() == about(BUSY_SECONDS)
        assert (board.last.step, board.last.step_number, board.last.step_count) == ("scripts", 3, 9)
        pi.say(DONE)
        update_state.tell(pi.system, Updating("fetching", 3, 7))
        assert reporter.turn() == about(BUSY_SECONDS)
        update_state.tell(pi.system, Updating("idle"))
        assert reporter.turn() == about(USUAL_SECONDS)
        board.answer = b'{"again_seconds": 2}'
        assert reporter.turn() == about(2)


def unset(pi: Pi, board: Board) -> None:
    """No payload was applied yet."""


def silent(pi: Pi, board: Board) -> None:
    pi.settle(Update("studio", board=board.address))
    pi.system.path("/run/autosetup/status.json").unlink()


def without_key(pi: Pi, board: Board) -> None:
    pi.settle(Update("studio", board=board.address), key="")


def without_site(pi: Pi, board: Board) -> None:
    pi.settle(Update(board=board.address))


@pytest.mark.parametrize("make", [unset, silent, without_key, without_site])
def test_a_node_with_nobody_to_tell_or_nothing_to_sign_with_says_nothing(
    pi: Pi, board: Board, make: Callable[[Pi, Board], None]
) -> None:
    make(pi, board)
    with pi.reporter() as reporter:
        reporter.turn()
    assert (board.heard, pi.logged) == ([], [])
    assert not pi.system.path("/var/lib/autosetup/reports").exists()


def test_a_node_whose_key_is_spoiled_says_so_and_nothing_to_the_board(pi: Pi, board: Board) -> None:
    pi.settle(Update("studio", board=board.address), key="AAAA")
    with pi.reporter() as reporter:
        reporter.turn()
        reporter.turn()
    assert board.heard == []
    assert ["cannot sign" in line for line in pi.logged] == [True]


def test_a_new_generation_may_name_another_board(pi: Pi, board: Board, tmp_path: Path) -> None:
    pi.settle(Update("studio", board=board.address))
    with pi.reporter() as reporter, serving(None, tmp_path) as other:
        reporter.turn()
        pi.settle(Update("studio", board=other.address), generation=8)
        pi.say(replace(DONE, generation=8))
        reporter.turn()
        assert (len(board.heard), other.last.generation) == (1, 8)


def test_a_board_that_is_away_is_asked_more_and_more_rarely(
    pi: Pi, board: Board, tmp_path: Path
) -> None:
    with serving(None, tmp_path) as gone:
        pi.settle(Update("studio", board=gone.address))
    with pi.reporter() as reporter:
        pauses = [reporter.turn() for _ in range(5)]
        pi.settle(Update("studio", board=board.address))
        reporter.turn()
    assert pauses == [about(10), about(20), about(30), about(30), about(30)]
    assert len(pi.logged) == 2
    assert board.last.node == "cam-0101"


def test_which_board_hears_a_node_is_known_on_it_for_as_long_as_one_does(
    pi: Pi, board: Board
) -> None:
    pi.settle(Update("studio", board=board.address))
    with pi.reporter() as reporter:
        reporter.turn()
        assert heard_by(pi.system) == board.address
        board.status = 403
        reporter.turn()
        assert heard_by(pi.system) == ""


def test_a_node_that_is_refused_says_so_once(pi: Pi, board: Board) -> None:
    pi.settle(Update("studio", board=board.address))
    board.status = 403
    with pi.reporter() as reporter:
        reporter.turn()
        reporter.turn()
    assert pi.logged == [f"The board at {board.address} refuses this node's reports (403)."]


def test_boards_that_hear_a_node_by_turns_as_little_as_each_other_fill_no_journal(
    pi: Pi, board: Board
) -> None:
    board.status = 403
    with pi.reporter() as reporter:
        for address in 3 * [board.address, "http://127.0.0.1:1"]:
            pi.settle(Update("studio", board=address))
            reporter.turn()
        assert len(pi.logged) == 2
        board.status = 200
        pi.settle(Update("studio", board=board.address))
        reporter.turn()
    assert pi.logged[2].startswith(f"The board at {board.address} hears this node.")


@pytest.mark.parametrize("answer", [b"<html>", b"x" * 100_000, b"[1, 2", b"\xff\xfe"])
def test_no_answer_whatsoever_stops_a_node(pi: Pi, board: Board, answer: bytes) -> None:
    pi.settle(Update("studio", board=board.address))
    board.answer = answer
    with pi.reporter() as reporter:
        assert [reporter.turn() for _ in range(2)] == [about(USUAL_SECONDS)] * 2
    assert len(board.heard) == 2


def test_the_light_points_for_as_long_as_it_is_told_and_shows_the_state_again(
    pi: Pi, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.settle(Update("studio", board=board.address))
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with pi.reporter() as reporter:
        board.answer = b'{"blink_seconds": 15}'
        assert reporter.turn() == about(USUAL_SECONDS)
        assert pi.system.read(TRIGGER) == b"pattern"
        board.answer = b'{"blink_seconds": 0}'
        now += 10
        assert reporter.turn() == 5
        assert pi.system.read(TRIGGER) == b"pattern"
        now += 5
        reporter.turn()
        assert pi.system.read(TRIGGER) == b"mmc0"


def test_a_service_that_ends_gives_the_light_back(pi: Pi, board: Board) -> None:
    pi.settle(Update("studio", board=board.address))
    board.answer = b'{"blink_seconds": 60}'
    with pi.reporter() as reporter:
        reporter.turn()
    assert pi.system.read(TRIGGER) == b"mmc0"


def test_the_boards_time_is_shown_and_never_set(pi: Pi, board: Board) -> None:
    pi.settle(Update("studio", board=board.address))
    board.answer = json.dumps({"server_time": 0.5}).encode()
    with pi.reporter() as reporter:
        reporter.turn()
    assert "behind ours" in pi.logged[0]


def test_a_board_that_the_site_vouches_for_is_believed_and_no_other(pi: Pi, tmp_path: Path) -> None:
    other = SiteSigner(Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)), "studio")
    update = Update("studio", authority=authority_pem(SITE))
    with pi.reporter() as reporter:
        for signer, address, is_heard in (
            (SITE, "127.0.0.1", True),
            (other, "127.0.0.1", False),
            (SITE, "127.0.0.2", False),
        ):
            with serving(issue(signer, ["central.local"], [address]), tmp_path) as board:
                pi.settle(replace(update, board=board.address))
                reporter.turn()
                assert bool(board.heard) == is_heard
    assert ["certificate" in line.lower() for line in pi.logged] == [False, True, True]
