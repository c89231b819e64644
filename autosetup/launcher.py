"""What `/usr/bin/autosetup` starts: the image's own agent, or the one that an update has brought.

This is always the image's own code, whatever agent comes. It asks one thing of the agents: a run
that has come to its end, and has said how the node is, makes the file that ``AUTOSETUP_PROOF``
names. A run without that proof (it raises, it hangs, it ends at once) is the agent's last one:
the good one before it takes over, in the same run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from autosetup import __version__
from autosetup.agents import MOST_TRIES, PROOF_NAME, Agents, agents_of, order_of
from autosetup.system import System

PROOF = Path("/run/autosetup/agent-proven")
# On trial: from the last word of the run, as `status.json` there changes with each step.
SILENT_SECONDS = 300.0
_SAID = Path("/run/autosetup/status.json")
_POLL_SECONDS = 0.2
# Wrong usage; and killed, as by the kernel for want of memory: on trial that counts as a start.
_NOT_ITS_OWN_DOING = (2, -signal.SIGKILL)
START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from autosetup.__main__ import main; sys.exit(main())"
)


class _Ended(NamedTuple):
    """A run of an agent: its exit status, and what there is against it; empty for nothing."""

    status: int
    complaint: str = ""


def main() -> int:
    """Start an agent with our arguments; gives its exit code."""
    is_run = sys.argv[1:2] == ["run"] and os.geteuid() == 0
    agents = agents_of(System())
    try:
        while version := _newer(agents):
            if not is_run:
                return _become(agents.place(version))
            ended = _watched(agents, version)
            if not ended.complaint:
                return _as_it_ended(ended.status)
            sys.stderr.write(f"The agent {version} is given up: {ended.complaint}\n")
            agents.give_up(version, ended.complaint)
    except OSError as error:
        sys.stderr.write(f"The image's own agent starts, for the others cannot: {error}\n")
    from autosetup.__main__ import main as own

    return own()


def _as_it_ended(status: int) -> int:
    """The exit code; where a signal ended the agent, one ends us, so that systemd sees it."""
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


def _newer(agents: Agents) -> str | None:
    """The version to start; None where the image's own is as new, as after an upgrade of it."""
    version, own = agents.current(), order_of(__version__)
    return version if version and own and (order_of(version) or ()) > own else None


def _become(place: Path) -> int:
    """Be the agent in that folder; where it does not load, the image's own."""
    ours = {name: module for name, module in sys.modules.items() if _is_agent(name)}
    for name in ours:
        del sys.modules[name]
    sys.path.insert(0, str(place))
    try:
        from autosetup.__main__ import main as chosen
    except Exception:  # whatever it is, people get an answer
        sys.path.remove(str(place))
        for name in [*filter(_is_agent, sys.modules)]:
            del sys.modules[name]
        sys.modules.update(ours)
        from autosetup.__main__ import main as chosen
    return chosen()


def _is_agent(module: str) -> bool:
    return module.partition(".")[0] == "autosetup"


def _watched(agents: Agents, version: str) -> _Ended:
    """Run it as a program of its own, and see whether it proves itself."""
    tries = agents.begin_try() if agents.is_on_trial(version) else 0
    if tries > MOST_TRIES:
        return _Ended(1, f"It was cut short {MOST_TRIES} times.")
    PROOF.unlink(missing_ok=True)
    argv = [sys.executable, "-I", "-c", START, str(agents.place(version)), *sys.argv[1:]]
    with _Forwarding(argv) as child:
        is_silent = bool(tries) and not _proven(child.running)
        if is_silent:
            child.running.kill()
        if PROOF.exists() and tries:
            agents.prove(version)
        status = child.running.wait()
    if child.told_to_stop and tries and not PROOF.exists():
        agents.forgive(tries)
    if is_silent and not PROOF.exists():
        return _Ended(status, f"It said nothing for {SILENT_SECONDS:.0f} seconds.")
    if PROOF.exists() or child.told_to_stop or status in _NOT_ITS_OWN_DOING:
        return _Ended(status)
    return _Ended(status, f"It ended ({status}) without a word on the node.")


def _proven(running: subprocess.Popen[bytes]) -> bool:
    """Wait for the proof, or the end; whether one of them came while it still gave words."""
    last, heard = time.monotonic(), _mark()
    while running.poll() is None and not PROOF.exists():
        time.sleep(_POLL_SECONDS)
        if (mark := _mark()) != heard:
            last, heard = time.monotonic(), mark
        if time.monotonic() - last > SILENT_SECONDS:
            return False
    return True


def _mark() -> tuple[int, int]:
    """What differs with each word of an agent."""
    with suppress(OSError):
        found = _SAID.stat()
        return found.st_ino, found.st_mtime_ns
    return 0, 0


class _Forwarding:
    """A child that gets the signals which are meant for it."""

    def __init__(self, argv: list[str]) -> None:
        self.told_to_stop = False
        self.running = subprocess.Popen(argv, env={**os.environ, PROOF_NAME: str(PROOF)})
        self._before = {n: signal.signal(n, self._pass_on) for n in (signal.SIGTERM, signal.SIGINT)}

    def __enter__(self) -> _Forwarding:
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self.told_to_stop = True
        with suppress(ProcessLookupError):
            self.running.send_signal(number)
