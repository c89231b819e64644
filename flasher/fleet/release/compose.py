"""A release composed: a letter for each card, the files of their payloads, and the rollout plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from autosetup.letter import LARGEST_LETTER, make_letter, read_letter, write_letter
from autosetup.rollout_plan import RolloutPlan, write_plan
from autosetup.secrets_file import SECRETS
from autosetup.settings import Manifest
from flasher.errors import BadInput
from flasher.events import Emit, ignore, step
from flasher.fleet.release import names
from flasher.fleet.release.changes import Change, compare, lines
from flasher.fleet.release.draft import Draft, DraftFolder
from flasher.fleet.release.plan import begin, laid_out, next_generation, plan_of
from flasher.fleet.release.state import State
from flasher.fleet.release.store import sha256_of
from flasher.rig.assignments import Assignment, assignments, current, swapped
from flasher.rig.entry import Entry
from flasher.rig.released import release_payload
from flasher.rig.rigmap import RigMap

_NO_KEYS = "their cards were made before nodes had keys: prepare new ones"
_STRANGE = "{} cards that the ledger here does not know: their letters go"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants released.

    Attributes:
        scanner, site: as they were named.
        nodes: by name or position; empty for all.
        canaries: those that go first, by name or position.
        swaps: pairs of nodes that sit in each other's place.
        at_once, spacing_seconds: as in the plan.
        agent: the agent's package, for all sites of the repository.
    """

    scanner: str
    site: str
    nodes: Sequence[str] = ()
    canaries: Sequence[str] = ()
    swaps: Sequence[tuple[str, str]] = ()
    at_once: int = 10
    spacing_seconds: int = 0
    agent: Path | None = None


@dataclass(frozen=True, slots=True)
class _Cards:
    """Whose cards get what.

    Attributes:
        standing: all cards of the site, as they are until now.
        chosen: those that get a letter, as they will be.
        left_out: lines for people.
    """

    standing: Mapping[str, Assignment]
    chosen: Mapping[str, Assignment]
    left_out: tuple[str, ...]

    @property
    def of_node(self) -> dict[str, str]:
        """The id of the chosen card of each node."""
        return {card.node: card.card_id for card in self.chosen.values()}


