"""Cards that come and go: what a lane makes of what is in its reader. Pure."""

from __future__ import annotations

from dataclasses import replace

from flasher.bench.heard import Effect, Found, Look, Looked
from flasher.bench.model import (
    Autopsy,
    BenchState,
    Counting,
    Empty,
    Failed,
    Holding,
    Lane,
    NodeState,
    Offered,
    Ready,
    Refused,
    Working,
)
from flasher.drives.model import NO_TABLE, Drive
from flasher.drives.watch import Appeared, Changed, DriveEvent, Gone
from flasher.progress import readable_size

Step = tuple[BenchState, tuple[Effect, ...]]


def reader_of(drive: Drive) -> str:
    """What a drive's reader is known by, whichever card is in it."""
    return drive.port or str(drive.path)


def mark_of(drive: Drive) -> str:
    """What tells a card from others in the same reader; empty where nothing does."""
    told = not drive.identity.endswith("#")  # kernels before 5.15 count no changes of cards
    return drive.card_id or (drive.identity if told else "")


def see(state: BenchState, event: DriveEvent) -> Step:
    """A drive came, went or changed."""
    lane = state.find(reader_of(event.drive))
    if lane is None:
        if _is_built_in(event.drive):
            return state, ()
        lane = Lane(reader_of(event.drive))
    match event:
        case Appeared(drive) | Changed(drive) if drive.size:
            return _present(state, lane, drive)
        case Gone(drive) if lane.memory.seen and lane.memory.seen.path != drive.path:
            return state, ()  # its reader came back under another name before
    return state.with_lane(_without_card(lane)), ()


def hear_look(state: BenchState, heard: Looked) -> Step:
    """A look inside a card came to an end."""
    lane = state.find(heard.reader)
    if lane is None or lane.memory.token != heard.token:
        return state, ()
    drive, found = lane.memory.seen, heard.found
    if isinstance(lane.phase, Failed) and drive and lane.memory.pulled:
        if _is_back(lane, drive, found):
            memory = replace(lane.memory, pulled=None)
            return state.with_lane(replace(lane, drive=drive, memory=memory)), ()
        state, _ = arrive(state, lane, drive)
        lane = state.lane(heard.reader)
    if not isinstance(lane.phase, Offered | Counting | Refused) or lane.memory.holding is None:
        return state, ()
    if found.alive and state.states.get(found.alive) is not NodeState.WRITING:
        state = state.with_state(found.alive, NodeState.ALIVE)
    return _no_more_waited_for(state, found).with_lane(_judged(state, lane, found)), ()


def _no_more_waited_for(state: BenchState, found: Found) -> BenchState:
    """The card that was pulled out of a reader came back in another one, which goes on with it."""
    for lane in state.lanes:
        waits = isinstance(lane.phase, Failed) and lane.memory.pulled and lane.drive is None
        if waits and lane.node and lane.node.name == found.becomes:
            memory = replace(lane.memory, token=lane.memory.token + 1, pulled=None, holding=None)
            state = state.with_lane(replace(lane, node=None, phase=Empty(), memory=memory))
    return state


def arrive(state: BenchState, lane: Lane, drive: Drive) -> Step:
    """A card is in the reader that was not, or that is another by now."""
    memory = replace(
        lane.memory,
        token=lane.memory.token + 1,
        seen=drive,
        is_used=True,
        is_held=mark_of(drive) in state.known,
        holding=None,
        becomes="",
        pulled=None,
        job="make",
    )
    lane = replace(lane, drive=drive, memory=memory)
    if why := _why_not(drive):
        return state.with_lane(replace(lane, phase=Refused(why))), ()
    holding, unclear = _at_first_sight(drive)
    effects = (Look(lane.reader, memory.token, drive),) if unclear else ()
    return state.with_lane(offered(lane, holding)), effects


def offered(lane: Lane, holding: Holding) -> Lane:
    """A lane whose card may be written as soon as a person says so."""
    return replace(lane, phase=Offered(holding), memory=replace(lane.memory, holding=holding))


def measured(lane: Lane, needed: int) -> Lane:
    """A lane whose card is refused if it is too small for what must be on it, and only then."""
    drive, holding = lane.drive, lane.memory.holding
    if drive is None or holding is None:
        return lane
    if isinstance(lane.phase, Offered | Counting) and drive.size < needed:
        why = f"it is too small: it has {readable_size(drive.size)}, {readable_size(needed)} are"
        return replace(lane, phase=Refused(f"{why} needed"))
    if isinstance(lane.phase, Refused) and drive.size >= needed:
        return offered(lane, holding)
    return lane


def is_same(drive: Drive, other: Drive | None) -> bool:
    """Whether two drives are one card, as far as the kernel can tell."""
    return other is not None and not Changed(drive, other).is_other_card


