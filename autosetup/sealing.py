"""A node whose root file system is never written: sealed, or open for the time of a change.

The image's initramfs decides at each boot. It leaves a file in ``/run`` where the node is sealed,
so that changes would be gone with the next boot; it opens the node where a file on the partition
for data asks for it. The image brings that file, so a new node is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autosetup.errors import AgentError
from autosetup.places import DATA
from autosetup.system import System, sync_folder

_SEALED = "/run/autosetup/sealed"
_FOLDER = f"{DATA}/autosetup"
_OPEN = f"{_FOLDER}/open"


def is_sealed(system: System) -> bool:
    """Whether what is changed now is gone with the next boot."""
    return system.path(_SEALED).exists()


def reopen(system: System) -> None:
    """Ask for an open node at the next boot, once; the agent then finds the same to do.

    Raises:
        AgentError: ``sealed``, it was asked for already, and the node is sealed all the same.
    """
    if system.path(_OPEN).exists():
        what = "The node is sealed, though it was asked to be open for changes."
        raise AgentError("sealed", what, "The partition for data may be worn out: change the card.")
    system.write(_OPEN, b"")


def restart(system: System) -> None:
    """Start the node once more, as soon as the agent has ended."""
    if system.booted:
        system.must(["systemctl", "--no-block", "reboot"])


def seal(system: System) -> None:
    """From the next boot on the node is sealed, if its image can do that."""
    if system.path(_OPEN).exists():
        system.path(_OPEN).unlink()
        sync_folder(system.path(_FOLDER))


@contextmanager
def card_to_write(system: System, folder: str) -> Iterator[None]:
    """For the block, the boot partition of a sealed node can be written.

    Args:
        system: the node.
        folder: where the boot partition is mounted.
    """
    if not is_sealed(system) or not system.booted:
        yield
        return
    system.run(["mount", "-o", "remount,rw", folder])
    try:
        yield
    finally:
        system.run(["mount", "-o", "remount,ro", folder])
