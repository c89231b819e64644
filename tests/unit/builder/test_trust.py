"""Whom an image's nodes trust, as recipes and the command line say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autosetup.system import System
from autosetup.trust import Trusted, policy_of, trusted_by
from builder.lock import Lock, LockedGroup, LockedPackage
from builder.plan import plan_keys, plan_steps
from builder.recipe import LayerRecipe, Recipe, load_recipe, with_trust
from builder.verifier import require_verifier
from flasher.errors import BadDocument, BadInput
from tests.unit.autosetup.sample_payloads import OTHER_KEY, SITE_SIGNER, site_key

STUDIO, OTHER = site_key(SITE_SIGNER, "studio"), site_key(OTHER_KEY, "elsewhere")
ROOT = '{"signed": {"_type": "root", "roles": {"root": {"keyids": ["a"], "threshold": 1}}}}'
HEAD = 'format = 1\nname = "tiny"\nfrom = "debian:trixie"\n[[layer]]\nuses = "agent"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a recipe, with the keys of two sites."""
    (tmp_path / "studio.pub").write_text(f"{STUDIO.line}\n")
    (tmp_path / "other site.pub").write_text(f"# of the lab\n{OTHER.line}")
    return tmp_path


def recipe_of(folder: Path, text: str = "") -> Recipe:
    (folder / "tiny.toml").write_text(HEAD + text)
    return load_recipe(folder / "tiny.toml")


def on_a_node(recipe: Recipe, tree: Path) -> System:
    """A node with the files of the recipe's last layer."""
    for file in recipe.layers[-1].files:
        path = tree / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    return System(tree)


def test_a_recipe_without_keys_has_no_layer_for_them(folder: Path) -> None:
    recipe = recipe_of(folder)
    assert [layer.name for layer in recipe.layers] == ["agent"]
    assert with_trust(recipe, [], None) is recipe


def test_the_agent_finds_the_keys_and_the_policy_of_a_recipe(folder: Path) -> None:
    text = '[trust]\nkeys = ["studio.pub", "other site.pub"]\npolicy = "network-only"\n'
    node = on_a_node(recipe_of(folder, text), folder / "tree")
    found = trusted_by(node, b"")
    assert (set(found.keys), found.baked) == ({STUDIO, OTHER}, True)
    assert {key.comment for key in found.keys} == {"studio", "elsewhere"}
    assert policy_of(node) == "network-only"


def test_what_the_command_line_says_comes_beside_the_recipe_and_its_policy_wins(
    folder: Path,
) -> None:
    recipe = recipe_of(folder, '[trust]\nkeys = ["studio.pub"]\npolicy = "network-only"\n')
    given = with_trust(recipe, [folder / "other site.pub"], "allow")
    assert [layer.name for layer in given.layers] == ["agent", "trust"]
    node = on_a_node(given, folder / "tree")
    assert set(trusted_by(node, b"").keys) == {STUDIO, OTHER}
    assert policy_of(node) == "allow"


def test_two_files_of_one_name_are_two_keys(folder: Path) -> None:
    (folder / "b").mkdir()
    (folder / "b/studio.pub").write_text(OTHER.line)
    given = with_trust(recipe_of(folder), [folder / "studio.pub", folder / "b/studio.pub"], None)
    node = on_a_node(given, folder / "tree")
    assert trusted_by(node, b"") == Trusted(trusted_by(node, b"").keys, baked=True)
    assert set(trusted_by(node, b"").keys) == {STUDIO, OTHER}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('keys = ["gone.pub"]', "tiny.toml:7:1: gone.pub: No such file"),
        ('keys = ["tiny.toml"]', "tiny.toml:1:1: This is no public Ed25519 key"),
        ('policy = "refuze"', "Did you mean refuse?"),
        ("key = 1", "Did you mean keys?"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_told(folder: Path, text: str, said: str) -> None:
    with pytest.raises(BadDocument) as caught:
        recipe_of(folder, f"[trust]\n{text}\n")
    assert said in caught.value.message


def test_what_is_wrong_on_the_command_line_is_told(folder: Path) -> None:
    recipe = recipe_of(folder)
    with pytest.raises(BadInput, match=r"gone\.pub cannot be read"):
        with_trust(recipe, [folder / "gone.pub"], None)
    with pytest.raises(BadDocument, match="no public Ed25519 key"):
        with_trust(recipe, [folder / "tiny.toml"], None)
    bare = Recipe("x", "", "trixie", "arm64", recipe.image, (LayerRecipe("own"),))
    with pytest.raises(BadInput, match="no agent"):
        with_trust(bare, [], "allow")


@pytest.mark.parametrize("present", [True, False])
def test_keys_need_a_package_that_checks_signatures(folder: Path, present: bool) -> None:
    name = "python3-cryptography" if present else "python3"
    package = LockedPackage(name, "1", "arm64", name, "1", "", 1, "5" * 64)
    some, none = LockedGroup("debian", 1, (), (package,)), LockedGroup("twins", 1, (), ())
    lock = Lock("trixie", "arm64", "", (some,), "amd64", none, none)
    recipe = recipe_of(folder)
    require_verifier(with_trust(recipe, [], "allow"), lock)
    trusting = with_trust(recipe, [folder / "studio.pub"], None)
    if present:
        require_verifier(trusting, lock)
    else:
        with pytest.raises(BadInput, match="nothing to check a signature with"):
            require_verifier(trusting, lock)


def test_another_key_or_policy_makes_another_layer_upon_the_same_ones(folder: Path) -> None:
    recipe = recipe_of(folder)
    nothing = LockedGroup("debian", 1, (), ())
    lock = Lock("trixie", "arm64", "", (nothing,), "amd64", nothing, nothing)
    stacks = [
        plan_keys(plan_steps(with_trust(recipe, keys, policy), lock))
        for keys, policy in (
            ([], None),
            ([folder / "studio.pub"], None),
            ([folder / "other site.pub"], None),
            ([folder / "studio.pub"], "allow"),
        )
    ]
    below = len(("Debian", "the agent", "the boot partition", "the agent compiled"))
    assert len({stack[:below] for stack in stacks}) == 1
    assert len({stack[below] for stack in stacks}) == len(stacks)


def test_the_root_of_updates_is_where_nodes_look_for_it(folder: Path) -> None:
    (folder / "root.json").write_text(ROOT)
    by_recipe = recipe_of(folder, '[trust]\nupdate_root = "root.json"\n')
    by_option = with_trust(recipe_of(folder), [], None, folder / "root.json")
    for recipe in (by_recipe, by_option):
        node = on_a_node(recipe, folder / "tree")
        assert node.read("/etc/autosetup/update/root.json") == ROOT.encode()


@pytest.mark.parametrize("text", ["", "{}", '{"signed": {"_type": "timestamp"}}', "[1]"])
def test_what_is_no_root_of_updates_is_told_as_such(folder: Path, text: str) -> None:
    (folder / "root.json").write_text(text)
    with pytest.raises(BadInput, match=r"is no root of updates") as caught:
        with_trust(recipe_of(folder), [], None, folder / "root.json")
    assert "release init" in caught.value.hint
    with pytest.raises(BadDocument, match=r"is no root of updates"):
        recipe_of(folder, '[trust]\nupdate_root = "root.json"\n')
