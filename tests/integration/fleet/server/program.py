"""`flasher serve` as a program of its own, on any port of this computer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Told:
    """What a server said when it was ready."""

    process: subprocess.Popen[str]
    url: str
    repository: str
    entrance: str

    @property
    def token(self) -> str:
        return self.entrance.partition("token=")[2]


@contextmanager
def serving(*arguments: str | Path) -> Iterator[Told]:
    """The program itself; ended when the block does."""
    argv = [sys.executable, "-m", "flasher", "serve", "--port", "0", *arguments, "--json"]
    with subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            told = json.loads(process.stdout.readline())
            assert told["kind"] == "serving", told
            yield Told(process, told["url"], told["repository"], told["entrance"])
        finally:
            process.kill()
