"""The one door to other programs: argument lists, no shell, no orphans."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from flasher.errors import EnvironmentLacks, FlasherError
from flasher.events import CancelFlag, check_cancelled

# Tools write for people in the host's language; we read them in the tools' own.
_LOCALE = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}
_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
_TAIL_LINES = 20
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ran to its end; `output` is its standard output, undecoded."""

    argv: tuple[str, ...]
    status: int
    output: bytes
    errors: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.output.decode(errors="replace")


class ProgramFailed(FlasherError):
    """A program said no; the message ends with the last lines it printed."""

    def __init__(self, finished: Finished, hint: str) -> None:
        name = Path(finished.argv[0]).name
        tail = "\n".join((finished.errors or finished.text).strip().splitlines()[-_TAIL_LINES:])
        super().__init__("program-failed", f"{name} failed ({finished.status}): {tail}", hint)
        self.finished = finished


def find_program(name: str) -> str:
    """Path of a program, looked for in the system folders too.

    Raises:
        EnvironmentLacks: it is not installed.
    """
    path = which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_FOLDERS}")
    if path is None:
        raise EnvironmentLacks(
            "program-missing",
            f"The program {name} is not installed.",
            "Run `flasher doctor`: it names the package to install.",
        )
    return path


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment children get: ours, in the C locale, with the system folders on the path."""
    path = f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_FOLDERS}"
    return {**os.environ, **_LOCALE, "PATH": path, **(extra or {})}


def leashed(argv: Sequence[str]) -> list[str]:
    """The command line that makes the kernel kill the child when we die, however we die."""
    return [find_program("setpriv"), "--pdeathsig", "KILL", find_program(argv[0]), *argv[1:]]


def outliving(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, to clean up after us; all its streams are pipes."""
    return subprocess.Popen(
        [find_program(argv[0]), *argv[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
    )


def hand_over(argv: Sequence[str]) -> int:
    """Run a program that has our own terminal meanwhile; return its exit status."""
    return subprocess.run(leashed(argv), env=environment(), check=False).returncode


@contextmanager
def alongside(argv: Sequence[str], *, keep: Sequence[int] = ()) -> Iterator[None]:
    """A program that shares our terminal while a block runs, and is ended with it.

    Args:
        argv: program and arguments.
        keep: descriptors of ours that it has too.

    Raises:
        EnvironmentLacks: it is not installed.
    """
    with subprocess.Popen(leashed(argv), env=environment(), pass_fds=keep) as child:
        try:
            yield
        finally:
            child.terminate()


def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    ok: Sequence[int] = (0,),
    hint: str = "The lines above are the program's own words.",
    cancel: CancelFlag | None = None,
    on_line: Callable[[str], None] | None = None,
    keep: Sequence[int] = (),
) -> Finished:
    """Run a program to its end.

    Args:
        argv: program and arguments.
        stdin: what it reads; nothing by default, so it can never wait for a person.
        env: additions to `environment()`.
        ok: exit statuses that count as success.
        hint: what a person should do if it fails.
        cancel: polled while it runs; when set, the child is killed and `Cancelled` raised.
        on_line: called with each line of standard error as it comes.
        keep: descriptors of ours that the child has too.

    Raises:
        EnvironmentLacks: the program is not installed.
        ProgramFailed: its status is not in `ok`.
        Cancelled: the flag was set.
    """
    child = subprocess.Popen(
        leashed(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(env),
        cwd=cwd,
        pass_fds=keep,
    )
    output, errors = _talk(child, stdin, on_line, cancel or CancelFlag(), argv[0])
    finished = Finished(tuple(argv), child.returncode, output, "\n".join(errors))
    if child.returncode not in ok:
        raise ProgramFailed(finished, hint)
    return finished


def _talk(
    child: subprocess.Popen[bytes],
    stdin: bytes,
    on_line: Callable[[str], None] | None,
    cancel: CancelFlag,
    name: str,
) -> tuple[bytes, list[str]]:
    """Give a child what it reads, and hear it to its end: its output, and its lines of errors."""
    with child, ThreadPoolExecutor(3) as pool:
        errors = pool.submit(_read_lines, child, on_line)
        output = pool.submit(_read_output, child)
        pool.submit(_feed, child, stdin)
        try:
            _wait(child, cancel, name)
        except BaseException:
            child.kill()
            raise
    return output.result(), errors.result()


def _read_lines(child: subprocess.Popen[bytes], on_line: Callable[[str], None] | None) -> list[str]:
    assert child.stderr is not None
    lines: list[str] = []
    for raw in child.stderr:
        lines.append(raw.decode(errors="replace").rstrip("\n"))
        if on_line:
            on_line(lines[-1])
    return lines


def _read_output(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None
    return child.stdout.read()


def _feed(child: subprocess.Popen[bytes], stdin: bytes) -> None:
    assert child.stdin is not None
    # A child that ends without reading is no fault: its status tells.
    with suppress(BrokenPipeError):
        child.stdin.write(stdin)
        child.stdin.close()


def _wait(child: subprocess.Popen[bytes], cancel: CancelFlag, name: str) -> None:
    """Wait for the end of a child, looking at the cancel flag all the while."""
    while True:
        try:
            child.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            check_cancelled(cancel, name)
        else:
            return