def compose_release(
    state: State,
    folder: DraftFolder,
    rig: RigMap,
    wish: Wish,
    entries: Sequence[Entry],
    now: datetime,
    emit: Emit = ignore,
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

    Raises:
        BadInput: ``no-site-key``; ``nothing-to-release``; ``no-such-node``; ``not-released``, a
            canary gets no letter; what `swapped` raises, and a name that no path can have.
        BadDocument: no node would accept its payload.
    """
    site = names.check_site(rig.site.name)
    if rig.secrets.signer is None:
        what = f"The site {site} has no key to sign with."
        raise BadInput("no-site-key", what, f"Make it once, and keep it: flasher site key {site}")
    cards = _choose(rig, wish, entries)
    canaries = _canaries(rig, wish, cards.of_node)
    strange = len(_offered(state, site).keys() - {line.card_id for line in entries})
    before = plan_of(state, site)
    generation = next_generation(now, cards.standing, before)
    folder.begin()  # from here on another draft is gone
    images = {card_id: line.image_digest for card_id, line in current(entries, site).items()}
    changes, letters = _write_letters(state, folder, rig, cards, images, generation, now, emit)
    agents = _write_agent(folder, wish)
    fresh = begin(before, site, generation, now, next(iter(agents), ""))
    plan = _plan(rig, wish, cards.of_node, replace(fresh, canaries=canaries))
    draft = Draft(
        scanner=wish.scanner,
        site=wish.site,
        site_name=site,
        generation=generation,
        plan=folder.add(names.plan_target(site), write_plan(plan)),
        letters=letters,
        agents=agents,
        standing=tuple(cards.standing),
        cards=tuple(replace(card, generation=generation) for card in cards.chosen.values()),
        changes=tuple(lines(changes)),
        left_out=(*cards.left_out, *([_STRANGE.format(strange)] if strange else [])),
    )
    folder.finish(draft)
    return draft


def _choose(rig: RigMap, wish: Wish, entries: Sequence[Entry]) -> _Cards:
    standing = assignments(entries, rig.site.name)
    cards: Mapping[str, Assignment] = standing
    for first, second in wish.swaps:
        cards = swapped(cards, rig.find(first).name, rig.find(second).name)
    wanted = {rig.find(word).name for word in wish.nodes}
    wanted |= {rig.find(word).name for pair in wish.swaps for word in pair} if wanted else set()
    known = {node.name for node in rig.nodes}
    ours = [card for card in cards.values() if card.profile == rig.profile.name]
    asked = [card for card in ours if not wanted or card.node in wanted]
    chosen = {c.card_id: c for c in asked if c.has_keys and c.node in known}
    if not chosen:
        what = f"No card of {rig.profile.name} at {rig.site.name} can get a release."
        hint = "Prepare cards first: flasher prepare; older cards have no keys of their own."
        raise BadInput("nothing-to-release", what, hint)
    return _Cards(standing, chosen, tuple(_left_out(rig, ours, asked, known)))


def _left_out(
    rig: RigMap, ours: Sequence[Assignment], asked: Sequence[Assignment], known: set[str]
) -> list[str]:
    old = [card.node for card in asked if not card.has_keys]
    gone = [card.node for card in asked if card.node not in known]
    without = sorted(known - {card.node for card in ours})
    groups = (
        (old, _NO_KEYS),
        (gone, f"{rig.profile.name} has no such nodes any more"),
        (without, "no card was made for them yet"),
    )
    return [f"{_named(nodes)}: {why}" for nodes, why in groups if nodes]


def _named(nodes: Sequence[str]) -> str:
    rest = len(nodes) - 5
    return ", ".join(nodes[:5]) + (f" and {rest} more" if rest > 0 else "")


def _write_letters(
    state: State,
    folder: DraftFolder,
    rig: RigMap,
    cards: _Cards,
    images: Mapping[str, str],
    generation: int,
    now: datetime,
    emit: Emit,
) -> tuple[list[Change], dict[str, str]]:
    """A letter for each card, and the files that they name; what changes, and their digests."""
    changes, letters = [], {}
    offered, seen = _offered(state, rig.site.name), set[str]()
    with step(emit, rig.site.name, "compose", len(cards.chosen)) as progress:
        for card in cards.chosen.values():
            node = rig.find(card.node)
            payload = release_payload(rig, node, card, generation, now, images[card.card_id])
            letter = make_letter(rig.site.name, payload, card.sealing_key)
            was = cards.standing[card.card_id]
            roles = {card.role, was.role} | offered.get(card.card_id, set())
            changes.append(compare(_last(state, was), letter.told, was.node))
            raw = _checked(write_letter(letter), card)
            for role in sorted(roles):
                target = names.letter_target(rig.site.name, role, card.card_id)
                letters[target] = folder.add(target, raw)
            _write_blobs(state, folder, letter.told, payload, seen)
            progress.advance(1)
    return changes, letters


def _checked(raw: bytes, card: Assignment) -> bytes:
    if len(raw) > LARGEST_LETTER:
        what = f"The letter for {card.node} would have {len(raw)} bytes."
        raise BadInput("letter-too-large", what, "Take files out of its payload.")
    return raw


def _write_blobs(
    state: State,
    folder: DraftFolder,
    told: Manifest,
    payload: Mapping[str, bytes],
    seen: set[str],
) -> None:
    """The files that the repository lacks; each of those that cards share is looked for once."""
    for name, record in told.files.items():
        if name == SECRETS or record.sha256 in seen:
            continue
        seen.add(record.sha256)
        path = names.blob(record.sha256)
        there = state.folder / path
        if not (there.is_file() and sha256_of(there) == record.sha256):
            folder.put(path, payload[name])


def _write_agent(folder: DraftFolder, wish: Wish) -> dict[str, str]:
    if wish.agent is None:
        return {}
    target = names.agent_target(wish.agent.name)
    return {target: folder.add(target, wish.agent)}


def _plan(rig: RigMap, wish: Wish, of_node: Mapping[str, str], fresh: RolloutPlan) -> RolloutPlan:
    plan = replace(fresh, at_once=wish.at_once, spacing_seconds=wish.spacing_seconds)
    numbered = enumerate(node.name for node in rig.nodes)
    return laid_out(plan, {of_node[name]: n for n, name in numbered if name in of_node})


def _canaries(rig: RigMap, wish: Wish, of_node: Mapping[str, str]) -> tuple[str, ...]:
    nodes = dict.fromkeys(rig.find(word).name for word in wish.canaries)
    for name in nodes:
        if name not in of_node:
            what = f"{name} is to go first, but nothing is released for it."
            raise BadInput("not-released", what, "Name another node, or none.")
    return tuple(of_node[name] for name in nodes)


def _offered(state: State, site: str) -> dict[str, set[str]]:
    """The roles under which each card's node may look for its letter, by earlier releases."""
    found: dict[str, set[str]] = {}
    for role, data in state.delegated.items():
        if role.startswith(f"{site}."):
            for target in data.signed.targets:
                _, scanner_role, file = target.split("/")
                found.setdefault(file.removesuffix(".json"), set()).add(scanner_role)
    return found


def _last(state: State, card: Assignment) -> Manifest | None:
    raw = state.read(names.letter_target(card.site, card.role, card.card_id))
    return read_letter(raw).told if raw else None
