"""A card takes the names that its tree asks for; only what no card can have is named anew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.disk import Identity
from builder.mount_names import (
    BOOT,
    DATA,
    ROOT,
    Names,
    Reference,
    adopt,
    boot_folder,
    find_references,
    is_label,
    lost,
    mend_cmdline,
    mend_fstab,
)

OWN = Names(Identity.from_key("own"), {BOOT: "bootfs", ROOT: "rootfs", DATA: "data"})

RASPIOS = """\
proc            /proc           proc    defaults          0       0
PARTUUID=4e639091-01  /boot/firmware  vfat    defaults          0       2
PARTUUID=4e639091-02  /               ext4    defaults,noatime  0       1
"""
PI_BUILDER = """\
# by hand
LABEL=PIROOT\t/\text4\tro,noatime\t0 1
LABEL="PIBOOT" /boot vfat ro 0 2
tmpfs /tmp tmpfs nodev 0 0
"""


def asked(fstab: str, cmdline: str, boot: str = "boot/firmware") -> tuple[Reference, ...]:
    return find_references(fstab, cmdline, boot, "data")


@pytest.mark.parametrize(
    ("fstab", "boot"),
    [
        (RASPIOS, "boot/firmware"),
        (PI_BUILDER, "boot"),
        ("UUID=1-2 /boot ext4 defaults 0 0\n", None),
        ("", None),
        ("# LABEL=x /boot vfat\n\nLABEL=x", None),
    ],
)
def test_the_fstab_says_where_the_boot_partition_is(fstab: str, boot: str | None) -> None:
    assert boot_folder(fstab) == boot


def test_labels_that_a_tree_asks_for_become_the_cards() -> None:
    references = asked(PI_BUILDER, "console=tty1 root=LABEL=PIROOT rootwait", "boot")
    names = adopt(OWN, references)
    assert (names.labels[BOOT], names.labels[ROOT]) == ("PIBOOT", "PIROOT")
    assert not lost(names, references)


def test_ids_that_a_tree_asks_for_become_the_cards() -> None:
    references = asked(RASPIOS, "root=PARTUUID=4E639091-02 rootwait")
    names = adopt(OWN, references)
    assert names.identity.disk == 0x4E639091
    assert not lost(names, references)


def test_ids_of_file_systems_that_a_tree_asks_for_become_the_cards() -> None:
    root, data = "6e3b2f0a-9f1c-4b1e-8a52-0d7e2a1c4f55", "00000000-0000-4000-8000-000000000001"
    fstab = (
        f"UUID={root} / ext4 x 0 1\nUUID=5DF9-E225 /boot/firmware vfat x 0 2\n"
        f"UUID={data} /data ext4 x 0 2\n"
    )
    references = asked(fstab, f"root=UUID={root}")
    names = adopt(OWN, references)
    assert (str(names.identity.root), names.identity.volume) == (root, 0x5DF9E225)
    assert str(names.identity.data) == data
    assert not lost(names, references)


def test_a_label_that_a_person_chose_is_kept_and_the_tree_mended() -> None:
    chosen = Names(OWN.identity, {**OWN.labels, ROOT: "mine"})
    references = asked(PI_BUILDER, "root=LABEL=PIROOT", "boot")
    names = adopt(chosen, references, keep=[ROOT])
    assert names.labels == {BOOT: "PIBOOT", ROOT: "mine", DATA: "data"}
    wrong = lost(names, references)
    assert {each.name for each in wrong} == {"LABEL=PIROOT"}
    mended = mend_fstab(PI_BUILDER, wrong, names)
    assert mended == PI_BUILDER.replace("LABEL=PIROOT", names.of(ROOT)[0])


def test_of_two_disks_that_a_tree_asks_for_the_kernels_is_taken() -> None:
    references = asked(RASPIOS, "root=PARTUUID=deadbeef-02")
    names = adopt(OWN, references)
    assert names.identity.disk == 0xDEADBEEF
    wrong = lost(names, references)
    assert [each.place for each in wrong] == ["/etc/fstab"] * 2
    mended = mend_fstab(RASPIOS, wrong, names)
    assert mended == RASPIOS.replace("4e639091", "deadbeef")
    assert not lost(names, asked(mended, "root=PARTUUID=deadbeef-02"))


@pytest.mark.parametrize(
    "name",
    [
        "PARTUUID=4e639091-05",  # a partition that the card has not
        "PARTUUID=00000000-02",
        "PARTUUID=6e3b2f0a-9f1c-4b1e-8a52-0d7e2a1c4f55",  # of a GPT
        "PARTLABEL=root",
        "UUID=5DF9-E225",  # of a FAT, for the root
        "/dev/sda2",
        "/dev/mmcblk0p7",
        "LABEL=a-label-that-is-too-long-for-ext4",
    ],
)
def test_a_root_that_the_card_cannot_have_is_named_anew(name: str) -> None:
    cmdline = f"console=tty1 root={name} rootwait\n"
    references = asked("", cmdline)
    names = adopt(OWN, references)
    assert [each.name for each in lost(names, references)] == [name]
    mended = mend_cmdline(cmdline, names)
    assert mended == f"console=tty1 root={names.of(ROOT)[0]} rootwait\n"
    assert not lost(names, asked("", mended))


def test_a_slash_at_the_end_is_of_no_matter() -> None:
    (found,) = asked("LABEL=x /boot/firmware/ vfat defaults 0 2\n", "")
    assert found.slot == BOOT


def test_no_two_partitions_get_one_label() -> None:
    references = asked("LABEL=pi / ext4 x\nLABEL=pi /boot/firmware vfat x\n", "")
    names = adopt(OWN, references)
    assert len(set(names.labels.values())) == 3
    assert len(lost(names, references)) == 1


@pytest.mark.parametrize("name", ["/dev/nfs", "/dev/root", "overlay", "/dev/mapper/x", "tmpfs"])
def test_what_is_no_partition_is_left_alone(name: str) -> None:
    assert not asked(f"{name} / auto defaults 0 0\n", f"root={name}")


def test_a_card_is_found_as_the_first_drive_of_a_pis_slot() -> None:
    assert OWN.answers(ROOT, "/dev/mmcblk0p2")
    assert not OWN.answers(ROOT, "/dev/mmcblk0p1")


@pytest.mark.parametrize(
    ("slot", "label", "fits"),
    [
        (BOOT, "PIBOOTFW", True),
        (BOOT, "bootfs", True),
        (BOOT, "twelve-chars", False),
        (BOOT, "größe", False),
        (BOOT, "a b", False),
        (BOOT, "", False),
        (ROOT, "sixteen-chars-ok", True),
        (ROOT, "seventeen-chars-x", False),
        (ROOT, "größengrößen☃", False),
        (ROOT, "line\nbreak", False),
    ],
)
def test_labels_are_what_the_file_systems_can_hold(slot: int, label: str, fits: bool) -> None:
    assert is_label(slot, label) == fits


kinds = st.sampled_from(["LABEL", "UUID", "PARTUUID", "PARTLABEL"])
values = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1)
sources = st.one_of(st.builds("{}={}".format, kinds, values), values)


@given(sources, sources, sources)
def test_whatever_a_tree_asks_for_it_finds_once_it_is_mended(
    root: str, boot: str, argument: str
) -> None:
    fstab = f"{root} / ext4 defaults 0 1\n{boot} /boot/firmware vfat defaults 0 2\n"
    cmdline = f"root={argument} rootwait\n"
    references = asked(fstab, cmdline)
    names = adopt(OWN, references)
    wrong = lost(names, references)
    if any(each.place == "cmdline.txt" for each in wrong):
        cmdline = mend_cmdline(cmdline, names)
    assert not lost(names, asked(mend_fstab(fstab, wrong, names), cmdline))
