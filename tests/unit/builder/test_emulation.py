import os
from pathlib import Path
from shutil import which

import pytest

from builder.emulation import MACHINES, Emulator, find_emulator, kernel_version, registration
from flasher.errors import EnvironmentLacks

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
    assert find_emulator(architecture, handlers=tmp_path).native


def test_a_fixed_handler_of_the_host_is_seen(tmp_path):
    assert find_emulator(FOREIGN, handlers=host_table(tmp_path, "OCF")).served


@pytest.mark.parametrize(("flags", "state"), [("OC", "enabled"), ("OCF", "disabled")])
def test_a_handler_that_cannot_work_below_a_chroot_is_not_relied_on(flags, state, tmp_path):
    assert not find_emulator(FOREIGN, handlers=host_table(tmp_path, flags, state)).served


@pytest.mark.parametrize(("release", "private"), [("6.1.0-28-amd64", False), ("6.12.9", True)])
def test_tables_of_their_own_come_with_linux_6_7(release, private, tmp_path):
    found = find_emulator(FOREIGN, handlers=host_table(tmp_path, "OCF"), release=release)
    assert found.private == private


def test_a_computer_without_an_emulator_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentLacks, match="emulator is missing") as lacks:
        find_emulator(FOREIGN, handlers=tmp_path)
    assert "qemu-user-static" in lacks.value.hint


def test_an_emulator_that_needs_a_loader_does_not_count(tmp_path, monkeypatch):
    machine = MACHINES[FOREIGN]
    emulator = which(f"qemu-{machine.qemu}-static")
    for name in ("handlers", "bin"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    plain = tmp_path / "bin" / f"qemu-{machine.qemu}"
    plain.symlink_to("/bin/sh")
    with pytest.raises(EnvironmentLacks, match="emulator is missing"):
        find_emulator(FOREIGN, handlers=tmp_path / "handlers")
    plain.unlink()
    plain.symlink_to(emulator)
    assert find_emulator(FOREIGN, handlers=tmp_path / "handlers").program == plain


def test_a_registration_names_head_handler_and_flags():
    line = registration(MACHINES["arm64"], Path("/usr/bin/qemu-aarch64-static"), "OCF")
    name, kind, offset, magic, mask, emulator, flags = line[1:].split(":")
    assert (name, kind, offset) == ("flasher-aarch64", "M", "")
    assert len(magic) == len(mask) == 20 * len(r"\x00")
    assert (emulator, flags) == ("/usr/bin/qemu-aarch64-static", "OCF")


@pytest.mark.parametrize(
    ("release", "version"),
    [("6.12.9-amd64", (6, 12)), ("6.7", (6, 7)), ("5.10.0-28", (5, 10)), ("odd", (0, 0))],
)
def test_kernel_releases_are_read(release, version):
    assert kernel_version(release) == version


def test_a_64_bit_pc_runs_32_bit_programs_as_a_32_bit_one():
    found = [
        Emulator(MACHINES[name], None, native=True, private=True, served=False).narrow
        for name in ("amd64", "i386")
    ]
    assert found == [False, os.uname().machine == "x86_64"]
