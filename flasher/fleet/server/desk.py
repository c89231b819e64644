"""What nodes say and ask, judged: by whom it is signed, that it is new, and what follows from it.

No network, no files, no clock: whoever calls brings the time. Nothing that is refused changes more
than the list of strangers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from autosetup import envelope, forms
from autosetup.envelope import Envelope, read_envelope
from autosetup.faults import Faulty
from autosetup.manifest import LARGEST
from autosetup.report import verified
from autosetup.rollout_plan import RolloutPlan
from autosetup.strict_json import reading_json
from flasher.fleet.board.heard import Heard
from flasher.fleet.board.model import COPIED_FOR, Board
from flasher.fleet.board.places import cards_of
from flasher.fleet.board.view import RolloutView
from flasher.fleet.server.limits import Senders
from flasher.fleet.server.turns import UNKNOWN, Turns
from flasher.rig.assignments import Assignment, assignments
from flasher.rig.entry import Entry

BLINK_SECONDS = 15
# While somebody walks along the rig, nodes ask more often whether they shall blink.
_WALKING, _WALKING_SECONDS = timedelta(minutes=3), 2
# So long a plan may be on its way that tells of what a node asks for.
UNKNOWN_FOR = timedelta(minutes=5)
# A node that works reports once a second.
_CARD_RATE, _CARD_BURST = 4.0, 20.0
_ADDRESS_RATE, _ADDRESS_BURST = 500.0, 1000.0


class Declined(Exception):
    """What came is refused.

    Attributes:
        status: of HTTP: 400 not understood, 403 a stranger, 404 nothing is known of what is asked,
            409 said before, 429 too often.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Numbered:
    """One of the things that a card says, which are numbered by their kind."""

    kind: str
    card_id: str
    sequence: int
    address: str
    serial: str = ""

    def is_elsewhere(self, heard: Heard) -> bool:
        """Whether it comes from another address, or another Pi, than the last report."""
        is_other = self.serial not in ("", heard.report.serial)
        return is_other or self.address != heard.address


@dataclass(frozen=True, slots=True)
class Cards:
    """Whose word counts.

    Attributes:
        current: by card id.
        former: cards of this site that do not count: their last node and public key.
        replaced: the good card that a node had before, by the node's name.
    """

    current: Mapping[str, Assignment]
    former: Mapping[str, tuple[str, str]]
    replaced: Mapping[str, str] = field(default_factory=dict)


def cards_in(entries: Iterable[Entry], site: str) -> Cards:
    """The cards of a site by the lines of a ledger, oldest first. Pure."""
    lines = [line for line in entries if line.site == site and line.card_id]
    current = assignments(lines, site)
    former = {
        line.card_id: (line.node, line.report_key)
        for line in lines
        if line.card_id not in current and line.report_key
    }
    good = {line.card_id: line for line in lines if line.result in ("verified", "released")}
    replaced = {line.node: card for card, line in good.items() if card not in current}
    return Cards(current, former, replaced)


