import os
from pathlib import Path

import pytest

from builder.emulation import MACHINES, find_handler, kernel_version, registration

FOREIGN = next(name for name in MACHINES if os.uname().machine not in MACHINES[name].names)
NATIVE = [name for name in MACHINES if os.uname().machine in MACHINES[name].names]


def host_table(folder: Path, flags: str, state: str = "enabled") -> Path:
    magic = MACHINES[FOREIGN].magic.hex()
    (folder / "register").touch()
    (folder / "status").write_text("enabled\n")
    (folder / "qemu").write_text(
        f"{state}\ninterpreter /usr/bin/qemu\nflags: {flags}\noffset 0\nmagic {magic}\n"
    )
    return folder


@pytest.mark.parametrize("architecture", NATIVE)
def test_native_programs_need_no_handler(architecture, tmp_path):
    assert find_handler(architecture, handlers=tmp_path) == ""


def test_a_fixed_handler_of_the_host_is_used(tmp_path):
    assert find_handler(FOREIGN, handlers=host_table(tmp_path, "OCF")) == ""


@pytest.mark.parametrize(("flags", "state"), [("OC", "enabled"), ("OCF", "disabled")])
def test_a_handler_that_cannot_work_below_a_chroot_is_not_relied_on(
    flags, state, tmp_path, monkeypatch
):
    emulator = tmp_path / f"qemu-{MACHINES[FOREIGN].qemu}-static"
    emulator.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    table = tmp_path / "table"
    table.mkdir()
    line = find_handler(FOREIGN, handlers=host_table(table, flags, state))
    assert line == registration(MACHINES[FOREIGN], str(emulator))


def test_a_registration_fixes_the_binary_and_keeps_credentials():
    line = registration(MACHINES["arm64"], "/usr/bin/qemu-aarch64-static")
    name, kind, offset, magic, mask, emulator, flags = line[1:].split(":")
    assert (name, kind, offset) == ("qemu-aarch64", "M", "")
    assert len(magic) == len(mask) == 20 * len(r"\x00")
    assert (emulator, flags) == ("/usr/bin/qemu-aarch64-static", "OCF")


def test_the_kernels_limit_of_a_registration_is_kept():
    assert all(
        len(registration(m, "/usr/bin/qemu-aarch64-static")) < 255 for m in MACHINES.values()
    )


@pytest.mark.parametrize(
    ("release", "version"),
    [("6.12.9-amd64", (6, 12)), ("6.7", (6, 7)), ("5.10.0-28", (5, 10)), ("odd", (0, 0))],
)
def test_kernel_releases_are_read(release, version):
    assert kernel_version(release) == version
