import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from builder.emulation import MACHINES, find_emulator, registration
from builder.sandbox import Mount, Plan, overlay, run_inside
from flasher.errors import EnvironmentLacks
from flasher.events import CancelFlag
from flasher.process import ProgramFailed

ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

KILLED = """
import sys
from builder.sandbox import Mount, Plan, run_inside
program = ("sh", "-c", "echo up >&2; mount >&2; exec sleep 600")
env = {{"PATH": "/usr/bin:/bin", "SANDBOX_TEST": {target!r}}}
plan = Plan(program, env, (Mount("tmpfs", {target!r}),))
run_inside(plan, on_line=lambda line: print(line, flush=True))
"""


def plan(*argv: str, mounts: tuple[Mount, ...] = (), **more: str) -> Plan:
    return Plan(argv, ENV, mounts, **more)


def host_mounts() -> str:
    return Path("/proc/self/mounts").read_text()


def processes_marked(marker: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (entry / "environ").read_text(errors="replace"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_program_runs_as_process_of_its_own_and_its_status_comes_back():
    with pytest.raises(ProgramFailed) as failed:
        run_inside(plan("sh", "-c", "echo said >&2; exit 7"))
    assert failed.value.finished.status == 7
    assert failed.value.finished.errors == "said"


def test_the_name_of_this_computer_is_not_seen():
    before = os.uname().nodename
    assert run_inside(plan("uname", "-n")).text == "localhost\n"
    assert os.uname().nodename == before


def test_only_the_programs_of_the_sandbox_are_seen_in_it():
    seen = run_inside(plan("ls", "/proc")).text.split()
    assert sum(name.isdigit() for name in seen) == 2


def test_a_build_has_no_network():
    devices = run_inside(plan("cat", "/proc/net/dev")).text.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]


def test_mounts_are_seen_inside_and_never_outside(tmp_path):
    before = host_mounts()
    inside = run_inside(plan("cat", "/proc/mounts", mounts=(Mount("tmpfs", str(tmp_path)),)))
    assert str(tmp_path) in inside.text
    assert host_mounts() == before


def test_owners_on_disk_are_the_ones_given_inside(tmp_path):
    (tmp_path / "f").touch()
    run_inside(plan("chown", "123:45678", str(tmp_path / "f")))
    status = (tmp_path / "f").stat()
    assert (status.st_uid, status.st_gid) == (123, 45678)


def test_an_overlay_keeps_changes_in_its_upper_tree(tmp_path):
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    (tmp_path / "lower/old").write_text("old")
    (tmp_path / "lower/gone").write_text("gone")
    merged = overlay("merged", ("lower",), upper="upper", work="work")
    script = "rm merged/gone; echo new > merged/old"
    run_inside(plan("sh", "-c", script, mounts=(merged,), folder=str(tmp_path)))
    assert (tmp_path / "lower/old").read_text() == "old"
    assert (tmp_path / "upper/old").read_text() == "new\n"
    assert (tmp_path / "upper/gone").is_char_device()


def test_the_tree_gets_harmless_devices_only(tmp_path):
    listed = run_inside(plan("ls", str(tmp_path), mounts=(Mount("dev", str(tmp_path)),)))
    nodes = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm"}
    assert set(listed.text.split()) == nodes | {"fd", "stdin", "stdout", "stderr"}


def test_what_is_bound_read_only_cannot_be_written(tmp_path):
    (tmp_path / "given").write_text("given")
    (tmp_path / "place").touch()
    bound = Mount("bind-read-only", str(tmp_path / "place"), str(tmp_path / "given"))
    with pytest.raises(ProgramFailed):
        run_inside(plan("sh", "-c", f"echo no > {tmp_path}/place", mounts=(bound,)))
    assert (tmp_path / "given").read_text() == "given"


def test_a_mount_that_cannot_be_made_is_named(tmp_path):
    with pytest.raises(EnvironmentLacks) as lacking:
        run_inside(plan("true", mounts=(Mount("tmpfs", str(tmp_path / "missing")),)))
    assert lacking.value.code == "sandbox-refused"
    assert "missing" in lacking.value.message


def test_a_cancelled_sandbox_ends_at_once(tmp_path):
    flag = CancelFlag()
    marker = f"MARK={tmp_path}"
    waiting = Plan(("sh", "-c", "echo up >&2; sleep 600"), {**ENV, "MARK": str(tmp_path)})
    with pytest.raises(Exception, match="cancelled"):
        run_inside(waiting, cancel=flag, on_line=lambda _line: flag.set())
    assert gone_soon(marker)


@contextmanager
def killing(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """However the block ends, the process ends too."""
    try:
        yield
    finally:
        process.kill()


def so_soon(condition: Callable[[], bool]) -> bool:
    """Whether something is so within five seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def gone_soon(marker: str) -> bool:
    """Whether no process with this in its environment remains, within five seconds."""
    return so_soon(lambda: not processes_marked(marker))


@pytest.mark.parametrize("victim", ["builder", "keeper"])
def test_kill_minus_9_leaves_no_process_and_no_mount(tmp_path, victim):
    before = host_mounts()
    code = KILLED.format(target=str(tmp_path))
    marker = f"SANDBOX_TEST={tmp_path}"
    environment = {**os.environ, "SANDBOX_TEST": str(tmp_path)}
    argv = [sys.executable, "-c", code]
    with (
        subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment) as builder,
        killing(builder),
    ):
        assert builder.stdout is not None
        assert builder.stdout.readline() == b"up\n"
        # One that was just started shows its environment a moment later.
        assert so_soon(lambda: len(processes_marked(marker)) >= 5)
        # By descent: numbers of processes start again at the lowest free one.
        keeper = int(Path(f"/proc/{builder.pid}/task/{builder.pid}/children").read_text())
        os.kill(builder.pid if victim == "builder" else keeper, signal.SIGKILL)
        builder.stdout.read()
    assert gone_soon(marker)
    assert host_mounts() == before


def test_a_foreign_program_runs_by_a_handler_that_the_host_never_sees(tmp_path):
    foreign = next(
        name for name in ("arm64", "armhf") if os.uname().machine not in MACHINES[name].names
    )
    if foreign == "armhf":
        program = _ELF32_ARM
    else:
        program = _elf64(183, struct.pack("<3I", 0xD2800540, 0xD2800BA8, 0xD4000001))
    (tmp_path / "answer").write_bytes(program)
    (tmp_path / "answer").chmod(0o755)
    table = Path("/proc/sys/fs/binfmt_misc")
    before = sorted(path.name for path in table.iterdir())
    emulator = find_emulator(foreign)
    assert emulator.program is not None
    handler = registration(emulator.machine, emulator.program, "OCF")
    with pytest.raises(ProgramFailed) as failed:
        run_inside(plan(str(tmp_path / "answer"), handler=handler))
    assert failed.value.finished.status == 42
    assert sorted(path.name for path in table.iterdir()) == before


def _elf64(machine: int, code: bytes) -> bytes:
    """A static program of a few instructions: ELF specification 1.2, 64-bit form."""
    base, entry = 0x400000, 0x400000 + 64 + 56
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, entry, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    size = 64 + 56 + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x10000)
    return head + segment + code


# mov r0, #42; mov r7, #1; svc 0, on an arm64 computer that runs the test
_ELF32_ARM = (
    b"\x7fELF\x01\x01\x01"
    + bytes(9)
    + struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 0x10054, 52, 0, 0x5000000, 52, 32, 1, 40, 0, 0)
    + struct.pack("<8I", 1, 0, 0x10000, 0x10000, 96, 96, 5, 0x10000)
    + struct.pack("<3I", 0xE3A0002A, 0xE3A07001, 0xEF000000)
)
