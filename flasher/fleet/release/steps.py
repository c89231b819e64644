"""What people do with a repository: sign a draft, publish it, change a plan, renew what ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Signer  # type: ignore[attr-defined]

from autosetup.rollout_plan import RolloutPlan, write_plan
from flasher.errors import BadInput, FlasherError
from flasher.events import Emit, ignore
from flasher.fleet.release import names, signing
from flasher.fleet.release.copies import blobs_of
from flasher.fleet.release.draft import Draft, DraftFolder
from flasher.fleet.release.place import Place
from flasher.fleet.release.plan import (
    agent_of,
    counting_from,
    digest_of,
    is_late,
    plan_before,
    plan_of,
    read_plan_of,
)
from flasher.fleet.release.publish import publish
from flasher.fleet.release.signing import Signed, Wanted
from flasher.fleet.release.state import State
from flasher.fleet.release.store import Source, sha256_of
from flasher.rig.signing import SiteSigner

TargetsKey = Callable[[], Signer]


def sign_draft(
    place: Place,
    state: State,
    signer: SiteSigner,
    targets_key: TargetsKey,
    clock: Callable[[], datetime],
) -> tuple[Draft, tuple[str, ...]]:
    """Sign the draft for what is in force now; its lots of nodes count from now on.

    Args:
        place, state: the repository.
        signer: with the site's key.
        targets_key: asked for only where it must sign; a person may take long to answer.
        clock: gives UTC.

    Returns:
        the draft, and the roles whose metadata was made.

    Raises:
        BadInput: ``no-draft``, ``draft-damaged``; ``another-site``.
        FlasherError: ``draft-outdated``.
    """
    folder = DraftFolder(place.draft)
    draft = folder.load()
    if draft.site_name != signer.name:
        what = f"The release being prepared is for {draft.site_name}, not for {signer.name}."
        raise BadInput("another-site", what, f"Sign it as {draft.site_name}.")
    _check_upon(draft, state)
    agents = folder.agent_files(draft)
    key = targets_key() if agents or signing.needs_targets(state, signer, clock()) else None
    now = clock()
    plan = write_plan(counting_from(folder.plan(draft), now))
    standing = frozenset(draft.standing)
    wanted = Wanted(draft.site_name, plan, folder.letter_files(draft), standing.__contains__)
    made = signing.sign_site(state, wanted, signer, now)
    if key:
        made["targets"] = signing.sign_targets(state, now, key, site=signer, agents=agents)
    draft = folder.replace_plan(draft, plan)
    folder.keep_signed(made)
    return draft, tuple(made)


def publish_draft(place: Place, state: State, now: datetime, emit: Emit = ignore) -> Draft:
    """Put the signed draft in force. It stays, for the ledger's sake, until `DraftFolder.discard`.

    Where it was already, because the program was killed just then, nothing is done; also where its
    plan was changed since.

    Raises:
        BadInput: ``no-draft``, ``not-signed``, ``draft-damaged``.
        FlasherError: ``draft-outdated``; ``draft-late``, it was signed too long ago.
    """
    folder = DraftFolder(place.draft)
    draft, made = folder.load(), folder.signed()
    if not _is_in_force(draft, state):
        _check_upon(draft, state)
        _check_in_time(folder.plan(draft), now)
        files = folder.files(draft)
        _check_whole(folder.letter_files(draft).values(), files, state)
        publish(place, state, made, files, now, emit)
    return draft


def discard_draft(place: Place, state: State) -> bool:
    """Throw the draft away; whether there was one.

    Raises:
        BadInput: ``in-force``: it was published, and the ledger is to be told from it still.
    """
    folder = DraftFolder(place.draft)
    if not folder.is_there():
        return False
    if _is_published(folder, state):
        what = "The release is in force, but the ledger does not know of it."
        raise BadInput("in-force", what, "Tell it: flasher release publish")
    folder.discard()
    return True


def _is_published(folder: DraftFolder, state: State) -> bool:
    try:
        return _is_in_force(folder.load(), state)
    except BadInput:  # one that nobody can read may go
        return False


def change_plan(
    place: Place,
    state: State,
    signer: SiteSigner,
    change: Callable[[RolloutPlan], RolloutPlan],
    targets_key: TargetsKey,
    now: datetime,
) -> RolloutPlan:
    """Publish another plan for the release that a site has; letters stay as they are.

    Where it goes on after a pause, the lots that are left begin one after the other from now on.
    With a generation that is taken back goes the agent that came with it: the plan names the one
    before again.

    Raises:
        BadInput: ``no-release``.
    """
    before = read_plan_of(state, signer.name)
    plan = change(before)
    if plan == before:
        return plan
    if before.paused and not plan.paused:
        plan = counting_from(plan, now)
    if plan.takes_back(plan.generation) and not before.takes_back(plan.generation):
        plan = replace(plan, agent=agent_of(state, plan_before(state, signer.name)))
    raw = write_plan(plan)
    made = signing.sign_site(state, Wanted(signer.name, raw), signer, now)
    if signing.needs_targets(state, signer, now):
        made["targets"] = signing.sign_targets(state, now, targets_key(), site=signer)
    path = names.stored(names.plan_target(signer.name), sha256_of(raw))
    publish(place, state, made, {path: raw}, now)
    return plan


def renew(
    place: Place,
    state: State,
    now: datetime,
    *,
    signers: Iterable[SiteSigner] = (),
    targets_key: TargetsKey | None = None,
) -> State:
    """Sign anew what would end: timestamp and snapshot; and sites and targets, whose keys are here.

    Args:
        place, state: the repository.
        now: UTC.
        signers: of the sites to renew.
        targets_key: None leaves the targets as they are.
    """
    made: Signed = {}
    for signer in signers:
        raw = state.read(names.plan_target(signer.name))
        if raw is None:
            read_plan_of(state, signer.name)
            raise AssertionError
        made |= signing.sign_site(state, Wanted(signer.name, raw, renews=True), signer, now)
    if targets_key:
        made["targets"] = signing.sign_targets(state, now, targets_key())
    return publish(place, state, made, {}, now)


def _check_upon(draft: Draft, state: State) -> None:
    """A plan that was changed since may have taken back what this draft would bring again."""
    if draft.upon != digest_of(plan_of(state, draft.site_name)):
        what = f"Since this release was made, the rollout of {draft.site_name} was changed."
        raise FlasherError("draft-outdated", what, "Make it anew: flasher release new")


def _check_whole(letters: Iterable[Path], files: Mapping[str, Source], state: State) -> None:
    """What was there already when a draft was made may have been pruned by another computer."""
    named = {blob for letter in letters for blob in blobs_of(letter.read_bytes())}
    if not all((state.folder / blob).is_file() for blob in named - files.keys()):
        what = "Files that this release counts on are not in the repository any more."
        raise FlasherError("draft-outdated", what, "Make it anew: flasher release new")


def _check_in_time(plan: RolloutPlan, now: datetime) -> None:
    """Lots whose time has passed would begin all at once, beside those that should go first."""
    if is_late(plan, now):
        what = f"This release was signed at {plan.released_at}, and its lots count from then."
        hint = "So that they do not begin all at once, sign it again: flasher release sign"
        raise FlasherError("draft-late", what, hint)


def _is_in_force(draft: Draft, state: State) -> bool:
    plan = plan_of(state, draft.site_name)
    return plan is not None and plan.generation == draft.generation
