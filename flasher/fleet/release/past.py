"""What a repository has of a site already, and what a new release would lose of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autosetup.letter import read_letter
from autosetup.rollout_plan import RolloutPlan
from autosetup.settings import Manifest
from flasher.errors import BadInput, FlasherError
from flasher.fleet.release import names
from flasher.fleet.release.chosen import Cards, Wish, named
from flasher.fleet.release.plan import plan_of
from flasher.fleet.release.state import State
from flasher.rig.assignments import Assignment
from flasher.rig.entry import Entry


@dataclass(frozen=True, slots=True)
class Past:
    """A site's releases so far, as they matter to the next one.

    Attributes:
        plan: in force; None before the first release.
        roles: under which each card's node may look for its letter, by card id.
        unknown: how many cards have a letter, but no line in the ledger.
        behind: cards whose last release the ledger lacks.
        left: cards of the plan that the next one is not for, and that may not be there yet.
    """

    plan: RolloutPlan | None
    roles: Mapping[str, set[str]]
    unknown: int
    behind: tuple[Assignment, ...]
    left: tuple[Assignment, ...]

    def check(self, wish: Wish, scanner: str) -> None:
        """Refuse a release that would lose something that nobody gave up.

        Args:
            wish: says what was given up.
            scanner: name of the profile that the release is for.

        Raises:
            FlasherError: ``ledger-behind``: letters would go, cards that were replaced would come
                back, and what was swapped would be undone.
            BadInput: ``another-scanner``: nodes of it are on their way, by the plan that would go.
        """
        if not wish.forget:
            self._check_ledger()
        others = [card for card in self.left if card.profile != scanner]
        if others and not wish.instead:
            what = (
                f"The release in force at {others[0].site} is for {others[0].profile}, and"
                f" {len(others)} of its nodes are not known to have it. A site has one rollout:"
                " theirs could not be paused or taken back any more, and would wait for no canary."
            )
            hint = "Wait until all have it: flasher rollout status. Or do without: --instead"
            raise BadInput("another-scanner", what, hint)

    def _check_ledger(self) -> None:
        lacks = [f"{self.unknown} cards that have releases"] if self.unknown else []
        if self.behind:
            lacks.append(f"the last release of {named(card.node for card in self.behind)}")
        if lacks:
            what = f"The ledger here does not know {', nor '.join(lacks)}."
            hint = (
                "On the computer that made them: flasher ledger export FILE; here: flasher ledger"
                " import FILE. After a `release publish` that could not tell the ledger: publish"
                " once more. If those lines are gone for good: --forget"
            )
            raise FlasherError("ledger-behind", what, hint)

    @property
    def told(self) -> tuple[str, ...]:
        """What becomes of cards that were given up: lines for people."""
        lines = []
        if self.left and self.plan:
            who, generation = named(card.node for card in self.left), self.plan.generation
            how = f"may still go on to generation {generation}, without its canaries and turns"
            lines.append(f"{who}: {how}; to keep them from it, first: flasher rollout back")
        if self.unknown:
            lines.append(f"{self.unknown} cards that the ledger here does not know: theirs go")
        return tuple(lines)


def past_of(
    state: State, site: str, cards: Cards, entries: Sequence[Entry], has: Mapping[str, int]
) -> Past:
    """What a repository has of a site.

    Args:
        cards: of the next release.
        entries: of the ledger.
        has: the generation that cards are known to have, by their id.

    Raises:
        FlasherError: ``repository-damaged``.
    """
    plan, roles = plan_of(state, site), _roles(state, site)
    return Past(
        plan=plan,
        roles=roles,
        unknown=len(roles.keys() - {line.card_id for line in entries}),
        behind=tuple(card for card in cards.standing.values() if _is_behind(state, card)),
        left=_left(plan, cards, has),
    )


def last_letter(state: State, card: Assignment) -> Manifest | None:
    """What was released for a card last; None where nothing was."""
    raw = state.read(names.letter_target(card.site, card.role, card.card_id))
    return read_letter(raw).told if raw else None


def _roles(state: State, site: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for role, data in state.delegated.items():
        if role.startswith(f"{site}."):
            for target in data.signed.targets:
                _, scanner_role, file = target.split("/")
                found.setdefault(file.removesuffix(".json"), set()).add(scanner_role)
    return found


def _is_behind(state: State, card: Assignment) -> bool:
    released = last_letter(state, card)
    return released is not None and released.generation > card.generation


def _left(plan: RolloutPlan | None, cards: Cards, has: Mapping[str, int]) -> tuple[Assignment, ...]:
    if plan is None or plan.takes_back(plan.generation):
        return ()
    left = (cards.standing.keys() & set(plan.cards)) - cards.chosen.keys()
    there = {card_id for card_id in left if has.get(card_id, 0) >= plan.generation}
    return tuple(card for i, card in cards.standing.items() if i in left - there)
