"""A rig from blank cards to updates: four emulated nodes, one of them central, on one network.

Told as it goes with ``pytest -s``; all that the nodes print is in the log.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rehearsal.rig_trial import NODES, Trial

pytestmark = pytest.mark.timeout(2 * 3600)

# Emulated, on a computer that may have more to do.
_FIRST_BOOTS, _UPDATE, _WORD, _PINGS = 2400.0, 1800.0, 600.0, 8
# Where a log is wanted that stays.
_LOG = os.environ.get("FLASHER_RIG_LOG", "")


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    with (Path(_LOG) if _LOG else tmp_path / "rig.log").open("w", buffering=1) as log:
        made = Trial(tmp_path, log)
        made.make_ground()
        yield made


def test_a_rig_comes_alive_and_outlives_a_pulled_plug_a_bad_update_and_a_lost_card(
    trial: Trial,
) -> None:
    image = trial.build(trial.make_repository())
    trial.prepare(image, *NODES)
    with trial.serving(), trial.rig() as (_, rig):

        def all_are(state: str, generation: int | None = None) -> bool:
            board = trial.board()
            return all(
                board[node].get("state") == state
                and generation in (None, board[node].get("generation"))
                for node in NODES
            )

        def is_applied(name: str, generation: int) -> bool:
            """Whether a node is in the middle of it, by the word on its card."""
            found = next(seen.status for seen in rig.look() if seen.name == name)
            return bool(found and (found.state, found.generation) == ("applying", generation))

        for node in NODES:
            rig.add(node, trial.card(node), keep=True)
        seen = rig.start(NODES, timeout_seconds=_FIRST_BOOTS, told=trial.show)
        assert [node.status.state if node.status else "" for node in seen] == ["done"] * len(NODES)
        trial.wait(rig, "all are done on the board", lambda: all_are("done"), _WORD)

        good = trial.release("2", "--canary", "cam-1")
        trial.wait(rig, "cam-1 applies the update", lambda: is_applied("cam-1", good), _UPDATE)
        trial.say("the plug of cam-1 is pulled, and put in again")
        rig.switch_off("cam-1")
        rig.switch_on("cam-1")
        trial.wait(rig, "all have the update", lambda: all_are("done", good), _UPDATE)

        cards = trial.cards()
        good = trial.release("2", "--swap", "cam-1=cam-2")
        trial.wait(rig, "two have changed places", lambda: all_are("done", good), _UPDATE)
        assert trial.cards() == {**cards, "cam-1": cards["cam-2"], "cam-2": cards["cam-1"]}
        # Each is known by the host key of its card, in its new place too. A name that the other one
        # still had when it was asked for is asked for again after ten minutes.
        answers = (trial.pinged(rig) for _ in range(_PINGS))
        assert dict.fromkeys(NODES, "SUCCESS") in answers

        bad = trial.release("bad", "--canary", "cam-1")
        trial.wait(
            rig,
            "the bad update is taken back by the node that tried it first",
            lambda: trial.board()["cam-1"].get("state") == "rolled-back",
            _UPDATE,
        )
        told = trial.board()
        assert told["cam-1"]["code"] == "unhealthy"
        assert {node: told[node].get("generation") for node in NODES} == dict.fromkeys(NODES, good)
        trial.say(f"generation {bad}: {told['cam-1']['reason']}")

        new = trial.folder / "cam-3-new.img"
        rig.switch_off("cam-3")
        trial.set_version("2")
        trial.prepare(image, "cam-3", to={"cam-3": new})
        rig.add("cam-3", new, keep=True)
        seen = rig.start(["cam-3"], timeout_seconds=_FIRST_BOOTS, told=trial.show)
        trial.wait(
            rig,
            "the new card is on the board",
            lambda: trial.board()["cam-3"].get("state") == "done",
            _WORD,
        )
        rig.add("cam-3-old", trial.card("cam-3"), keep=True)
        rig.start(["cam-3-old"], timeout_seconds=_FIRST_BOOTS, told=trial.show)
        trial.wait(
            rig,
            "what the replaced card says is refused",
            lambda: "old-card" in str(trial.board()["cam-3"].get("warnings")),
            _WORD,
        )
