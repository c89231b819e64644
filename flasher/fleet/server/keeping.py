"""What a server remembers over restarts, in ``fleet/SITE`` of the data folder.

``board.json`` is the board as it is shown, for other programs; ``heard.json`` the last word of
each card; ``sequences.json`` and ``turns.json`` keep what was said from being said again, and
leases from being given twice; ``plan.json`` keeps older plans from being followed again.
``server.json`` tells this person's other programs where it runs.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from flasher import paths
from flasher.errors import FlasherError
from flasher.files import write_atomic
from flasher.fleet.board.keeping import BOARD, folder_of, kept, restored
from flasher.fleet.board.model import Board
from flasher.fleet.server.desk import Desk
from flasher.fleet.server.turns import Turns, turns_from

HEARD, SEQUENCES, TURNS = "heard.json", "sequences.json", "turns.json"
PLAN = "plan.json"
RUNNING = "server.json"
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Running:
    """A server at work.

    Attributes:
        url: of the board, without a slash at the end.
        token: that lets people in.
        authority: certificate (PEM) of the site; empty without TLS.
        process: its number.
        began: when, in ticks since this computer did: another process may get the number later.
    """

    url: str
    token: str
    authority: str
    process: int
    began: int


def running(site: str) -> Running | None:
    """The server of a site that this person runs on this computer; None where none does."""
    with suppress(OSError, ValueError, TypeError):
        told = Running(**json.loads((folder_of(site) / RUNNING).read_bytes()))
        if told.began == began(told.process):
            return told
    return None


def began(process: int) -> int:
    """When a process began, see `Running`; 0 where there is none."""
    with suppress(OSError, ValueError):
        # Its name, in brackets, may hold anything; starttime is the 20th word behind it (proc(5)).
        about = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2]
        return int(about.split()[19])
    return 0


class Keeper:
    """Keeps a desk's memory.

    Args:
        folder: see `folder_of`; made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths.make_folder(folder)
        self._written: dict[str, bytes] = {}

    def board(self, fresh: Board) -> Board:
        """A fresh board with the last words of all cards."""
        return restored(fresh, self._read(HEARD))

    def sequences(self) -> dict[str, dict[str, int]]:
        """The highest numbers that were used."""
        try:
            return {
                str(kind): {str(card): int(number) for card, number in numbers.items()}
                for kind, numbers in json.loads(self._read(SEQUENCES) or b"{}").items()
            }
        except (ValueError, TypeError, AttributeError) as error:
            raise self._unreadable(
                SEQUENCES, error, "the next report of each node counts anew."
            ) from None

    def turns(self) -> Turns:
        """Where the rollout stood; as at its beginning where nobody knows."""
        return turns_from(self._read(TURNS))

    def plan_version(self) -> int:
        """The highest version of a plan that was followed; 0 before there was one."""
        try:
            return int(json.loads(self._read(PLAN) or b'{"version": 0}')["version"])
        except (ValueError, TypeError, KeyError) as error:
            raise self._unreadable(PLAN, error, "the plan that is there counts.") from None

    @property
    def how_to_forget_the_plan(self) -> str:
        """For a repository that was made anew, whose numbers begin anew."""
        path = self.folder / PLAN
        return f"If the repository was made anew, end the server, remove {path} and start it again."

    def memory(self, desk: Desk, plan_version: int) -> dict[str, bytes]:
        """What is to be written; versions as in `plan_version`."""
        return {
            PLAN: _json({"version": plan_version}),
            SEQUENCES: _json(desk.sequences),
            TURNS: _json(desk.turns.to_json()),
            HEARD: kept(desk.board),
            BOARD: _json(desk.board.to_json()),
        }

    def write(self, memory: dict[str, bytes]) -> None:
        """Write what has changed; each file whole, or not at all."""
        for name, raw in memory.items():
            if self._written.get(name) != raw:
                write_atomic(self.folder / name, raw, mode=_PRIVATE)
                paths.hand_over(self.folder / name)
                self._written[name] = raw

    def announce(self, told: Running) -> None:
        """Tell this person's other programs where the server is."""
        raw = _json(asdict(told))
        write_atomic(self.folder / RUNNING, raw, mode=_PRIVATE)
        paths.hand_over(self.folder / RUNNING)

    def withdraw(self) -> None:
        """The server ends."""
        (self.folder / RUNNING).unlink(missing_ok=True)

    def _unreadable(self, name: str, error: Exception, then: str) -> FlasherError:
        what = f"{self.folder / name} cannot be read: {error}."
        return FlasherError("state-unreadable", what, f"Remove it: {then}")

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return b""


def _json(content: object) -> bytes:
    return (json.dumps(content) + "\n").encode()
