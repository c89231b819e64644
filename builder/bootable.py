"""Whether Raspberry Pis, or PCs, boot a finished image: what it says itself, read as they read it.

Everything that is wrong is found at once. The rules are in `builder.lint`, one module a matter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.lint.boards import check_boards, largest_start
from builder.lint.cameras import check_cameras
from builder.lint.finding import Finding
from builder.lint.mounts import check_fstab
from builder.lint.pc import PC_ARCHITECTURES, PcFiles, check_pc
from builder.lint.processor import check_processor
from builder.lint.table import HEAD_SIZE, check_table
from builder.lint.volumes import Volumes, check_boot_volume, read_volumes
from builder.recipe import Recipe
from builder.steps.installed import installed_packages
from flasher.errors import FlasherError
from flasher.firmware.pc import is_for_pc
from flasher.image.blocks import SECTOR, Blocks, FileBlocks
from flasher.image.fat import FatVolume
from flasher.image.mbr import Mbr

# Where systems mount the boot partition, relative to the tree: since Debian 12, and before.
BOOT_PLACES = ("boot/firmware", "boot")


def require_bootable(image: Path, recipe: Recipe, bench: Bench) -> None:
    """Check a finished image; one that is for no board and no PC is not looked at.

    Args:
        image: the raw image.
        recipe: what it was made from.
        bench: with the tree that it was made from.

    Raises:
        StepFailed: ``not-bootable``, naming all that is wrong and what to do about each.
    """
    fstab = _read(bench, "etc/fstab").decode(errors="replace")
    with FileBlocks(image) as blocks:
        if recipe.boards:
            findings = find_faults(blocks, recipe, fstab)
        elif recipe.architecture in PC_ARCHITECTURES and _is_for_pc(blocks, bench):
            findings = find_pc_faults(blocks, recipe, fstab, _read_pc(bench))
        else:
            findings = []
    if recipe.boards and recipe.image.cameras:
        findings += check_cameras(recipe, installed_packages(bench), _modules(bench))
    if any(board.sixth for board in recipe.boards) and "bash" in bench.list_folder("usr/bin"):
        shell = bench.run_host(("cat", str(bench.merged / "usr/bin/bash"))).output
        findings += check_processor(shell, recipe.boards)
    if findings:
        raise StepFailed(
            "not-bootable",
            f"No {'Pi' if recipe.boards else 'PC'}, or not every one, could boot this image:\n"
            + "\n".join(f"  {finding}" for finding in findings),
            "Mend what is named, or say in the recipe which Pis it is for: [image] boards."
            if recipe.boards
            else "Mend what is named, in the recipe or in the layers of its own.",
        )


def _read(bench: Bench, path: str) -> bytes:
    """A file of the tree, through links; empty where there is none."""
    argv = ("sh", "-c", '[ ! -f "$1" ] || cat "$1"', "sh", str(bench.merged / path))
    return bench.run_host(argv).output


def _is_for_pc(blocks: Blocks, bench: Bench) -> bool:
    """Whether an image has anything that a PC would start, or that would go on from there."""
    sector = blocks.read(0, SECTOR)
    first = Mbr.from_bytes(sector).partitions[0]
    loader = is_for_pc(sector, FatVolume(blocks, first.offset))
    return loader or "grub.cfg" in bench.list_folder("boot/grub")


def _read_pc(bench: Bench) -> PcFiles:
    return PcFiles(
        *(_read(bench, path) for path in ("boot/grub/grub.cfg", "vmlinuz", "initrd.img"))
    )


def _modules(bench: Bench) -> list[str]:
    """Paths of all modules of the tree's kernels."""
    folder = bench.merged / "usr/lib/modules"
    argv = ("find", str(folder), "-name", "*.ko*", "-o", "-name", "modules.builtin")
    paths = bench.run_host(argv).text.split()
    built_in = [path for path in paths if path.endswith("/modules.builtin")]
    return [*paths, *(bench.run_host(("cat", *built_in)).text.split() if built_in else ())]


def find_faults(blocks: Blocks, recipe: Recipe, fstab: str) -> list[Finding]:
    """All findings about an image for Pis.

    Args:
        blocks: the image.
        recipe: for labels, boards and architecture.
        fstab: text of its /etc/fstab.
    """

    def check(boot: FatVolume, volumes: Volumes) -> list[Finding]:
        update = largest_start(boot, recipe.boards)
        return [
            *check_boot_volume(boot, recipe.image.boot_label, update),
            *check_boards(boot, recipe.boards, recipe.architecture, volumes),
            *check_fstab(fstab, volumes),
        ]

    return _find(blocks, check)


def find_pc_faults(blocks: Blocks, recipe: Recipe, fstab: str, root: PcFiles) -> list[Finding]:
    """All findings about an image for PCs.

    Args:
        blocks: the image.
        recipe: for labels and architecture.
        fstab: text of its /etc/fstab.
        root: files of its root file system.
    """
    head = blocks.read(0, 2 * SECTOR)

    def check(boot: FatVolume, volumes: Volumes) -> list[Finding]:
        return [
            *check_boot_volume(boot, recipe.image.boot_label, update=0),
            *check_pc(head, boot, root, recipe.architecture),
            *check_fstab(fstab, volumes),
        ]

    return _find(blocks, check)


def _find(blocks: Blocks, check: Callable[[FatVolume, Volumes], list[Finding]]) -> list[Finding]:
    """Findings about the table, and, where it has a boot partition, those of `check`."""
    head = blocks.read(0, min(HEAD_SIZE, blocks.size)).ljust(HEAD_SIZE, b"\0")
    findings = check_table(head, blocks.size)
    try:
        first = next(part for part in Mbr.from_bytes(head[:SECTOR]).partitions if part.slot == 1)
        return [*findings, *check(FatVolume(blocks, first.offset), read_volumes(blocks))]
    except StopIteration:
        return findings
    except FlasherError as error:
        return [*findings, Finding(error.message, error.hint)]
