"""The example of docs/building.md: layers of every kind in one recipe, in its order."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.builds.conftest import Reference
from tests.builds.image_tree import run_in_image
from tests.builds.places import Place, bring_pool

pytestmark = pytest.mark.timeout(600)

EXAMPLE = Path(__file__).parents[2] / "docs/example"
SAID = ["stages: pi-gen", "viewer: pi_image2", "account: a plain layer", "parts: pi-builder, quiet"]


@pytest.fixture(scope="module")
def image(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    rig = tmp_path_factory.mktemp("example") / "my-rig"
    shutil.copytree(EXAMPLE, rig)
    shutil.copytree(reference.place.out, rig / "base")
    place = Place(rig / "place", rig / "scanner.toml")
    bring_pool(reference.place, place)
    ended = place.build("--arch", "amd64")
    assert ended.status == 0, ended.words
    return place.out / "scanner.img"


def test_each_format_did_its_part_upon_those_before(image: Path, tmp_path: Path) -> None:
    assert run_in_image(image, "cat /etc/scanner-layers", tmp_path).splitlines() == SAID


def test_what_the_layers_brought_works(image: Path, tmp_path: Path) -> None:
    script = """
half 42
stat --format '%U:%G' /home/scan/pictures
cat /etc/systemd/journald.conf.d/quiet.conf
test -x /usr/bin/tree -a -x /usr/bin/rsync
"""
    said = run_in_image(image, script, tmp_path).splitlines()
    assert said == ["21", "scan:video", "[Journal]", "Storage=volatile"]
