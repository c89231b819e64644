"""The mirror of a rig that has a central node: what that node's own payload says is mirrored there.

Run by the unit ``flasher-mirror.service`` of the layer ``mirror``. It has the repository alone: a
node has no key of its site, so nobody could know it by a certificate, and none is needed, as
everything in a repository is signed and what is secret is sealed.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress

from autosetup.faults import Faulty
from autosetup.journal import Journal
from autosetup.node_file import NODE, read_node
from autosetup.places import state_folder
from autosetup.settings import Update
from autosetup.system import System
from flasher.console import Console
from flasher.errors import BadInput, ExitCode, explained
from flasher.events import Event, Noted
from flasher.fleet.server import PORT
from flasher.fleet.server.offer import Wanted, offer

_MOST_BYTES = 4 * 10**9
# Of the disk: the rest is the node's, which must have room for payloads and packages at any time.
_SHARE = 4
_RESERVE, _RESERVED_SHARE = 10**9, 8


def update_of(system: System) -> Update:
    """What the payload in force says of updates; nothing on a node that was never set up."""
    journal = Journal(system.path(state_folder(system)))
    with suppress(OSError, Faulty):
        if record := journal.load():
            path = journal.payload_folder(record.generation) / NODE
            settings, _ = read_node(path.read_bytes(), {})
            if settings:
                return settings.update
    return Update()


def wanted_here(system: System, port: int = PORT) -> Wanted:
    """What this node mirrors, and for whom.

    Raises:
        BadInput: ``nothing-to-mirror``.
    """
    update = update_of(system)
    if not (update.site and update.source):
        raise BadInput(
            "nothing-to-mirror",
            "This node's payload names no site with a source of releases.",
            "Give the site one: flasher site change NAME --update-source URL",
        )
    folder = system.path(f"{state_folder(system)}/mirror")
    folder.mkdir(mode=0o700, exist_ok=True)
    disk = shutil.disk_usage(folder).total
    return Wanted(
        upstream=update.source,
        authority=update.authority,
        mirrored_for=update.site,
        on_lan=True,
        port=port,
        cache=folder,
        cache_bytes=min(_MOST_BYTES, disk // _SHARE),
        reserve_bytes=min(_RESERVE, disk // _RESERVED_SHARE),
    )


def main() -> int:
    """Mirror until told to stop; the exit status."""
    console = Console(sys.stdout, sys.stderr)

    def emit(event: Event) -> None:
        if isinstance(event, Noted):
            console.warn(event.text)

    try:
        with offer(wanted_here(System())) as found:
            found.serve(lambda at: console.say(f"{at.repository} mirrors {at.source}"), emit)
    except Exception as error:  # no traceback is for people
        told = explained(error)
        console.error(told)
        return told.exit_code
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
