"""Where the agent keeps what must survive: on the root file system, or on a partition for data."""

from __future__ import annotations

from autosetup.system import System

# Mounted there where the card has a third partition, labelled ``data``.
DATA = "/data"


def has_data(system: System) -> bool:
    """Whether the card has a partition for data, and it is mounted."""
    return system.path(DATA).is_mount()


def state_folder(system: System) -> str:
    """The folder of the agent's own record."""
    return f"{DATA}/autosetup" if has_data(system) else "/var/lib/autosetup"


def growing_folder(system: System) -> str:
    """Where the card's last partition is mounted."""
    return DATA if has_data(system) else "/"
