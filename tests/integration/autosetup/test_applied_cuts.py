"""The power is cut while a node is brought up to date: the next boot and look end the same.

Here at some moments of each kind; tests/rehearsal/test_every_update_cut.py has all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.autosetup.releases import serving
from tests.integration.autosetup.update_cuts import KINDS, End, cut_and_go_on, ended, prepare
from tests.integration.autosetup.updating import Rig, make_rig, run
from tests.integration.autosetup.upgrades import differing

SOME, FEWEST_MOMENTS = 2, 40


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def rig(ground: Path, kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("repository")
    (ground / kind).mkdir()
    with serving(folder) as server:
        made = make_rig(ground / kind, folder, server)
        prepare(made, kind)
        yield made


@pytest.fixture(scope="module")
def undisturbed(rig: Rig) -> End:
    """The end of an update that nobody disturbed."""
    with rig.node() as node:
        run(node)
        return ended(node)


@pytest.mark.parametrize("seed", range(SOME))
def test_cut_once_or_twice_an_update_ends_as_if_nothing_had_been(
    rig: Rig, kind: str, undisturbed: End, seed: int
) -> None:
    moments = random.Random(f"{kind} {seed}")  # noqa: S311  (the same moments every time)
    cuts = [moments.randrange(1, FEWEST_MOMENTS) for _ in range(1 + seed % 2)]
    with rig.node() as node:
        assert cut_and_go_on(node, cuts)
        end = ended(node)
    assert differing(end.tree, undisturbed.tree) == set(), f"cut at {cuts}"
    assert end.rest == undisturbed.rest, f"cut at {cuts}"
