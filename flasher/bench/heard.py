"""What a bench hears, and what it wants done: the inputs and the effects of its reducer."""

from __future__ import annotations

from dataclasses import dataclass

from flasher.bench.model import Job, Lane, NodeState
from flasher.card.advice import Advice
from flasher.card.inspect import CardReport
from flasher.drives.model import Drive
from flasher.drives.watch import DriveEvent
from flasher.errors import FlasherError
from flasher.events import Event
from flasher.prepare import CardResult
from flasher.rig.rigmap import Node


@dataclass(frozen=True, slots=True)
class Watched:
    """The drives can be looked at, or cannot: `trouble` says why."""

    trouble: FlasherError | None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes; `image_size` is what a card must have, None where there is no image yet."""

    image_size: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """The work in a lane says something."""

    reader: str
    token: int
    event: Event


@dataclass(frozen=True, slots=True)
class Ended:
    """The work in a lane ended."""

    reader: str
    token: int
    outcome: CardResult | FlasherError


@dataclass(frozen=True, slots=True)
class Found:
    """What a look inside a card found.

    Attributes:
        report, advice: of a card of ours; None for any other.
        stands: whether the card is in use, by the ledger or by its own word.
        is_unfinished: whether making it was begun and never ended.
        becomes: name of the node of this rig whose card it becomes then; empty for none.
        alive: name of the node of this rig that it shows to work; empty for none.
        is_shared: whether somebody's files are on a card of ours, too, or may be.
    """

    report: CardReport | None = None
    advice: Advice | None = None
    stands: bool = False
    is_unfinished: bool = False
    becomes: str = ""
    alive: str = ""
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """A look inside the card in a reader ended."""

    reader: str
    token: int
    found: Found


@dataclass(frozen=True, slots=True)
class Begin:
    """A person says yes to the card in a reader; or to what failed, once more.

    Attributes:
        again: do what failed again.
        agreed: the lane as the person saw it; None where nobody was asked.
    """

    reader: str
    again: bool = False
    agreed: Lane | None = None


@dataclass(frozen=True, slots=True)
class Rearm:
    """A person wants the card in a reader mended; `agreed` is the lane as it was seen."""

    reader: str
    new_payload: bool
    agreed: Lane | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A person wants work to stop; None for all of it."""

    reader: str | None


@dataclass(frozen=True, slots=True)
class Delay:
    """The card in a reader shall not start by itself."""

    reader: str


@dataclass(frozen=True, slots=True)
class Skip:
    """A node comes after all others."""

    name: str


@dataclass(frozen=True, slots=True)
class Choose:
    """A node comes before all others."""

    name: str


@dataclass(frozen=True, slots=True)
class SetAuto:
    """Cards shall start by themselves, or not."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetPaused:
    """Nothing new shall start, or it may again."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetNodeState:
    """A node's card was seen elsewhere."""

    name: str
    state: NodeState


Heard = (
    DriveEvent
    | Watched
    | Tick
    | Told
    | Ended
    | Looked
    | Begin
    | Rearm
    | Stop
    | Delay
    | Skip
    | Choose
    | SetAuto
    | SetPaused
    | SetNodeState
)


@dataclass(frozen=True, slots=True)
class Work:
    """Do a job on a card; its words come back as `Told`, its end as `Ended`, with this token."""

    reader: str
    token: int
    drive: Drive
    node: Node | None
    job: Job


@dataclass(frozen=True, slots=True)
class Cancel:
    """Tell work to stop."""

    reader: str
    token: int


@dataclass(frozen=True, slots=True)
class Look:
    """Look inside a card; what is found comes back as `Looked`, with this token."""

    reader: str
    token: int
    drive: Drive


Effect = Work | Cancel | Look
