"""A root file system as people have it, a folder or a tarball, made ready to be put on a card."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread

from builder.bench import build_environment
from builder.boot_fit import boot_bytes
from builder.bootable import BOOT_PLACES
from builder.disk import DATA
from builder.filesystems import Content
from builder.measure import BLOCK, Measure
from builder.mount_names import (
    Names,
    Reference,
    boot_folder,
    find_references,
    lost,
    mend_cmdline,
    mend_fstab,
)
from builder.sandbox import Mount, Plan, run_inside, script
from builder.sources import unpack
from builder.sources.overheard import Overheard
from builder.tailored import HostTools
from flasher.errors import BadInput, EnvironmentLacks, FlasherError, Refused
from flasher.events import CancelFlag, Emit, Noted, Progress, step
from flasher.process import Finished, ProgramFailed, run

_MARKS = ("usr", "etc", "bin")  # what no root file system lacks altogether
_TOLD = 5
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Inside:
    """Programs run in namespaces of their own, as `builder.filesystems.Runner`.

    There the owners of a tree are who they will be on the card, whoever unpacked it.
    """

    epoch: int
    cancel: CancelFlag
    mounts: tuple[Mount, ...] = ()

    def run(self, argv: tuple[str, ...], env: Mapping[str, str] | None = None) -> Finished:
        """Run a program to its end; raises `ProgramFailed`."""
        plan = Plan(argv, build_environment(self.epoch, env), self.mounts)
        return run_inside(plan, cancel=self.cancel)


@dataclass(frozen=True, slots=True)
class RootFs:
    """A tree that can be looked at.

    Attributes:
        name: of the folder or file that was named.
        content: where it is.
        found: what it takes.
        inside: where programs see it.
        fstab, cmdline: text of its /etc/fstab and of the kernel's arguments; "" without such a
            file.
    """

    name: str
    content: Content
    found: Measure
    inside: Inside
    fstab: str
    cmdline: str

    @property
    def references(self) -> tuple[Reference, ...]:
        """Which names it has for its own partitions."""
        boot, data = self.found.boot_place, self.content.data
        return find_references(self.fstab, self.cmdline, boot, data)

    @property
    def size(self) -> int:
        """Bytes that it takes on a card, about."""
        blocks = self.found.blocks + self.found.data_blocks
        return blocks * BLOCK + boot_bytes(self.found)


def open_rootfs(
    source: Path, scratch: Path, *, data: bool, emit: Emit, cancel: CancelFlag
) -> RootFs:
    """Look at a root file system; a tarball is unpacked first.

    Args:
        source: a folder, or a tarball: plain or compressed with gzip, bzip2, xz or zstd.
        scratch: an empty folder to unpack into.
        data: whether its folder for data goes to a partition of its own.

    Raises:
        BadInput: it is neither, is damaged, or holds something else.
        Refused: the folder is part of a system that runs: others are mounted in it.
        EnvironmentLacks: the owners of its files cannot be had.
    """
    epoch = int(time.time())
    inside = Inside(epoch, cancel)
    if source.is_dir():
        _require_whole(source.resolve())
        tree = source.resolve()
    elif source.is_file():
        tree = scratch / "tree"
        tree.mkdir()
        _unpack(source.resolve(), tree, inside, emit)
    else:
        what = f"There is no {source}."
        raise BadInput("no-rootfs", what, "Name a folder or a tarball of a root file system.")
    _require_root(source, tree, inside)
    fstab = _text(inside, tree / "etc/fstab")
    said = boot_folder(fstab)
    places = (said,) if said else BOOT_PLACES
    content = Content(tree, HostTools(), epoch, DATA if data else None, places)
    found = content.measure(inside)
    cmdline = _text(inside, tree / found.boot_place / "cmdline.txt")
    return RootFs(source.name, content, found, inside, fstab, cmdline)


def _require_whole(folder: Path) -> None:
    """A folder's files have their true owners for root alone, and its mounts are no part of it."""
    if os.geteuid() != 0:
        raise EnvironmentLacks(
            "needs-root",
            f"Only root can read all of {folder} with its owners.",
            "Run the same command with sudo, or name a tarball, which takes no root.",
        )
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split()[4])
        if Path(point).is_relative_to(folder) and Path(point) != folder:
            raise Refused(
                "mounted-inside",
                f"{point} is mounted inside {folder}: it would be copied, too.",
                "Unmount it; of a system that runs, make a tarball: tar --one-file-system.",
            )


