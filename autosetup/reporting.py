"""The node's word to the board, again and again, for as long as it runs; and what it hears back.

Beside the agent, and never in its way: without a key, a network or a board nothing is said, and
nothing fails.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from autosetup import __version__, board, card_keys, light, update_state, vitals
from autosetup.answer import Answer, read_answer
from autosetup.boards import boards, keep_heard_by
from autosetup.counting import Sequence, begin
from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.journal import Journal
from autosetup.node_file import NODE, read_node
from autosetup.notify import notify
from autosetup.outlets import RUNNING, to_journal
from autosetup.payload import STATUS
from autosetup.places import state_folder
from autosetup.post import Post, Unanswered
from autosetup.report import Report, of_status, write_envelope
from autosetup.settings import Update
from autosetup.status import Status
from autosetup.stopping import Stopped, heed_stops
from autosetup.system import System
from autosetup.terminal import DONE

USUAL_SECONDS, BUSY_SECONDS = 10.0, 1.0
_AWAY_SECONDS = (10.0, 20.0, 30.0)
_NO_NETWORK_SECONDS = 2.0
# Nodes that were switched on together shall not speak together.
_SPREAD = 0.1
_OK = 200
_COUNTER = "reports"
# Strangers may call themselves boards, under another name each time.
_MOST_BOARDS = 32


@dataclass(frozen=True, slots=True)
class Told:
    """To whom a node reports, and as whom."""

    update: Update
    key: str


def run() -> int:
    """Report until told to stop; the light is as it was, then."""
    heed_stops()
    reporter = Reporter(System())
    try:
        with suppress(Stopped):
            time.sleep(random.uniform(0, BUSY_SECONDS))  # noqa: S311
            while True:
                with suppress(OSError):
                    notify("WATCHDOG=1")
                time.sleep(reporter.turn())
    finally:
        reporter.close()
    return DONE


class Reporter:
    """Says how the node is, whenever it is asked for its turn.

    Args:
        system: the node.
        log: takes a line when it finds the board, loses it, or is refused.
    """

    def __init__(self, system: System, log: Callable[[str], None] = to_journal) -> None:
        self._system, self._log = system, log
        self._folder = system.path(state_folder(system))
        self._sequence: Sequence | None = None
        self._told: tuple[object, Told | None] = (None, None)
        self._post: Post | None = None
        self._failures = 0
        self._said: dict[str, str] = {}
        self._point_until: float | None = None

    def turn(self) -> float:
        """Report once, if there is anybody to report to; gives the seconds until the next turn."""
        status = self._status()
        self._stop_pointing(status)
        told = self._whom(status) if status and status.card_id and status.node else None
        if status is None or told is None:
            return self._rested(USUAL_SECONDS)
        report = self._report(replace(status, addresses=board.addresses()))
        answer = self._tell(told, report)
        if answer is None and not report.addresses:
            return _NO_NETWORK_SECONDS
        if answer is None:
            self._failures += 1
            return self._rested(_AWAY_SECONDS[min(self._failures, len(_AWAY_SECONDS)) - 1])
        self._failures = 0
        self._heed(answer)
        usual = BUSY_SECONDS if _is_busy(report) else USUAL_SECONDS
        return self._rested(min(usual, answer.again_seconds or usual))

    def close(self) -> None:
        """Hang up, and give the light back."""
        self._hang_up()
        if self._point_until is not None:
            self._point_until = 0
            self._stop_pointing(self._status())

    def _report(self, status: Status) -> Report:
        if self._sequence is None:
            self._sequence = begin(self._folder, _COUNTER)
        measured = vitals.look(self._system)
        updating = update_state.told(self._system)
        return replace(
            of_status(status, self._sequence.next()),
            agent_version=__version__,
            serial=board.serial(),
            model=board.model(),
            uptime_seconds=measured.uptime_seconds,
            time_ms=time.time_ns() // 1_000_000,
            temperature_c=measured.temperature_c,
            card_wear_percent=measured.card_wear_percent,
            free_bytes=measured.free_bytes,
            update=updating.words[:100] if updating else "",
        )

    def _tell(self, told: Told, report: Report) -> Answer | None:
        """Send it to the board that took the last one, or to the first that takes it."""
        try:
            envelope = write_envelope(report, told.key)
        except (ImportError, ValueError) as error:
            self._say(f"This node cannot sign its reports: {error}.")
            return None
        if self._post and (answer := self._send(self._post, envelope)):
            return answer
        self._hang_up()
        for address in boards(self._system, told.update):
            post = Post(address, told.update.authority)
            if answer := self._send(post, envelope):
                self._post = post
                keep_heard_by(self._system, address)
                # What the others say the next time is news.
                self._said = {address: self._said.get(address, "")}
                apart = answer.apart(time.time())
                self._say(f"The board at {address} hears this node.{apart}", address)
                return answer
            post.close()
        keep_heard_by(self._system, "")
        return None

    def _send(self, post: Post, envelope: bytes) -> Answer | None:
        try:
            status, raw = post.send("reports", envelope)
            if status == _OK:
                return read_answer(raw)
            why = f"The board at {post.address} refuses this node's reports ({status})."
        except Unanswered as error:
            why = f"The board does not answer: {error}."
        self._say(why, post.address)
        return None

    def _heed(self, answer: Answer) -> None:
        if answer.blink_seconds:
            if self._point_until is None:
                with suppress(AgentError, OSError):
                    light.point(self._system)
            self._point_until = time.monotonic() + answer.blink_seconds

    def _stop_pointing(self, status: Status | None) -> None:
        if self._point_until is not None and time.monotonic() >= self._point_until:
            self._point_until = None
            with suppress(AgentError, OSError):
                light.show(self._system, status or Status("waiting"), is_new=False)

    def _status(self) -> Status | None:
        with suppress(OSError, Faulty):
            if raw := self._system.read(f"{RUNNING}/{STATUS}"):
                return Status.from_json(raw)
        return None

    def _whom(self, status: Status) -> Told | None:
        """Read anew when the payload, or the key, is another one."""
        card_id, node = status.card_id or "", self._node_file(status.generation or 0)
        mark = (card_id, *map(_mark, (node, card_keys.path_of(self._folder, card_id))))
        if mark != self._told[0]:
            private = card_keys.load(self._folder, card_id).report_key
            self._told = (mark, _read_told(node, private))
            self._hang_up()
        return self._told[1]

    def _node_file(self, generation: int) -> Path:
        return Journal(self._folder).payload_folder(generation) / NODE

    def _rested(self, seconds: float) -> float:
        """A pause that is never quite the same for two nodes, and no longer than the light's."""
        pause = seconds * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311
        if self._point_until is None:
            return pause
        return min(pause, max(0.0, self._point_until - time.monotonic()))

    def _hang_up(self) -> None:
        if self._post:
            self._post.close()
        self._post = None

    def _say(self, line: str, board: str = "") -> None:
        """Log what is new of a board, or of this node itself: several fill no journal by turns."""
        if line == self._said.pop(board, ""):
            self._said[board] = line
            return
        if len(self._said) >= _MOST_BOARDS:
            self._said.pop(next(iter(self._said)))
        self._said[board] = line
        self._log(line)


def _is_busy(report: Report) -> bool:
    working = report.update.partition(" ")[0].rstrip(":") in ("fetching", "applying")
    return working or report.state in ("checking", "applying")


def _read_told(node: Path, private: str) -> Told | None:
    with suppress(OSError, Faulty):
        settings, _ = read_node(node.read_bytes(), {})
        if settings and settings.update.site and private:
            return Told(settings.update, private)
    return None


def _mark(path: Path) -> tuple[int, int] | None:
    """What changes when a file is replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
