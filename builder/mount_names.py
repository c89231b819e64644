"""How a tree calls the file systems it wants to find: in its fstab, and in the kernel's arguments.

A card made of a tree takes these names where it can, so that nothing in the tree changes; only a
name that no card of its own can have is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from builder.disk import Identity

BOOT, ROOT, DATA = 1, 2, 3  # slots in the partition table
FAT_LABEL_SIZE, EXT4_LABEL_SIZE = 11, 16
_FAT_NAMES = ("vfat", "msdos", "auto")
_KINDS = ("LABEL", "UUID", "PARTUUID", "PARTLABEL")
_DRIVE = re.compile(r"/dev/(?:sd[a-z]+|vd[a-z]+|mmcblk\d+p|nvme\d+n\d+p)\d+")
_VOLUME = re.compile(r"([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})")
_PARTITION = re.compile(r"(?!0{8})([0-9A-Fa-f]{8})-0([123])")
# A FAT's label takes these in capital letters; the list is that of mkfs.fat(8), less the space.
_FAT_LABEL = re.compile(r"[A-Za-z0-9!#$%&'()@^_`{}~-]+")


@dataclass(frozen=True, slots=True)
class Names:
    """What the partitions of a card are called: by ids, and by labels, which are kept by slot."""

    identity: Identity
    labels: Mapping[int, str]

    def of(self, slot: int) -> tuple[str, ...]:
        """All names of a partition, that by which every kernel finds it first."""
        ids = self.identity
        volume = f"{ids.volume >> 16:04X}-{ids.volume & 0xFFFF:04X}"
        return (
            f"PARTUUID={ids.disk:08x}-{slot:02x}",
            f"LABEL={self.labels[slot]}",
            f"UUID={ {BOOT: volume, ROOT: ids.root, DATA: ids.data}[slot] }",
            f"/dev/mmcblk0p{slot}",
        )

    def answers(self, slot: int, name: str) -> bool:
        """Whether a partition goes by a name; ids are the same in small and capital letters."""
        exact = name.startswith("LABEL=")
        return any(name == own or (not exact and _same(name, own)) for own in self.of(slot))


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


@dataclass(frozen=True, slots=True)
class Reference:
    """A partition called by a name.

    Attributes:
        point: where it is mounted, by /etc/fstab; "" in the kernel's arguments.
    """

    slot: int
    name: str
    point: str = ""

    @property
    def place(self) -> str:
        """Where it says so, for people."""
        return "/etc/fstab" if self.point else "cmdline.txt"


def boot_folder(fstab: str) -> str | None:
    """Where the tree mounts its boot partition, relative to it; None where it does not say."""
    for fields in _mounts(fstab):
        point = fields[1].strip("/")
        if point in ("boot/firmware", "boot") and fields[2] in _FAT_NAMES:
            return point
    return None


def find_references(fstab: str, cmdline: str, boot: str, data: str | None) -> tuple[Reference, ...]:
    """Which names stand for the card's own partitions, the kernel's argument first.

    Args:
        fstab: text of the tree's /etc/fstab.
        cmdline: text of cmdline.txt.
        boot: where the boot partition is mounted, relative to the tree.
        data: the same of the partition for data; None where there is none.
    """
    points = {f"/{boot}": BOOT, "/": ROOT} | ({f"/{data}": DATA} if data else {})
    roots = [word.removeprefix("root=") for word in cmdline.split() if word.startswith("root=")]
    found = [Reference(ROOT, name) for name in roots[-1:]]
    for fields in _mounts(fstab):
        if slot := points.get(f"/{fields[1].strip('/')}"):
            found.append(Reference(slot, _name(fields), fields[1]))
    return tuple(each for each in found if _is_name(each.name))


def _mounts(fstab: str) -> Iterator[list[str]]:
    for line in fstab.splitlines():
        fields = line.split()
        if len(fields) > 2 and not fields[0].startswith("#"):
            yield fields


def _name(fields: Sequence[str]) -> str:
    return fields[0].replace('"', "")


def _is_name(name: str) -> bool:
    return name.partition("=")[0] in _KINDS or bool(_DRIVE.fullmatch(name))


def adopt(names: Names, references: Iterable[Reference], *, keep: Iterable[int] = ()) -> Names:
    """The names that a tree asks for; where it asks for two, the first.

    Args:
        names: what is taken where nothing is asked for.
        references: of the tree.
        keep: slots whose label a person chose.
    """
    taken: set[tuple[str, int]] = {("LABEL", slot) for slot in keep}
    for each in references:
        kind, _, value = each.name.partition("=")
        key = (kind, 0 if kind == "PARTUUID" else each.slot)
        wanted = _adopted(names, kind, value, each.slot)
        if wanted and key not in taken:
            names = wanted
            taken.add(key)
    return names


def _adopted(names: Names, kind: str, value: str, slot: int) -> Names | None:
    if kind == "LABEL":
        others = {label for other, label in names.labels.items() if other != slot}
        fits = is_label(slot, value) and value not in others
        return replace(names, labels={**names.labels, slot: value}) if fits else None
    ids = _adopted_id(names.identity, kind, value, slot)
    return replace(names, identity=ids) if ids else None


def _adopted_id(ids: Identity, kind: str, value: str, slot: int) -> Identity | None:
    if kind == "PARTUUID" and (found := _PARTITION.fullmatch(value)):
        return replace(ids, disk=int(found[1], 16)) if int(found[2]) == slot else None
    if kind == "UUID" and slot == BOOT and (found := _VOLUME.fullmatch(value)):
        return replace(ids, volume=int(found[1] + found[2], 16))
    if kind == "UUID" and slot != BOOT and (uuid := _uuid(value)):
        return replace(ids, root=uuid) if slot == ROOT else replace(ids, data=uuid)
    return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def is_label(slot: int, text: str) -> bool:
    """Whether a partition can have this label: that of a FAT is short and plain."""
    if slot == BOOT:
        return bool(_FAT_LABEL.fullmatch(text)) and len(text) <= FAT_LABEL_SIZE
    return text.isprintable() and 0 < len(text.encode()) <= EXT4_LABEL_SIZE


def lost(names: Names, references: Iterable[Reference]) -> tuple[Reference, ...]:
    """Those that name a partition that the card has not."""
    return tuple(each for each in references if not names.answers(each.slot, each.name))


def mend_cmdline(cmdline: str, names: Names) -> str:
    """The kernel's arguments with a root that is there."""
    return re.sub(r"(?<!\S)root=\S+", f"root={names.of(ROOT)[0]}", cmdline)


def mend_fstab(fstab: str, wrong: Iterable[Reference], names: Names) -> str:
    """The fstab with what is wrong in it named anew, and all else as it was."""
    slots = {(each.name, each.point): each.slot for each in wrong}
    return "".join(_mend_line(line, slots, names) for line in fstab.splitlines(keepends=True))


def _mend_line(line: str, slots: Mapping[tuple[str, str], int], names: Names) -> str:
    fields = line.split()
    slot = slots.get((_name(fields), fields[1])) if len(fields) > 1 else None
    return line.replace(fields[0], names.of(slot)[0], 1) if slot else line
