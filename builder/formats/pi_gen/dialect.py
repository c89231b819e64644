"""What the three tools that run pi-gen stages do differently.

Facts from their documents and from running them: RPi-Distro/pi-gen (``upstream``), sgothel/pi-gen
(``qcow2``) and westwork-org/westwork-gen (``westwork``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

DialectName = Literal["upstream", "qcow2", "westwork"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to read stage folders.

    Attributes:
        chroot_script: what follows the number in the name of a script that runs in the tree.
        strict: scripts in the tree stop at the first command that fails.
        private_tmp: these scripts see an empty /tmp, not the tree's own.
        sourced_export: EXPORT_IMAGE is a script that sets IMG_SUFFIX; else it is the suffix itself.
        skip_files: files named SKIP count; else the lists of the config do.
        skip_images_file: so does a file named SKIP_IMAGES.
        variants: package files can be named after the suite and the architecture.
        locale: forced upon programs in the tree.
        ready: a stage has its tree before its prerun.sh runs.
        marks: variables of a config that only this tool has.
    """

    name: DialectName
    chroot_script: str = "run-chroot.sh"
    strict: bool = True
    private_tmp: bool = False
    sourced_export: bool = True
    skip_files: bool = True
    skip_images_file: bool = False
    variants: bool = False
    locale: str = ""
    ready: bool = False
    marks: tuple[str, ...] = ()


UPSTREAM = Dialect("upstream", private_tmp=True, skip_images_file=True)
QCOW2 = Dialect(
    "qcow2",
    skip_files=False,
    variants=True,
    locale="en_US.UTF-8",
    ready=True,
    marks=("TARGET_RASPI", "TARGET_ARCH", "SKIP_STAGE_LIST", "SKIP_IMAGES_LIST", "ROOTFS_RO"),
)
WESTWORK = Dialect("westwork", chroot_script="run-chroot", strict=False, sourced_export=False)
DIALECTS: Mapping[str, Dialect] = {each.name: each for each in (UPSTREAM, QCOW2, WESTWORK)}


def recognise(variables: Iterable[str], names: Iterable[str]) -> Dialect:
    """The dialect that a config and its stages are most likely written in.

    Args:
        variables: that the config sets.
        names: of the files in the folders of the stages.
    """
    given = set(variables)
    if any("-packages-sys-" in name for name in names) or given & set(QCOW2.marks):
        return QCOW2
    if any(name.endswith(("-run-chroot", "-packages-ni")) for name in names):
        return WESTWORK
    return UPSTREAM
