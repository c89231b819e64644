"""Keys that enter nodes which are not set up, as the command line gives them to a recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.recipe import Recipe, load_recipe, with_rescue
from flasher.errors import BadInput
from tests.unit.autosetup.sample_payloads import public_key

HEAD = 'format = 1\nname = "tiny"\nfrom = "debian:trixie"\n'
AGENT = '[[layer]]\nuses = "agent"\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    (tmp_path / "tiny.toml").write_text(HEAD + AGENT)
    return load_recipe(tmp_path / "tiny.toml")


def key_file(folder: Path, text: str) -> Path:
    path = folder / "rescue.pub"
    path.write_text(text)
    return path


def test_without_a_key_a_recipe_stays_as_it_is(recipe: Recipe) -> None:
    assert with_rescue(recipe, []) is recipe


def test_the_keys_and_their_user_come_on_top(recipe: Recipe, tmp_path: Path) -> None:
    key = public_key()
    given = key_file(tmp_path, f"# mine\n{key}\n")
    layers = with_rescue(recipe, [given, given]).layers
    assert [layer.name for layer in layers] == ["agent", "rescue-login", "rescue-keys"]
    assert [user.name for user in layers[1].users] == ["rescue"]
    (file,) = layers[2].files
    assert (file.path, file.data.decode()) == ("/etc/autosetup/rescue.pub", f"{key}\n")


@pytest.mark.parametrize("text", ["", "hello\n", "-----BEGIN OPENSSH PRIVATE KEY-----\n"])
def test_what_is_no_public_key_is_refused(recipe: Recipe, tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="holds no public key"):
        with_rescue(recipe, [key_file(tmp_path, text)])


def test_an_image_without_the_agent_has_nobody_to_let_it_in(tmp_path: Path) -> None:
    (tmp_path / "bare.toml").write_text(HEAD + '[[layer]]\nname = "x"\n')
    with pytest.raises(BadInput, match="has no agent"):
        with_rescue(load_recipe(tmp_path / "bare.toml"), [key_file(tmp_path, public_key())])
