from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from flasher.firmware.boards import PI_2B, PI_3B
from flasher.rehearsal.machine import PATIENCE, MachineFiles, card_size, machine_argv

FILES = MachineFiles(
    card=Path("/cards/a.img"),
    kernel=Path("/k"),
    device_tree=Path("/d"),
    console=Path("/c"),
    initramfs=Path("/i"),
)


def test_the_card_command_line_and_files_reach_the_machine_as_they_are() -> None:
    argv = machine_argv(PI_3B, FILES, "console=ttyS1 root=LABEL=rootfs,x")
    pairs = dict(pairwise(argv))
    assert pairs["-M"] == "raspi3b"
    assert (pairs["-kernel"], pairs["-initrd"], pairs["-dtb"]) == ("/k", "/i", "/d")
    assert pairs["-append"] == f"console=ttyS1 root=LABEL=rootfs,x {PATIENCE}"
    assert pairs["-drive"] == "if=sd,format=raw,file=/cards/a.img"


def test_a_32_bit_card_gets_a_pi_2() -> None:
    assert dict(pairwise(machine_argv(PI_2B, FILES, "")))["-M"] == "raspi2b"


def test_a_card_without_initramfs_starts_without_one() -> None:
    assert "-initrd" not in machine_argv(PI_3B, replace(FILES, initramfs=None), "")


def test_a_pi_without_network_has_no_adapter() -> None:
    assert "-netdev" in machine_argv(PI_3B, FILES, "")
    assert not {"-netdev", "-device"} & {*machine_argv(PI_3B, FILES, "", network=False)}


def test_a_comma_in_a_name_is_no_end_of_an_option() -> None:
    argv = machine_argv(PI_3B, replace(FILES, card=Path("/cards/a,readonly=on.img")), "")
    assert "if=sd,format=raw,file=/cards/a,,readonly=on.img" in argv


@pytest.mark.parametrize(
    ("size", "grown"), [(1 << 30, 1 << 30), ((1 << 30) + 512, 1 << 31), (1468006400, 1 << 31)]
)
def test_a_card_grows_to_the_next_power_of_two(size: int, grown: int) -> None:
    assert card_size(size) == grown
