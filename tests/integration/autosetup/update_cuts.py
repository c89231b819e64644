"""Updates of each kind, cut short at a moment; and what their end consists of."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import NamedTuple

from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.launching import agents_on
from tests.integration.autosetup.updating import BAD_SCRIPT, Rig, motd, run
from tests.integration.autosetup.upgrades import outcome

KINDS = ("good", "bad", "agent", "bad agent")
_KILLED = 128 + signal.SIGKILL


def prepare(rig: Rig, kind: str) -> None:
    """Publish an update of a kind."""
    match kind:
        case "good":
            rig.release()
        case "bad":
            rig.release(rig.payload(script=BAD_SCRIPT))
        case "agent":
            rig.release_agent()
        case _:
            rig.release_agent(run="raise RuntimeError('as it loads')")


def cut_and_go_on(node: Node, moments: Sequence[int]) -> bool:
    """Cut the update at these moments, each time from its beginning; boot, and look again.

    Whether there was anything to cut.
    """
    was_cut = [run(node, cut_at=moment).returncode == _KILLED for moment in moments]
    run(node, "run")
    run(node)
    return any(was_cut)


class End(NamedTuple):
    """The tree of a node, by path; and what it remembers and says."""

    tree: dict[str, tuple[object, ...]]
    rest: tuple[object, ...]


def ended(node: Node) -> End:
    """All that the end of an update consists of, but for times and what may be left to fetch."""
    tree, remembered, told = outcome(node)
    agents = agents_on(node)
    assert isinstance(tree, dict)
    kept = {path: facts for path, facts in tree.items() if not _is_of_updater(path)}
    return End(kept, (remembered, told, motd(node), agents.current(), tuple(agents.bad())))


def _is_of_updater(path: str) -> bool:
    """Metadata and counters, which say what was asked for and not what is in force."""
    own = ("var/lib/autosetup/update", "var/lib/autosetup/turns", "var/lib/autosetup-agents", "tmp")
    return path.startswith(own)
