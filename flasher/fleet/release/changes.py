"""What a release changes for whom: told before anybody signs it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autosetup.secrets_file import SECRETS
from autosetup.settings import Manifest

_MOST_NAMED = 3
# So many lines; a release that changes more is new to everybody anyway.
_MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one node.

    Attributes:
        node: its name by this release.
        before: its name before; the same one, but where nodes change places.
        files: what happens to files of its payload, such as ``scripts/10-x new``.
        is_first: nothing was released for its card before, so there is nothing to compare with.
    """

    node: str
    before: str
    files: tuple[str, ...] = ()
    is_first: bool = False


def compare(before: Manifest | None, after: Manifest, named: str) -> Change:
    """What two generations of a card differ in.

    Secrets are sealed anew each time, so nobody can tell whether they changed.

    Args:
        before: None where nothing was released for it yet.
        after: what is to be.
        named: what its node is called until now.
    """
    if before is None:
        return Change(after.node, named, is_first=True)
    return Change(after.node, named, tuple(_files(before, after)))


def _files(before: Manifest, after: Manifest) -> Iterator[str]:
    for name in sorted({*before.files, *after.files} - {SECRETS}):
        if name not in before.files:
            yield f"{name} new"
        elif name not in after.files:
            yield f"{name} gone"
        elif before.files[name] != after.files[name]:
            yield f"{name} changed"


def lines(changes: Iterable[Change]) -> list[str]:
    """The same for people: what happens, and to how many nodes; places that change come first."""
    changes = list(changes)
    moved = [f"{c.before} becomes {c.node}" for c in changes if c.node != c.before]
    groups: dict[str, list[str]] = {}
    for change in changes:
        for what in _told(change):
            groups.setdefault(what, []).append(change.node)
    counted = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    told = [*moved, *(f"{_who(nodes)}: {what}" for what, nodes in counted)]
    rest = len(told) - _MOST_LINES
    return [*told[:_MOST_LINES], f"and {rest} more changes"] if rest > 1 else told


def _told(change: Change) -> tuple[str, ...]:
    if change.is_first:
        return ("their first release",)
    return change.files or ("the same files as before; secrets are sealed anew",)


def _who(nodes: list[str]) -> str:
    if len(nodes) <= _MOST_NAMED:
        return ", ".join(nodes)
    return f"{len(nodes)} nodes"


def as_json(changes: Iterable[Change]) -> list[Mapping[str, object]]:
    """The same for scripts."""
    return [
        {"node": c.node, "before": c.before, "files": c.files, "first": c.is_first} for c in changes
    ]
