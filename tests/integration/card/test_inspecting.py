"""The autopsy: what is said of cards of all kinds, whole and damaged."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from autosetup.manifest import SIGNATURE
from autosetup.payload import NO_AGENT
from autosetup.status import Status
from flasher.card.inspect import describe, inspect_card
from flasher.card.plan import CardPlan, boot_partition, plan_card
from flasher.errors import BadInput
from flasher.image.blocks import FileBlocks, Overlay
from flasher.image.fat import FatVolume
from flasher.image.fat_edit import WritableFatVolume
from flasher.image.mbr import LINUX, Mbr, Partition
from flasher.image.source import open_image
from flasher.process import run
from tests.memory_blocks import MemoryBlocks
from tests.unit.autosetup.sample_payloads import SITE_SIGNER, sealed, site_key

MOMENT = datetime(2026, 7, 8, 9, 10, 12, tzinfo=UTC)
MIB = 1 << 20


@pytest.fixture
def planned(base_image: Path, payload: dict[str, bytes]) -> CardPlan:
    return plan_card(open_image(base_image), payload, modified=MOMENT)


def put(card: Overlay, path: str, data: bytes) -> None:
    boot = boot_partition(card)
    assert boot is not None
    WritableFatVolume(card, boot.offset).write(path, data, modified=MOMENT)


def test_a_prepared_card_tells_its_node_and_that_it_never_booted(planned: CardPlan) -> None:
    report = inspect_card(planned)
    assert (report.summary, report.node, report.is_ours) == (
        "cam-0101, not booted yet",
        "cam-0101",
        True,
    )
    assert (report.status, report.problems) == (None, ())
    assert [found.type_name for found in report.partitions] == ["FAT32", "Linux"]


def test_a_card_that_booted_tells_what_its_node_said(planned: CardPlan) -> None:
    card = Overlay(planned)
    status = Status(state="failed", node="cam-0101", code="x", reason="No wifi.", hint="Move it.")
    put(card, "autosetup/status.json", status.to_json())
    put(card, "autosetup/log.txt", b"a log is no part of the payload\n")
    report = inspect_card(card)
    assert (report.summary, report.status, report.problems) == ("cam-0101, failed", status, ())


def test_a_payload_edited_by_hand_is_still_named_and_its_faults_told(planned: CardPlan) -> None:
    card = Overlay(planned)
    put(card, "autosetup/node.toml", b"name = cam-0101\n")
    put(card, "autosetup/status.json", b"{")
    report = inspect_card(card)
    assert report.node == "cam-0101"
    assert any("node.toml" in problem for problem in report.problems)
    assert any("The node writes it anew" in problem for problem in report.problems)


def test_who_signed_a_payload_is_told(base_image: Path, payload: dict[str, bytes]) -> None:
    image = open_image(base_image)
    told = {}
    for kind, raw in (
        ("unsigned", payload),
        ("good", sealed(payload)),
        ("wrong", {**sealed(payload), SIGNATURE: bytes(64)}),
    ):
        report = inspect_card(plan_card(image, raw, modified=MOMENT))
        assert report.signature
        assert (report.signature.kind, bool(report.problems)) == (kind, kind == "wrong")
        told[kind] = str(report.signature)
    assert told["good"] == f"signed by {site_key(SITE_SIGNER, 'studio')}"


def test_a_foreign_system_is_described_by_its_labels(base_image: Path) -> None:
    with FileBlocks(base_image) as blocks:
        card = Overlay(blocks)
        WritableFatVolume(card, MIB).remove("autosetup")
        assert describe(card) == "2 partitions: bootfs, rootfs"
        card.write(MIB, bytes(512))
        report = inspect_card(card)
    assert report.summary == "2 partitions: FAT32, rootfs"
    assert any("not FAT16 or FAT32" in problem for problem in report.problems)


@pytest.mark.parametrize(
    ("data", "summary"),
    [
        (bytes(4 * MIB), "empty"),
        (b"\xff" * 4 * MIB, "empty"),
        (bytes(4 * MIB - 1) + b"x", "no partition table"),
        (bytes(4096) + b"x" + bytes(4 * MIB), "no partition table"),
        (bytes(100), "unreadable"),
        (b"", "empty"),
        (bytes(Mbr(1, ())) + bytes(512), "an empty partition table"),
        (bytes(Mbr(1, (Partition(1, LINUX, 99, 9),))), "1 partition: Linux"),
        (bytes(Mbr(1, (Partition(1, 0x0C, 99, 9),))), "1 partition: FAT32"),
    ],
)
def test_other_cards_are_described_without_an_error(data: bytes, summary: str) -> None:
    assert describe(MemoryBlocks(data)) == summary


def test_planning_replaces_a_payload_that_the_image_has_and_nothing_else(
    planned: CardPlan, payload: dict[str, bytes], base_image: Path
) -> None:
    volume = FatVolume(planned, MIB)
    assert sorted(volume.listdir("autosetup")) == sorted(payload)
    assert volume.read("config.txt") == b"arm_64bit=1\n"
    boot = range(MIB, 41 * MIB)
    assert all(extent.offset in boot and extent.range.end in boot for extent in planned.patch)
    again = plan_card(open_image(base_image), payload, modified=MOMENT)
    assert (again.patch, again.always) == (planned.patch, planned.always)


def test_an_image_without_the_agent_gets_no_payload_and_says_why(
    base_image: Path, payload: dict[str, bytes], tmp_path: Path
) -> None:
    image = tmp_path / "old.img"
    with FileBlocks(base_image) as blocks:
        card = Overlay(blocks)
        put(card, NO_AGENT, b"The agent needs Python 3.11, and bullseye has 3.9.\n")
        image.write_bytes(card.read(0, card.size))
    opened = open_image(image)
    with pytest.raises(BadInput, match="bullseye has") as refused:
        plan_card(opened, payload)
    assert refused.value.code == "no-agent"
    assert plan_card(opened, None).patch == ()  # written as it is


def test_an_image_that_sets_itself_up_gets_no_payload_and_says_why(
    base_image: Path, payload: dict[str, bytes], tmp_path: Path
) -> None:
    image = tmp_path / "scanner.img"
    with FileBlocks(base_image) as blocks:
        card = Overlay(blocks)
        put(card, "BOOTER.SH", b"#!/bin/bash\n")
        image.write_bytes(card.read(0, card.size))
    opened = open_image(image)
    with pytest.raises(BadInput, match=r"its booter\.sh would rename the node") as refused:
        plan_card(opened, payload)
    assert refused.value.code == "foreign-booter"
    assert plan_card(opened, None).patch == ()  # written as it is


def test_a_payload_needs_a_fat_boot_partition(payload: dict[str, bytes], tmp_path: Path) -> None:
    image = tmp_path / "other.img"
    for script, words in (("label: gpt\n,,\n", "GPT"), ("label: dos\n,,83\n", "no FAT")):
        image.write_bytes(bytes(8 * MIB))
        run(["sfdisk", "-q", str(image)], stdin=script.encode())
        opened = open_image(image)
        assert plan_card(opened, None).patch == ()
        with pytest.raises(BadInput, match=words) as caught:
            plan_card(opened, payload)
        assert caught.value.code == "no-boot-partition"
