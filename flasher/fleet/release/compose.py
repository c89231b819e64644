"""A release composed: a letter for each card, the files of their payloads, and the rollout plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from autosetup.letter import LARGEST_LETTER, Letter, make_letter, write_letter
from autosetup.rollout_plan import RolloutPlan, write_plan
from autosetup.secrets_file import SECRETS
from flasher.errors import BadInput
from flasher.events import Emit, ignore, step
from flasher.fleet.release import names
from flasher.fleet.release.changes import Change, compare, lines
from flasher.fleet.release.chosen import Cards, Wish, canaries_of, choose
from flasher.fleet.release.draft import Draft, DraftFolder
from flasher.fleet.release.past import Past, last_letter, past_of
from flasher.fleet.release.plan import (
    agent_of,
    begin,
    digest_of,
    laid_out,
    next_generation,
    spacing_of,
)
from flasher.fleet.release.state import State
from flasher.fleet.release.store import sha256_of
from flasher.rig.assignments import Assignment, current
from flasher.rig.entry import Entry
from flasher.rig.released import release_payload
from flasher.rig.rigmap import RigMap

_NOTHING_KNOWN: Mapping[str, int] = {}


def compose_release(
    state: State,
    folder: DraftFolder,
    rig: RigMap,
    wish: Wish,
    entries: Sequence[Entry],
    now: datetime,
    emit: Emit = ignore,
    has: Mapping[str, int] = _NOTHING_KNOWN,
) -> Draft:
    """Draft a release, in place of any other draft.

    Args:
        state: the repository as it stands.
        folder: of the draft.
        rig: the site's secrets and key among it.
        wish: what is wanted.
        entries: of the ledger, oldest first.
        now: UTC.
        emit: for progress.
        has: the generation that cards are known to have, by their id.

    Raises:
        BadInput: ``no-site-key``; ``not-released``, a canary gets no letter; a name that no path
            can have; what `choose` and `Past.check` raise.
        FlasherError: ``ledger-behind``, as `Past.check` has it.
        BadDocument: no node would accept its payload.
    """
    _check_key(rig)
    site = names.check_site(rig.site.name)
    cards = choose(rig, wish, entries, state.roots())
    canaries = canaries_of(rig, wish, cards)
    past = past_of(state, site, cards, entries, has)
    past.check(wish, rig.profile.name)
    generation = next_generation(now, cards.standing, past.plan)
    images = {card_id: line.image_digest for card_id, line in current(entries, site).items()}
    folder.begin()  # from here on another draft is gone
    letters = _Letters(state, folder, rig, images, generation, now).write(cards, past, emit)
    agents = _write_agent(folder, wish)
    agent = next(iter(agents), agent_of(state, past.plan))
    fresh = replace(begin(past.plan, site, generation, now, agent), canaries=canaries)
    plan = write_plan(_laid_out(fresh, rig, wish, cards))
    digest = folder.add(names.plan_target(site), plan)
    draft = _drafted(wish, cards, past, letters, digest, agents)
    folder.finish(draft)
    return draft


def _drafted(
    wish: Wish,
    cards: Cards,
    past: Past,
    letters: _Letters,
    plan: str,
    agents: Mapping[str, str],
) -> Draft:
    """What is told of a release whose files are in the folder, by their digests."""
    generation = letters.generation
    return Draft(
        scanner=wish.scanner,
        site=wish.site,
        site_name=letters.rig.site.name,
        generation=generation,
        plan=plan,
        letters=letters.digests,
        agents=agents,
        standing=tuple(cards.standing),
        cards=tuple(replace(card, generation=generation) for card in cards.chosen.values()),
        changes=tuple(lines(letters.changes)),
        left_out=(*cards.left_out, *past.told),
        upon=digest_of(past.plan),
    )


def _check_key(rig: RigMap) -> None:
    if rig.secrets.signer is None:
        what = f"The site {rig.site.name} has no key to sign with."
        hint = f"Make it once, and keep it: flasher site key {rig.site.name}"
        raise BadInput("no-site-key", what, hint)


@dataclass(slots=True)
class _Letters:
    """The letters of a release, and the files that they name.

    Attributes:
        images: digest of the image on each card, by card id.
        digests: sha256 of each letter that was written, by target path.
        changes: what becomes of each card.
    """

    state: State
    folder: DraftFolder
    rig: RigMap
    images: Mapping[str, str]
    generation: int
    now: datetime
    digests: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    _blobs: set[str] = field(default_factory=set)

    def write(self, cards: Cards, past: Past, emit: Emit) -> _Letters:
        """Write those of all chosen cards."""
        with step(emit, self.rig.site.name, "compose", len(cards.chosen)) as progress:
            for card in cards.chosen.values():
                was = cards.standing[card.card_id]
                roles = {card.role, was.role} | past.roles.get(card.card_id, set())
                letter = self._letter(card, roles)
                self.changes.append(compare(last_letter(self.state, was), letter.told, was.node))
                progress.advance(1)
        return self

    def _letter(self, card: Assignment, roles: set[str]) -> Letter:
        """A card's, under each role by which its node may ask for it."""
        node, image = self.rig.find(card.node), self.images[card.card_id]
        payload = release_payload(self.rig, node, card, self.generation, self.now, image)
        letter = make_letter(self.rig.site.name, payload, card.sealing_key)
        raw = _checked(write_letter(letter), card)
        for role in sorted(roles):
            target = names.letter_target(self.rig.site.name, role, card.card_id)
            self.digests[target] = self.folder.add(target, raw)
        self._write_blobs(letter, payload)
        return letter

    def _write_blobs(self, letter: Letter, payload: Mapping[str, bytes]) -> None:
        """The files that the repository lacks; what cards share is looked for once."""
        for name, record in letter.told.files.items():
            if name == SECRETS or record.sha256 in self._blobs:
                continue
            self._blobs.add(record.sha256)
            path = names.blob(record.sha256)
            there = self.state.folder / path
            if not (there.is_file() and sha256_of(there) == record.sha256):
                self.folder.put(path, payload[name])


def _checked(raw: bytes, card: Assignment) -> bytes:
    if len(raw) > LARGEST_LETTER:
        what = f"The letter for {card.node} would have {len(raw)} bytes."
        raise BadInput("letter-too-large", what, "Take files out of its payload.")
    return raw


def _write_agent(folder: DraftFolder, wish: Wish) -> dict[str, str]:
    if wish.agent is None:
        return {}
    target = names.agent_target(wish.agent.name)
    return {target: folder.add(target, wish.agent)}


def _laid_out(plan: RolloutPlan, rig: RigMap, wish: Wish, cards: Cards) -> RolloutPlan:
    """The plan with its pace, and with its cards in their order."""
    plan, said = replace(plan, at_once=wish.at_once), wish.spacing_seconds
    fitting = spacing_of(plan, len(cards.chosen), rig.site.update.every_minutes)
    paced = replace(plan, spacing_seconds=fitting if said is None else said)
    numbers = {node.name: number for number, node in enumerate(rig.nodes)}
    return laid_out(paced, {i: numbers[card.node] for i, card in cards.chosen.items()})