class Desk:
    """Where reports and questions of one site's nodes come in.

    Args:
        board: of the site.
        cards: whose word counts.
        sequences: the highest number that each card has used, by what it said and card.
        turns: where the rollout stood.
        at_once: no more nodes than so many, whatever the plan allows; 0 for as it says.
    """

    def __init__(
        self,
        board: Board,
        cards: Cards,
        sequences: Mapping[str, Mapping[str, int]] | None = None,
        turns: Turns | None = None,
        at_once: int = 0,
    ) -> None:
        kept = sequences or {}
        self.board = board
        self.cards = cards
        self.turns = (turns or Turns()).by(board.now.timestamp())
        self.sequences = {kind: dict(kept.get(kind, {})) for kind in ("reports", "turns")}
        self._refused: dict[tuple[str, str], tuple[int, datetime]] = {}
        self.plan: RolloutPlan | None = None
        self._at_once = at_once
        self._by_card = Senders(_CARD_RATE, _CARD_BURST)
        self._by_address = Senders(_ADDRESS_RATE, _ADDRESS_BURST)
        self._walked_at = board.now - _WALKING
        self._unknown: dict[str, tuple[int, datetime]] = {}

    def report(self, raw: bytes, address: str, now: datetime) -> dict[str, object]:
        """Take a report; gives the body of the answer.

        Args:
            raw: an envelope.
            address: where it came from.
            now: UTC.

        Raises:
            Declined: it is refused.
            AgentError: ``no-verifier``.
        """
        sealed = self._opened(raw, address)
        self._at(now)
        card = self._known(sealed, envelope.REPORT, address, now)
        try:
            report = verified(sealed, card.report_key)
        except Faulty as faulty:
            raise Declined(400, f"This report is not understood: {faulty}") from None
        if report is None:
            raise Declined(403, _NOT_SIGNED)
        numbered = _Numbered("reports", card.card_id, report.sequence, address, report.serial)
        self._count(numbered, now)
        self.board = self.board.heard(report, address, now)
        self.turns = self.turns.heard(report, now.timestamp())
        return self._answer(card.card_id, now)

    def turn(self, raw: bytes, address: str, now: datetime) -> dict[str, object]:
        """A node asks whether it may update; as `report`.

        Who has no plan for that, and gets none in `UNKNOWN_FOR`, has no say in it: declined with
        404, the node goes by the plan that it has itself.
        """
        sealed = self._opened(raw, address)
        self._at(now)
        card = self._known(sealed, envelope.TURN, address, now)
        if not envelope.is_signed(sealed, envelope.TURN, card.report_key):
            raise Declined(403, _NOT_SIGNED)
        generation, sequence = _asked(sealed)
        self._count(_Numbered("turns", card.card_id, sequence, address), now)
        if self.plan is None or generation > self.plan.generation:
            return self._without_plan(card.card_id, generation, now)
        turns = self.turns.under(self.plan)
        self.turns, answer = turns.ask(self.plan, card.card_id, generation, now.timestamp())
        return answer.to_json()

    def blink(self, card_id: str, now: datetime) -> bool:
        """Somebody wants to see a node; whether there is one of this card."""
        if card_id not in self.cards.current:
            return False
        self._at(now)
        self._walked_at = now
        self.board = self.board.asked_to_blink(card_id, now)
        return True

    def later(self, now: datetime) -> None:
        """Time passed."""
        self._at(now)
        self.board = self.board.with_rollout(self._rollout())

    def recognise(self, cards: Cards) -> None:
        """The ledger has other cards now."""
        if cards != self.cards:
            self.cards = cards
            self.board = self.board.with_cards(cards_of(cards.current.values(), cards.replaced))

    def follow(self, plan: RolloutPlan | None) -> None:
        """The repository has another plan now."""
        if plan and self._at_once:
            plan = replace(plan, at_once=min(plan.at_once, self._at_once))
        self.plan = plan
        turns = self.turns.under(plan)
        if turns is not self.turns and plan:
            # Nodes that have it already say so again only when something changes with them.
            for heard in self.board.heard_of.values():
                turns = turns.heard(heard.report, heard.since.timestamp())
        self.turns = turns

    def _at(self, now: datetime) -> None:
        """A clock that was put back makes nobody wait for it to come that far again."""
        if now < self.board.now:
            self.turns = self.turns.by(now.timestamp())
            self._walked_at = min(self._walked_at, now)
            self._unknown = {
                card: (asked, min(since, now)) for card, (asked, since) in self._unknown.items()
            }
        self.board = self.board.at(now)

    def _without_plan(self, card_id: str, generation: int, now: datetime) -> dict[str, object]:
        """Each card waits for itself: what one says it has found is no time that others waited."""
        asked, since = self._unknown.get(card_id, (0, now))
        since = since if asked == generation else now
        self._unknown[card_id] = generation, since
        if now - since >= UNKNOWN_FOR:
            raise Declined(404, "No plan is known here that tells of this generation.")
        return UNKNOWN.to_json()

    def _opened(self, raw: bytes, address: str) -> Envelope:
        if not self._by_address.lets(address):
            raise Declined(429, "Too much comes from this address.")
        try:
            return read_envelope(raw)
        except Faulty as faulty:
            raise Declined(400, f"This is not understood: {faulty}") from None

    def _known(self, sealed: Envelope, purpose: bytes, address: str, now: datetime) -> Assignment:
        card = self.cards.current.get(sealed.card_id)
        if card and card.report_key:
            return card
        node, key = self.cards.former.get(sealed.card_id, ("", ""))
        if not key or envelope.is_signed(sealed, purpose, key):
            self.board = self.board.refused(sealed.card_id, node, address, now)
        raise Declined(403, _REPLACED if node else _STRANGER)

    def _count(self, said: _Numbered, now: datetime) -> None:
        used = self.sequences[said.kind]
        if said.sequence <= used.get(said.card_id, -1):
            self._repeated(said, now)
            raise Declined(409, "This was said before.")
        if not self._by_card.lets(f"{said.kind} {said.card_id}"):
            raise Declined(429, "This card says too much.")
        used[said.card_id] = said.sequence

    def _repeated(self, said: _Numbered, now: datetime) -> None:
        """Whoever goes on counting below what was used, elsewhere, has the card's key as well.

        A node that gets no answer says the same once more, perhaps on another way: that is none.
        """
        key = said.kind, said.card_id
        number, when = self._refused.get(key, (said.sequence, now))
        self._refused[key] = said.sequence, now
        goes_on = said.sequence > number and now - when < COPIED_FOR
        heard = self.board.heard_of.get(said.card_id)
        if goes_on and heard and said.is_elsewhere(heard):
            self.board = self.board.copied(said.card_id, said.address, now)

    def _answer(self, card_id: str, now: datetime) -> dict[str, object]:
        answer: dict[str, object] = {"blink_seconds": 0, "server_time": now.timestamp()}
        blink = self.board.blinks.get(card_id)
        if blink and blink.until is None:
            answer["blink_seconds"] = BLINK_SECONDS
            until = now + timedelta(seconds=BLINK_SECONDS)
            self.board = self.board.blinking(card_id, until, now)
        if now - self._walked_at < _WALKING:
            answer["again_seconds"] = _WALKING_SECONDS
        return answer

    def _rollout(self) -> RolloutView:
        plan = self.plan
        if plan is None:
            return RolloutView()
        why = self.turns.stopped(plan)
        if plan.takes_back(plan.generation):
            state, why = "stopped", "This generation was withdrawn."
        elif plan.paused:
            state, why = "paused", ""
        elif self.turns.is_over(plan):
            state, why = "done", ""
        else:
            state = "stopped" if why else "running"
        return RolloutView(plan.generation, state, why)


_NOT_SIGNED = "This was not signed by the key of this card."
_REPLACED = "This card was replaced by another one."
_STRANGER = "No card of this site has this id."


def _asked(sealed: Envelope) -> tuple[int, int]:
    """Generation and sequence of a question."""
    try:
        with reading_json("turn", sealed.text.encode()) as top:
            if top.string("card_id", form=forms.CARD_ID) != sealed.card_id:
                top.fault("card_id", "The question is of another card.", "Refuse it.")
            generation = top.integer("generation", low=1, high=LARGEST)
            sequence = top.integer("sequence", low=0, high=LARGEST)
    except Faulty as faulty:
        raise Declined(400, f"This question is not understood: {faulty}") from None
    return generation, sequence
