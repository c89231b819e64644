"""What things are called in a repository. Small letters only, so that FAT carries it, too."""

from __future__ import annotations

import re

from autosetup import forms
from autosetup.rollout_plan import AGENT, FILE
from flasher.errors import BadInput

METADATA, TARGETS, BLOBS = "metadata", "targets", "blobs"
TIMESTAMP = f"{METADATA}/timestamp.json"
ON_STICKS = "flasher-repository"  # nodes look for a folder of this name
_DIGEST = re.compile(r"blobs/../([0-9a-f]{64})|targets/(?:.*/)?([0-9a-f]{64})\.[^/]+")
_VERSIONED = re.compile(r"([1-9][0-9]*)\.(.+)\.json")
# The framework's own roles, and the folder of the agent's packages.
_RESERVED = frozenset({"root", "targets", "snapshot", "timestamp", "agent"})


def check_site(site: str) -> str:
    """A site's name, as it may be that of a role.

    Raises:
        BadInput: ``site-name``.
    """
    if forms.SITE.complain(site) or site in _RESERVED:
        what = f"A site called {site!r} cannot have releases."
        raise BadInput("site-name", what, "Make one of another name, with the same settings.")
    return site


def check_role(role: str) -> str:
    """The name of a scanner's role, as it may be part of a path; raises `BadInput`."""
    if wanted := forms.ROLE.complain(role):
        raise BadInput("role-name", f"There can be no role {role!r}.", f"It must be {wanted}.")
    return role


def role_of(site: str, role: str) -> str:
    """Who signs for the nodes of a scanner's role at a site; raises `BadInput` for odd names."""
    return f"{check_site(site)}.{check_role(role)}"


def plan_target(site: str) -> str:
    """The target that says how a site's release is rolled out; raises as `check_site`."""
    return f"{check_site(site)}/{FILE}"


def letter_target(site: str, role: str, card_id: str) -> str:
    """The target with a card's letter, for the time in which its node has this role.

    Raises:
        BadInput: ``card-id``, ``site-name``, ``role-name``.
    """
    if forms.CARD_ID.complain(card_id):
        raise BadInput("card-id", f"{card_id!r} is no card's id.", "Mend the ledger.")
    return f"{check_site(site)}/{check_role(role)}/{card_id}.json"


def agent_target(file: str) -> str:
    """The target with the agent's package; raises `BadInput` for any other file."""
    target = f"agent/{file}"
    if wanted := AGENT.complain(target):
        what = f"{file} is not named as the agent's package."
        raise BadInput("agent-name", what, f"It must be {wanted.removeprefix('agent/')}.")
    return target


def stored(target: str, sha256: str) -> str:
    """Where the bytes of a target lie in the repository."""
    folder, _, name = target.rpartition("/")
    return f"{TARGETS}/{folder}/{sha256}.{name}"


def blob(sha256: str) -> str:
    """Where a file of payloads lies, whichever they are."""
    return f"{BLOBS}/{sha256[:2]}/{sha256}"


def digest_in(path: str) -> str:
    """The sha256 that the path of a stored target, or of a blob, promises; else nothing."""
    found = _DIGEST.fullmatch(path)
    return (found[1] or found[2]) if found else ""


def versioned(role: str, version: int) -> str:
    """Where a version of a role's metadata lies."""
    return f"{METADATA}/{version}.{role}.json"


def version_in(file: str) -> tuple[str, int] | None:
    """The role and the version that a file in the folder of metadata has; None for any other."""
    found = _VERSIONED.fullmatch(file)
    return (found[2], int(found[1])) if found else None
