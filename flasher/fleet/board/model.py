"""The board's state and what changes it: reports that were verified, time, and the ledger. Pure.

A report changes what is known of one card. Who holds that card, and what it should have, comes from
the assignments; so a swap or a new card moves what is shown, and loses nothing that was heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from autosetup.report import Report
from flasher.fleet.board.heard import Heard, Twin, after, shown, text_of, twin_of
from flasher.fleet.board.judge import warnings_of
from flasher.fleet.board.view import BoardView, Grid, NodeView, RolloutView, Stranger
from flasher.rig.rigmap import Node

# A refused card is shown for so long, and so many of them.
STRANGERS_FOR, MOST_STRANGERS = timedelta(minutes=10), 20
# A computer that is refused speaks at least once a minute.
COPIED_FOR = timedelta(minutes=2)
# Whoever asked a node that never answered is not kept waiting.
ASKED_FOR = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Card:
    """The current card of a node.

    Attributes:
        wanted: the generation that it should have.
        replaces: id of the node's card before, whose keys count no more; empty for the first one.
    """

    card_id: str
    wanted: int = 0
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A card that spoke and was refused; `node` is whose it was, empty where nobody's."""

    card_id: str
    node: str
    address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Blink:
    """A node that somebody wants to see; `until` is None before the node heard of it."""

    asked_at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """A rig at one moment. Every method gives the next state, or what is shown of this one.

    Attributes:
        site: its name; `scanner`: that of its profile, empty where unknown.
        now: UTC; the board reads no clock.
        grids, nodes: of the rig map.
        cards: by the node's name.
        heard_of, blinks, twins: by card id.
        refusals: the newest last.
    """

    site: str
    now: datetime
    grids: tuple[Grid, ...] = ()
    nodes: tuple[Node, ...] = ()
    cards: Mapping[str, Card] = field(default_factory=dict)
    heard_of: Mapping[str, Heard] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    blinks: Mapping[str, Blink] = field(default_factory=dict)
    rollout: RolloutView = field(default_factory=RolloutView)
    scanner: str = ""
    twins: Mapping[str, Twin] = field(default_factory=dict)

    def at(self, now: datetime) -> Board:
        """Later; a clock that was put back takes every time that it gave with it."""
        board = self if now >= self.now else self._moved(now - self.now)
        refusals = tuple(each for each in board.refusals if now - each.at < STRANGERS_FOR)
        blinks = {card: blink for card, blink in board.blinks.items() if not _is_over(blink, now)}
        twins = {card: twin for card, twin in board.twins.items() if now < twin.until}
        return replace(board, now=now, refusals=refusals, blinks=blinks, twins=twins)

    def heard(self, report: Report, address: str, now: datetime) -> Board:
        """A card that belongs here said so; the report was verified.

        Args:
            report: of a card among the assignments.
            address: where it came from.
            now: UTC, when it came.
        """
        board, card = self.at(now), report.card_id
        known = board.heard_of.get(card)
        twin = twin_of(known, report, now) if known else None
        return replace(
            board,
            heard_of={**board.heard_of, card: after(known, report, address, now)},
            twins={**board.twins, card: twin} if twin else board.twins,
        )

    def copied(self, card_id: str, address: str, now: datetime) -> Board:
        """Another computer than the one that is heard speaks with a card's key, and is refused."""
        board, twin = self.at(now), Twin(address, now + COPIED_FOR)
        return replace(board, twins={**board.twins, card_id: twin})

    def refused(self, card_id: str, node: str, address: str, now: datetime) -> Board:
        """A card that does not belong here spoke: revoked (`node` is whose it was) or unknown."""
        board = self.at(now)
        others = tuple(each for each in board.refusals if each.card_id != card_id)
        refusals = (*others, Refusal(card_id, node, address, now))[-MOST_STRANGERS:]
        return replace(board, refusals=refusals)

    def asked_to_blink(self, card_id: str, now: datetime) -> Board:
        """Somebody wants to see which node this is."""
        board = self.at(now)
        return replace(board, blinks={**board.blinks, card_id: Blink(now)})

    def blinking(self, card_id: str, until: datetime, now: datetime) -> Board:
        """The node was told to blink, until then."""
        board = self.at(now)
        return replace(board, blinks={**board.blinks, card_id: Blink(now, until)})

    def with_cards(self, cards: Mapping[str, Card]) -> Board:
        """Other cards, as the ledger has them now; see `places.cards_of`."""
        return replace(self, cards=dict(cards))

    def with_rollout(self, rollout: RolloutView) -> Board:
        """Another state of the distribution."""
        return replace(self, rollout=rollout)

    def view(self) -> BoardView:
        """What is shown of it."""
        claims = self._claims()
        return BoardView(
            site=self.site,
            at=text_of(self.now),
            grids=self.grids,
            nodes=tuple(self._view_of(node, claims) for node in self.nodes),
            strangers=tuple(
                Stranger(each.card_id, each.node, each.address, text_of(each.at))
                for each in reversed(self.refusals)
            ),
            rollout=self.rollout,
            scanner=self.scanner,
        )

    def to_json(self) -> dict[str, object]:
        """The object of ``board.json``, see `BoardView.to_json`."""
        return self.view().to_json()

    def _moved(self, by: timedelta) -> Board:
        """As it would be, had the clock always gone so much ahead."""
        return replace(
            self,
            heard_of={card: heard.moved(by) for card, heard in self.heard_of.items()},
            refusals=tuple(replace(each, at=each.at + by) for each in self.refusals),
            blinks={card: _moved(blink, by) for card, blink in self.blinks.items()},
            twins={card: replace(twin, until=twin.until + by) for card, twin in self.twins.items()},
        )

    def _claims(self) -> Mapping[str, int]:
        """How many cards that speak call themselves by each name."""
        claims: dict[str, int] = {}
        for card in self.cards.values():
            heard = self.heard_of.get(card.card_id)
            if heard and not heard.is_missing(self.now):
                claims[heard.report.node] = claims.get(heard.report.node, 0) + 1
        return claims

    def _view_of(self, node: Node, claims: Mapping[str, int]) -> NodeView:
        card = self.cards.get(node.name)
        bare = NodeView(node.name, node.role, node.position, node.column, node.row)
        if card is None:
            return bare
        heard, twin = self.heard_of.get(card.card_id), self._twin(card)
        bare = replace(
            bare,
            state="unheard",
            card_id=card.card_id,
            wanted=card.wanted,
            replaces=card.replaces,
            blink=self._blink(card),
            warnings=self._warnings(node, card, claims),
            twin_address=twin.address if twin else "",
        )
        return shown(bare, heard, self.now) if heard else bare

    def _warnings(self, node: Node, card: Card, claims: Mapping[str, int]) -> tuple[str, ...]:
        has_old = any(each.node == node.name for each in self.refusals)
        ours: tuple[str, ...] = ("old-card",) if has_old else ()
        if self._twin(card):
            ours = (*ours, "two-pis")
        heard = self.heard_of.get(card.card_id)
        if heard is None or heard.is_missing(self.now):
            return ours
        if claims.get(heard.report.node, 0) > 1:
            ours = (*ours, "name-twice")
        return (*ours, *warnings_of(heard.report, heard.clock_offset))

    def _twin(self, card: Card) -> Twin | None:
        twin = self.twins.get(card.card_id)
        return twin if twin and self.now < twin.until else None

    def _blink(self, card: Card) -> str:
        blink = self.blinks.get(card.card_id)
        return "" if blink is None else "blinking" if blink.until else "asked"


def _moved(blink: Blink, by: timedelta) -> Blink:
    return Blink(blink.asked_at + by, blink.until + by if blink.until else None)


def _is_over(blink: Blink, now: datetime) -> bool:
    return now >= (blink.until or blink.asked_at + ASKED_FOR)
