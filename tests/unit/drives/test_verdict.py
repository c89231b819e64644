"""Which drives may be written: of all kinds that are found in and around computers.

The kinds are those that rpi-imager's drive list and Etcher's drive constraints are tested with.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.drives.facts import DeviceFacts, is_drive, read_facts
from flasher.drives.linux import describe_drive
from flasher.drives.model import CARD_LIMIT, Drive, guard, may_start_by_itself, named
from flasher.drives.protect import Protection
from flasher.drives.verdict import SLOT_LIMIT, Verdict, judge
from flasher.errors import BadInput, ExitCode, Refused
from tests.unit.drives.conftest import FakeComputer

PCI = "pci0000:00/0000:00:14.0"
READER = f"{PCI}/usb1/1-2/1-2.3/1-2.3:1.0/host6/target6:0:0/6:0:0:1"
SLOT = "pci0000:00/0000:00:1c.0/0000:02:00.0/mmc_host/mmc0/mmc0:aaaa"
SATA = "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"
NVME = "pci0000:00/0000:00:1d.0/0000:03:00.0/nvme/nvme0"
CARD = 32 * 10**9
STICK = DeviceFacts("sda", "usb", CARD, serial="4C53", removable=True)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (STICK, Verdict()),
        (DeviceFacts("sda", "usb", CARD_LIMIT, removable=True), Verdict()),
        (DeviceFacts("mmcblk0", "mmc", CARD, medium="SD"), Verdict()),
        (DeviceFacts("mmcblk0", "mmc", SLOT_LIMIT, medium="SD"), Verdict()),
        (DeviceFacts("mmcblk0", "mmc", CARD, medium="SDcombo"), Verdict()),
        (DeviceFacts("loop0", "loop", 10**13), Verdict()),
    ],
    ids=["stick", "largest card", "slot", "largest in a slot", "combined card", "loop"],
)
def test_cards_and_sticks_may_be_written(facts: DeviceFacts, verdict: Verdict) -> None:
    assert judge(facts) == verdict


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (
            DeviceFacts("sda", "usb", CARD_LIMIT + 1, serial="S", removable=True),
            "it is larger than a node's card (260 GB)",
        ),
        (DeviceFacts("sda", "usb", CARD, serial="S"), "it is a USB disk, by its own word"),
        (
            DeviceFacts("mmcblk0", "mmc", SLOT_LIMIT + 1, serial="0x1", medium="SD"),
            "it is larger than a node's card (2199 GB)",
        ),
        (
            DeviceFacts("nvme1n1", "nvme", CARD, serial="S", pluggable=True),
            "it can be taken out, but is no card in a card reader (nvme)",
        ),
        (
            DeviceFacts("sdc", "ata", CARD, serial="S", removable=True),
            "it can be taken out, but is no card in a card reader (ata)",
        ),
    ],
    ids=["large", "USB disk", "large in a slot", "SD Express", "removable on SATA"],
)
def test_what_can_be_taken_out_but_is_no_plain_card_must_be_named_by_its_serial(
    facts: DeviceFacts, why: str
) -> None:
    assert judge(facts) == Verdict(caution=why)
    drive = Drive(Path("/dev/x"), facts.size, facts.kind, serial=facts.serial, caution=why)
    for serials in ((), ("other",), ("",)):
        with pytest.raises(BadInput, match="only when its serial is typed") as caught:
            guard(named(drive, serials))
        assert caught.value.code == "serial-needed"
    assert guard(named(drive, ("other", facts.serial))).obstacle is None


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (DeviceFacts("nvme0n1", "nvme", CARD, serial="S"), "NVMe disk"),
        (DeviceFacts("sda", "ata", CARD, serial="S"), "internal disk"),
        (DeviceFacts("vda", "other", CARD, serial="S"), "disk of this computer"),
        (DeviceFacts("mmcblk0", "mmc", CARD, serial="0x1", medium="MMC"), "eMMC"),
        (DeviceFacts("mmcblk0", "mmc", CARD, serial="0x1"), "eMMC"),
        (DeviceFacts("sda", "usb", 0, serial="S", removable=True), "there is no card in it"),
        (DeviceFacts("sda", "usb", CARD), "has no serial number to be named by"),
    ],
    ids=["NVMe", "SATA", "virtual", "eMMC", "unknown", "empty reader", "nameless disk"],
)
def test_what_is_built_in_is_never_written_mounted_or_not_named_or_not(
    facts: DeviceFacts, why: str
) -> None:
    refusal = judge(facts).refusal
    assert refusal
    assert why in refusal
    drive = Drive(Path("/dev/x"), facts.size, facts.kind, serial=facts.serial, refusal=refusal)
    with pytest.raises(Refused) as caught:
        guard(named(drive, (facts.serial,)))
    assert caught.value.exit_code == ExitCode.REFUSED


def test_a_system_in_use_is_named_before_all_else() -> None:
    disk = DeviceFacts("nvme0n1", "nvme", CARD, serial="S")
    assert judge(disk, "it holds / of this computer").refusal == "it holds / of this computer"
    assert judge(STICK, "it holds /home of this computer").refusal
    assert judge(STICK, None, "serial 4C53").refusal == "it is protected (serial 4C53)"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        *((name, True) for name in ("sda", "sdaa", "mmcblk0", "nvme0n1", "vda")),
        *((name, False) for name in ("sr0", "ram0", "zram0", "fd0", "dm-0", "md127", "nbd3")),
        *((name, False) for name in ("mmcblk0boot0", "mmcblk0boot1", "mmcblk0rpmb", "loop7")),
    ],
)
def test_what_nobody_holds_in_a_hand_is_not_listed(name: str, counts: bool) -> None:
    assert is_drive(name) is counts


def test_a_card_in_a_reader_on_usb_is_read_with_its_port_and_slot(computer: FakeComputer) -> None:
    texts = {"device__vendor": "SanDisk ", "device__model": "Cruzer Blade    "}
    folder = computer.device("sda", READER, removable="1", size="62521344", diskseq="9", **texts)
    (folder.parents[5] / "serial").write_text("4C530001\n")
    assert read_facts(folder, {}) == DeviceFacts(
        name="sda",
        kind="usb",
        size=32010928128,
        vendor="SanDisk",
        model="Cruzer Blade",
        serial="4C530001",
        removable=True,
        port="usb 1-2.3:lun1",
        identity="8:1#9",
    )
    known = {"ID_VENDOR": "Generic-", "ID_MODEL": "SD_MMC", "ID_SERIAL_SHORT": "2012"}
    facts = read_facts(folder, known)
    assert (facts.vendor, facts.model, facts.serial) == ("Generic-", "SD MMC", "2012")


def test_a_card_in_a_built_in_slot_is_known_by_its_own_numbers(computer: FakeComputer) -> None:
    cid = "035344534333324780a1b2c3d4014b00"
    texts = {"type": "SD", "name": "SC32G", "serial": "0xa1b2c3d4", "cid": cid}
    files = {f"device__{name}": text for name, text in texts.items()}
    facts = read_facts(computer.device("mmcblk0", SLOT, **files), {})
    assert (facts.kind, facts.medium, facts.model) == ("mmc", "SD", "SC32G")
    assert (facts.serial, facts.card_id, facts.port) == ("0xa1b2c3d4", cid, "mmc mmc0")
    assert judge(facts) == Verdict()


def test_disks_of_the_computer_are_told_from_those_plugged_in(computer: FakeComputer) -> None:
    built_in = read_facts(computer.device("nvme0n1", NVME, device__serial="S4"), {})
    assert (built_in.kind, built_in.serial, built_in.pluggable) == ("nvme", "S4", False)
    assert judge(built_in).refusal
    slot = computer.tables.sys / "devices/pci0000:00/0000:00:1d.0/0000:03:00.0"
    (slot / "removable").write_text("removable\n")
    express = read_facts(computer.folder("nvme0n1"), {})
    assert express.pluggable
    assert judge(express).caution
    sata = read_facts(computer.device("sdb", SATA), {})
    assert (sata.kind, sata.port) == ("ata", "pci 0000:00:17.0")
    usb_disk = read_facts(computer.device("sdc", READER), {})
    assert (usb_disk.kind, usb_disk.removable) == ("usb", False)


def test_characters_that_rearrange_a_screen_are_taken_out_of_names(computer: FakeComputer) -> None:
    texts = {"device__vendor": "Evil\u202egnp.exe", "device__model": "\u2066A\u200b\x1b[2JB\u2069"}
    folder = computer.device("sda", READER, **texts)
    facts = read_facts(folder, {"ID_SERIAL_SHORT": "12\u202e34"})
    assert (facts.vendor, facts.model, facts.serial) == ("Evilgnp.exe", "A[2JB", "1234")


def test_a_whole_drive_is_described_from_the_tree(computer: FakeComputer) -> None:
    computer.device("sda", READER, removable="1")
    computer.mount("sda", "/media/card")
    drive = describe_drive("sda", {}, (), tables=computer.tables)
    assert (drive.kind, drive.obstacle, drive.mounted) == ("usb", None, ("/media/card",))
    computer.mount("sda", "/home")
    drive = describe_drive("sda", {}, (), tables=computer.tables)
    assert drive.refusal == "it holds /home of this computer"
    by_port = (Protection(port="usb 1-2.3", what="left"),)
    drive = describe_drive("sda", {}, by_port, tables=computer.tables)
    assert drive.refusal == "it is protected (port usb 1-2.3)"


def blank(**changes: object) -> Drive:
    values: dict[str, object] = {"size": CARD, "kind": "usb", "removable": True, "blank": True}
    return Drive(Path("/dev/sda"), **(values | changes))  # type: ignore[arg-type]


def test_only_a_blank_card_in_a_reader_or_one_of_ours_starts_by_itself() -> None:
    assert may_start_by_itself(blank())
    assert may_start_by_itself(blank(kind="mmc", removable=False))
    assert may_start_by_itself(blank(kind="file"))
    assert may_start_by_itself(blank(blank=False), is_ours=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"blank": False},
        {"removable": False},
        {"size": CARD_LIMIT + 1},
        {"size": CARD_LIMIT + 1, "kind": "mmc"},
        {"size": 0},
        {"read_only": True},
        {"mounted": ("/media/card",)},
        {"refusal": "it is protected (serial 1)"},
        {"caution": "it is a USB disk, by its own word"},
        {"caution": "it is a USB disk, by its own word", "named": True},
        {"kind": "nvme"},
        {"kind": "ata"},
        {"kind": "loop"},
    ],
)
def test_nothing_else_starts_by_itself(changes: dict[str, object]) -> None:
    assert not may_start_by_itself(blank(**changes))
    if "blank" not in changes:
        assert not may_start_by_itself(blank(**changes), is_ours=True)