def _require_root(source: Path, tree: Path, inside: Inside) -> None:
    names = set(inside.run(("ls", "-A", str(tree))).text.split())
    if not names.intersection(_MARKS):
        raise BadInput(
            "no-rootfs",
            f"{source} holds no root file system: it has none of {', '.join(_MARKS)}.",
            "Name the folder, or a tarball of it, that becomes / on the card.",
        )


def _text(inside: Inside, path: Path) -> str:
    """A file's text; "" where there is none, or it is a link, which could lead anywhere."""
    test = '[ ! -f "$1" ] || [ -L "$1" ] || cat "$1"'
    found = inside.run(("sh", "-c", test, "sh", str(path)))
    return found.output.decode(errors="surrogateescape")


# --- unpacking -------------------------------------------------------------------------------


def _unpack(source: Path, tree: Path, inside: Inside, emit: Emit) -> None:
    order = unpack.Order("rootfs", str(source), str(tree), "", "", devices=True)
    argv, env = script(unpack.__file__, order.to_json()), build_environment(inside.epoch)
    with step(emit, source.name, "unpack", 100) as progress:
        heard = Overheard(progress)
        try:
            if os.geteuid() == 0:  # who makes devices, which nobody can in a namespace of users
                done = run(argv, env=env, cancel=inside.cancel, on_line=heard.hear)
            else:
                done = run_inside(Plan(argv, env), cancel=inside.cancel, on_line=heard.hear)
        except ProgramFailed as failure:
            raise heard.fault or _explained(source, failure) from failure
        progress.reach(100)
    told = done.text.splitlines()
    for line in told[:_TOLD]:
        emit(Noted(source.name, f"Left out: {line}", warning=True))
    if len(told) > _TOLD:
        emit(Noted(source.name, f"Left out: {len(told) - _TOLD} more.", warning=True))


def _explained(source: Path, failure: ProgramFailed) -> FlasherError:
    last = (failure.finished.errors.strip().splitlines() or ["it said nothing"])[-1]
    if "No space left" in last:
        what = "The disk of this computer's cache is full."
        return FlasherError("disk-full", what, "Free some space, or set FLASHER_CACHE.")
    return FlasherError(
        "cannot-unpack", f"{source} could not be unpacked: {last}.", "Get it again."
    )


# --- names, and how far it is ----------------------------------------------------------------


def with_names(rootfs: RootFs, names: Names, scratch: Path) -> tuple[RootFs, tuple[Reference, ...]]:
    """The tree as it is, but that it names partitions that are there; and what it named before.

    The tree itself is left alone: other files stand in front of the two while a card is made.
    """
    wrong = lost(names, rootfs.references)
    fstab, cmdline = mend_fstab(rootfs.fstab, wrong, names), rootfs.cmdline
    if not all(each.point for each in wrong):
        cmdline = mend_cmdline(cmdline, names)
    changed = {
        rootfs.content.tree / "etc/fstab": (rootfs.fstab, fstab),
        rootfs.content.tree / rootfs.found.boot_place / "cmdline.txt": (rootfs.cmdline, cmdline),
    }
    mounts = tuple(
        _stand_in(rootfs.inside, path, after, scratch)
        for path, (before, after) in changed.items()
        if before != after
    )
    inside = replace(rootfs.inside, mounts=mounts)
    return replace(rootfs, inside=inside, fstab=fstab, cmdline=cmdline), wrong


def _stand_in(inside: Inside, path: Path, text: str, scratch: Path) -> Mount:
    """Another file in a file's place, of the same owner, mode and attributes."""
    content, copy = scratch / f"{path.name}.text", scratch / path.name
    content.write_bytes(text.encode(errors="surrogateescape"))
    make = 'cp --archive "$1" "$2" && cat "$3" > "$2"'
    inside.run(("sh", "-c", make, "sh", str(path), str(copy), str(content)))
    return Mount("bind", str(path), str(copy))


@contextmanager
def watching(path: Path, progress: Progress) -> Iterator[None]:
    """Tell, while others fill a sparse file, how many bytes of it there are."""
    ended = Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
            if path.exists():
                progress.reach(path.stat().st_blocks * 512)

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
