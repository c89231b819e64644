from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from flasher.errors import FlasherError
from flasher.firmware.config_txt import BootFiles
from flasher.firmware.pc import is_for_pc
from flasher.rehearsal.pc import PcPlan, pc_argv, plan_pc

MakeFiles = Callable[..., BootFiles]
CODE = b"\xeb\x63" + bytes(510)
LOADER = "EFI/BOOT/BOOTX64.EFI"


def test_a_card_with_code_or_a_loader_for_uefi_is_for_pcs(make_files: MakeFiles) -> None:
    assert is_for_pc(CODE, make_files(None))
    assert is_for_pc(bytes(512), make_files(None, LOADER))


def test_a_card_with_a_config_txt_is_for_pis_whatever_else_is_on_it(make_files: MakeFiles) -> None:
    assert not is_for_pc(CODE, make_files("arm_64bit=1", LOADER))
    assert not is_for_pc(bytes(512), make_files(None))


def test_what_the_firmware_would_not_find_is_told_before_anything_is_started(
    make_files: MakeFiles,
) -> None:
    assert plan_pc(CODE, make_files(None), "bios").title == "PC with a BIOS"
    with pytest.raises(FlasherError, match="PC with UEFI could start") as caught:
        plan_pc(CODE, make_files(None), "uefi")
    assert caught.value.code == "boot-file-missing"


def test_the_card_is_the_only_drive_and_its_name_may_hold_a_comma() -> None:
    argv = pc_argv(PcPlan("bios", "PC"), Path("/cards/a,b.img"), Path("/c"))
    drives = [value for option, value in pairwise(argv) if option == "-drive"]
    assert drives == ["if=none,id=card,format=raw,file=/cards/a,,b.img"]
    assert "-bios" not in argv
