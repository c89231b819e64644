"""A node that nothing was ever applied to can be found, and be entered with the image's rescue key.

Its name is then ``autosetup-1a2b3c4d``, for this start alone. The keys count from the moment when
there is nothing more to do until a payload is done, or until the next start: sshd reads them from
``/run``, for a user who has no other way in.
"""

from __future__ import annotations

from autosetup import binding, board
from autosetup.faults import Faulty
from autosetup.journal import Journal
from autosetup.presence import rename
from autosetup.status import Status
from autosetup.system import System

# Public keys, a line each, as sshd reads them.
KEYS = "/etc/autosetup/rescue.pub"
_COUNTING = "/run/autosetup/rescue/authorized_keys"
_HOST_NAME = "/proc/sys/kernel/hostname"


def attend(system: System, journal: Journal, status: Status) -> None:
    """Open the way in to a node that came to nothing; close it for one that is set up.

    Raises:
        AgentError: the node could not be given host keys.
        OSError: nothing can be written.
    """
    if status.state in ("done", "rolled-back"):
        system.path(_COUNTING).unlink(missing_ok=True)
    elif status.state in ("waiting", "failed") and not _was_good(journal):
        if not _is_named(system, status):
            _name(system)
        if keys := system.read(KEYS):
            _let_in(system, keys)


def _was_good(journal: Journal) -> bool:
    """Whether a payload was ever done here; also where the record of it is spoiled."""
    try:
        record = journal.load()
    except Faulty:
        record = None
    return bool(record and record.good) or binding.load(journal.folder) is not None


def _is_named(system: System, status: Status) -> bool:
    return system.read("/etc/hostname").decode(errors="replace").strip() == status.node


def _name(system: System) -> None:
    """Call the node by its board until the next start."""
    if system.booted:
        system.path(_HOST_NAME).write_text(board.short_name())
        rename(system, board.short_name())


def _let_in(system: System, keys: bytes) -> None:
    if system.has_program("ssh-keygen") and not any(system.path("/etc/ssh").glob("ssh_host_*_key")):
        system.must(["ssh-keygen", "-A"])
    system.write(_COUNTING, keys)