def settle_after_work(state: BenchState, lane: Lane) -> Step:
    """What happened to the reader while its card was made counts now."""
    seen = lane.memory.seen
    if seen is not None and seen.size and not is_same(seen, lane.drive):
        return _present(state, lane, seen)
    if seen is None and lane.memory.pulled:
        lane = replace(lane, drive=None)
    return state.with_lane(lane), ()


def _is_built_in(drive: Drive) -> bool:
    """Whether it is a disk of this computer, which is no reader and never will be."""
    inside = drive.kind in ("nvme", "ata", "other") and not drive.removable
    return inside and drive.refusal is not None


def _present(state: BenchState, lane: Lane, drive: Drive) -> Step:
    memory = lane.memory
    same = memory.seen is not None and is_same(drive, memory.seen)
    if isinstance(lane.phase, Working):
        return state.with_lane(replace(lane, memory=replace(memory, seen=drive))), ()
    if isinstance(lane.phase, Failed) and memory.pulled and not (same and lane.drive):
        return _perhaps_back(state, lane, drive)
    if same and _stays(lane, drive):
        lane = replace(lane, drive=drive, memory=replace(memory, seen=drive))
        if isinstance(lane.phase, Counting):  # any change of a card restarts its count-down
            lane = offered(lane, lane.memory.holding or "foreign")
        return state.with_lane(lane), ()
    was_held = same and memory.is_held
    state, effects = arrive(state, lane, drive)
    if was_held:
        lane = state.lane(lane.reader)
        state = state.with_lane(replace(lane, memory=replace(lane.memory, is_held=True)))
    return state, effects


def _perhaps_back(state: BenchState, lane: Lane, drive: Drive) -> Step:
    """The card that was pulled out may be in again: only a look inside can tell."""
    memory = replace(lane.memory, token=lane.memory.token + 1, seen=drive)
    lane = replace(lane, drive=None, memory=memory)
    return state.with_lane(lane), (Look(lane.reader, memory.token, drive),)


def _without_card(lane: Lane) -> Lane:
    memory = replace(lane.memory, seen=None)
    if isinstance(lane.phase, Working):
        return replace(lane, memory=memory)
    if isinstance(lane.phase, Ready):  # its label is to be read until the next card comes
        return replace(lane, drive=None, memory=memory)
    memory = replace(memory, token=memory.token + 1)
    if isinstance(lane.phase, Failed) and memory.pulled:
        return replace(lane, drive=None, memory=memory)
    memory = replace(memory, holding=None, becomes="", is_held=False)
    return replace(lane, drive=None, phase=Empty(), memory=memory)


def _stays(lane: Lane, drive: Drive) -> bool:
    """Whether what is known of a card still holds, now that its drive looks like this."""
    match lane.phase:
        case Ready() | Failed():
            return True
        case Offered() | Counting() | Autopsy():
            return lane.drive is not None and _looks(lane.drive) == _looks(drive)
    return False


def _looks(drive: Drive) -> tuple[object, ...]:
    return (drive.path, drive.holds, drive.node, drive.blank, drive.obstacle, drive.read_only)


def _why_not(drive: Drive) -> str | None:
    if drive.obstacle or not drive.read_only:
        return drive.obstacle
    return "it is write-protected: take it out and slide the lock on its side"


def _at_first_sight(drive: Drive) -> tuple[Holding, bool]:
    """What a card holds, the worst that it may be; and whether a look inside can tell more."""
    if drive.node:
        return "made", True
    if drive.blank:
        return "blank", False
    return "foreign", drive.holds == NO_TABLE or drive.is_half_made


def _judged(state: BenchState, lane: Lane, found: Found) -> Lane:
    """A lane whose card was looked into."""
    if found.is_unfinished:
        return offered(replace(lane, memory=replace(lane.memory, becomes=found.becomes)), "own")
    if found.report is None:
        return lane
    if found.advice and found.advice.cause:
        node = next((n for n in state.nodes if n.name == found.report.node), None)
        return replace(
            lane,
            node=node if node and is_free(state, lane, node.name) else None,
            phase=Autopsy(found.report, found.advice),
        )
    manifest = found.report.manifest
    if manifest is None or found.stands or manifest.card_id in state.known:
        return offered(lane, "made")
    return offered(lane, "foreign" if found.is_shared else "own")


def is_free(state: BenchState, lane: Lane, name: str) -> bool:
    """Whether no other lane has this node for good."""
    settled = Working | Ready | Failed | Autopsy
    return not any(
        other.node and other.node.name == name and isinstance(other.phase, settled)
        for other in state.lanes
        if other.reader != lane.reader
    )


def _is_back(lane: Lane, drive: Drive, found: Found) -> bool:
    """Whether a card is, or may be, the one that was pulled out of this lane half made."""
    pulled, node = lane.memory.pulled, lane.node
    if pulled is None or not found.is_unfinished:
        return False
    other_node = found.becomes and node and found.becomes != node.name
    other_id = drive.card_id and pulled.card_id and drive.card_id != pulled.card_id
    return drive.size == pulled.size and not other_id and not other_node
