"""What a lane does to a card, in its own thread: makes it, or mends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flasher.bench.heard import Work
from flasher.card.inspect import card_id_on
from flasher.card.making import Making
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Emit, Noted, StepStarted, check_cancelled
from flasher.image.source import ImageFile
from flasher.mend import Mended, mend
from flasher.prepare import CardResult, plan_node_card, prepare_card
from flasher.rig.ledger import Ledger
from flasher.rig.rigmap import Node, RigMap


@dataclass(frozen=True, slots=True)
class Doing:
    """The engine, as a bench uses it.

    Attributes:
        image: the base image now, as `BenchRunner` has it.
    """

    rig: RigMap
    ledger: Ledger
    making: Making
    image: Callable[[], ImageFile | FlasherError | None]
    now: Callable[[], datetime]

    def do(self, work: Work, emit: Emit, cancel: CancelFlag) -> CardResult:
        """Do a job on a card.

        Raises:
            FlasherError: as the engine says; also ``no-image``, ``nothing-to-mend``.
        """
        if work.job == "make" and work.node:
            return self._make(work, work.node, emit, cancel)
        return self._mend(work, emit, cancel)

    def _make(self, work: Work, node: Node, emit: Emit, cancel: CancelFlag) -> CardResult:
        image = self.image()
        if isinstance(image, FlasherError):
            raise image
        if image is None:
            what = "The base image is still being opened."
            raise FlasherError("no-image", what, "Wait a moment, then start this card again.")
        image.learn_digest(emit=emit, cancel=cancel)
        card = plan_node_card(self.rig, node, image, self.now())
        check_cancelled(cancel, f"Making the card of {node.name}")
        return prepare_card(
            card, work.drive, self.ledger, emit=emit, cancel=cancel, making=self.making
        )

    def _mend(self, work: Work, emit: Emit, cancel: CancelFlag) -> CardResult:
        """Mend it; nothing is ejected: it is a few files only, and they are read back."""

        def confirm(plan: Mended) -> None:
            check_cancelled(cancel, f"Mending the card of {plan.node}")
            if plan.doubt:
                emit(Noted(str(work.drive.path), plan.doubt, warning=True))
            emit(StepStarted(str(work.drive.path), "write", None, "bytes"))

        rig = self.rig if work.job == "anew" else None
        done = mend(work.drive, rig, self.ledger, confirm=confirm, home=self.rig)
        if done is None:
            what = f"There is nothing to mend on the card in {work.drive.path}."
            raise FlasherError("nothing-to-mend", what, "Put it into its Pi and start it.")
        return CardResult(
            node=work.node or _stranger(done.node),
            drive=work.drive.path,
            generation=done.generation,
            card_id=card_id_on(work.drive.path),
            image_digest="",
            bytes_written=done.bytes_written,
            bytes_verified=done.bytes_written,
            seconds=0.0,
        )


def _stranger(name: str) -> Node:
    """A node of another rig: its name is all that is known."""
    return Node(name, role="", position=name, column=0, row=0)
