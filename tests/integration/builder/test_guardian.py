"""A handler in this computer's own table, for files that nobody else has."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from builder.guardian import registered
from flasher.errors import EnvironmentLacks
from tests.integration.builder.ordinary_user import as_user

HOLDING = """
import sys, time
from builder.guardian import registered
with registered(sys.argv[1]) as name:
    print(name, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def name() -> str:
    return f"flasher-test-{secrets.token_hex(4)}"


def line(name: str) -> str:
    """Files that begin with the name are given to cat."""
    return f":{name}:M::{name}::/bin/cat:F"


def host_table() -> dict[str, str]:
    """All entries of the host's table, by name."""
    code = (
        "import pathlib\n"
        "for path in pathlib.Path('/proc/sys/fs/binfmt_misc').iterdir():\n"
        "    if path.name not in ('register', 'status'):\n"
        "        print(path.name, path.read_text().encode().hex())\n"
    )
    mount = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc"
    shell = f'{mount}; exec "$@"'
    argv = ["unshare", "--mount", "sh", "-ec", shell, "sh", sys.executable, "-c", code]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return dict(entry.split() for entry in told.splitlines())


def ours(name: str) -> list[str]:
    return sorted(entry for entry in host_table() if entry.startswith(name))


def gone_soon(name: str) -> bool:
    """Whether no entry of this name remains, within ten seconds."""
    deadline = time.monotonic() + 10
    while ours(name) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not ours(name)


@contextmanager
def holding(name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A build in a group of its own that holds a registration; with the name that it got."""
    argv = [sys.executable, "-c", HOLDING, line(name)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as build:
        assert build.stdout is not None
        try:
            yield build, build.stdout.readline().strip()
        finally:
            build.kill()


def test_a_handler_is_in_the_hosts_table_for_the_time_of_the_block_and_works(
    name: str, tmp_path: Path
):
    program = tmp_path / "program"
    program.write_text(f"{name} ran\n")
    program.chmod(0o755)
    with registered(line(name)) as entry:
        assert ours(name) == [entry]
        assert subprocess.run([program], capture_output=True, text=True).stdout == f"{name} ran\n"
    assert ours(name) == []


def test_an_entry_of_another_for_the_same_files_stays_as_it_is(name: str):
    with registered(line(name)) as foreign:
        text = host_table()[foreign]
        with registered(line(name)):
            assert host_table()[foreign] == text
        assert host_table()[foreign] == text


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("whole_group", [True, False])
def test_a_killed_build_leaves_no_handler(name: str, number: int, whole_group: bool):
    with holding(name) as (build, entry):
        assert ours(name) == [entry]
        (os.killpg if whole_group else os.kill)(build.pid, number)
        build.wait()
        assert gone_soon(name)


def test_a_killed_build_takes_no_handler_from_another(name: str):
    with registered(line(name)) as kept:
        with holding(name) as (build, entry):
            assert ours(name) == sorted((kept, entry))
            build.kill()
            build.wait()
        deadline = time.monotonic() + 10
        while len(ours(name)) > 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert ours(name) == [kept]


def test_a_refused_registration_says_why_and_leaves_no_process(name: str):
    with (
        pytest.raises(EnvironmentLacks, match="No such file"),
        registered(f":{name}:M::{name}::/nowhere/cat:F"),
    ):
        pytest.fail("it was registered")
    assert ours(name) == []


def test_an_ordinary_user_can_register_nothing(name: str, tmp_path: Path):
    command = as_user(tmp_path / "user", sys.executable, "-c", HOLDING, line(name))
    done = subprocess.run(command, capture_output=True, text=True)
    assert "No handler could be registered" in done.stderr
    assert ours(name) == []


def test_the_hosts_mounts_stay_as_they_are(name: str):
    before = Path("/proc/self/mounts").read_text()
    with registered(line(name)):
        assert Path("/proc/self/mounts").read_text() == before
