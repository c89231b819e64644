"""The layers that ship: each can be named in a recipe, for every architecture."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.emulation import MACHINES
from builder.recipe import list_shipped, load_recipe, load_shipped_layer
from builder.recipe.shipped import shipped_names
from flasher.errors import BadDocument
from flasher.paths import assets

HEAD = 'format = 1\nname = "tiny"\nfrom = "debian:trixie"\n'
DOC = Path(__file__).parents[3] / "docs" / "layers.md"


@pytest.mark.parametrize("architecture", MACHINES)
@pytest.mark.parametrize("name", shipped_names())
def test_each_can_be_read_for_each_architecture(name: str, architecture: str):
    layer = load_shipped_layer(name, architecture)
    assert layer.name == name
    assert len(layer.packages) == len(set(layer.packages))


def test_each_says_what_it_does_and_needs_only_others_that_ship():
    shipped = list_shipped()
    for each in shipped:
        assert each.about, each.name
        assert set(each.needs) < set(shipped_names())
    assert {"agent", "camera", "lxde", "rescue"} <= {each.name for each in shipped}


def test_each_has_its_line_in_the_guide():
    told = re.findall(r"^\| `([a-z-]+)` \|", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(shipped_names()) <= set(told)


def test_every_file_of_a_layer_is_used():
    for name in shipped_names():
        folder = assets() / "layers" / name
        text = "".join(path.read_text() for path in folder.glob("*.toml"))
        others = [p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".toml"]
        assert [other for other in others if other not in text] == [], name


def test_a_layer_that_lacks_what_it_needs_is_refused(tmp_path: Path):
    path = tmp_path / "tiny.toml"
    path.write_text(f'{HEAD}[[layer]]\nuses = "rescue"\n[[layer]]\nuses = "lxde"\n')
    with pytest.raises(BadDocument) as caught:
        load_recipe(path)
    assert "needs the layer lxde below it" in str(caught.value)
    assert 'uses = "lxde"' in str(caught.value)
    path.write_text(f'{HEAD}[[layer]]\nuses = "lxde"\n[[layer]]\nuses = "rescue"\n')
    assert [layer.name for layer in load_recipe(path).layers] == ["lxde", "rescue"]
