"""A server of a simulated rig: it can be killed, comes back, and is measured over all its lives."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(slots=True)
class Server:
    """The mirror, which can be killed and comes back; what it used is added up over its lives."""

    argv: list[str]
    log: Path
    child: subprocess.Popen[bytes] | None = None
    peak: int = 0
    cpu: float = 0
    _lived: float = 0

    def start(self) -> None:
        """Have it serve; back once it answers."""
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=log)
        assert self.child.stdout is not None
        assert self.child.stdout.readline(), self.log.read_text()

    def kill(self) -> None:
        """Without a word of warning."""
        self.look()
        if self.child:
            self.child.kill()
            self.child.communicate()
            self.child, self._lived = None, self.cpu

    def look(self) -> None:
        """Measure it."""
        if self.child is None:
            return
        process = psutil.Process(self.child.pid)
        with process.oneshot():
            times = process.cpu_times()
            self.cpu = self._lived + times.user + times.system
            self.peak = max(self.peak, process.memory_info().rss)


def file_server(folder: Path, port: int) -> list[str]:
    """What serves a folder's files on the loopback, and tells of each request in its log."""
    words = ["-u", "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    return [sys.executable, *words, "--directory", str(folder)]
