"""The keys of a layer of parts."""

from pathlib import Path

import pytest

from builder.personal import Personal
from builder.recipe import load_recipe
from flasher.errors import BadInput

from .folder import write

RECIPE = """
format = 1
name = "mine"
from = "debian:trixie"

[[layer]]
name = "parts"
pi_builder = "pi-builder"
{keys}

[[layer]]
name = "above"
packages = ["ed"]
"""


def recipe(folder: Path, keys: str) -> Path:
    write(folder / "pi-builder", {"common/one/Dockerfile.part": "RUN echo $BOARD\n"})
    write(folder / "more", {"rpios/two/Dockerfile.part": "RUN two\nRUN curl x\n"})
    (folder / "pi-builder/config.mk").write_text("STAGES = one\nBOARD = rpi2\n")
    path = folder / "mine.toml"
    path.write_text(RECIPE.format(keys=keys))
    return path


def test_parts_are_layers_among_others(tmp_path: Path):
    keys = 'over = ["more"]\nstages = ["two", "one"]\nargs = { BOARD = "rpi3" }\nnetwork = true'
    layers = load_recipe(recipe(tmp_path, keys)).layers
    assert [each.name for each in layers] == ["two-01", "two-02", "one-01", "parts", "above"]
    assert layers[2].scripts[0].env["BOARD"] == "rpi3"
    assert layers[0].scripts[0].network
    assert not layers[3].scripts


def test_what_belongs_to_a_rig_is_kept_for_a_site_and_not_built_in(tmp_path: Path):
    keys = 'stages = ["one"]\nargs = { ROOT_PASSWD = "geheim", LOCALE = "de_DE" }'
    told = load_recipe(recipe(tmp_path, keys))
    assert told.personal == Personal(password="geheim", language="de_DE.UTF-8")
    assert "geheim" not in repr(told)
    assert "ROOT_PASSWD is not built into the image." in "\n".join(told.layers[1].notes)


def test_a_config_names_the_stages_and_traps_are_noted(tmp_path: Path):
    layers = load_recipe(recipe(tmp_path, 'config = ["config.mk"]')).layers
    assert layers[0].scripts[0].env["BOARD"] == "rpi2"
    path = recipe(tmp_path, 'over = ["more"]\nstages = ["two"]')
    (note,) = next(each.notes for each in load_recipe(path).layers if each.name == "parts")
    assert "more/stages/rpios/two/Dockerfile.part:2: fetches something" in note


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ("", "stages-missing"),
        ('over = ["gone"]', "stages-missing"),
        ('stages = ["gone"]', "stage-missing"),
        ('config = ["gone.mk"]', "config-missing"),
        ('args = { IPMI_ADMIN_PASSWD = "x" }', "config-refused"),
    ],
)
def test_what_is_missing_is_told(keys: str, code: str, tmp_path: Path):
    with pytest.raises(BadInput) as refused:
        load_recipe(recipe(tmp_path, keys))
    assert refused.value.code == code
