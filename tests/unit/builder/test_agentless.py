"""Systems that are too old for the agent."""

from dataclasses import replace

import pytest

from builder.agentless import python_of, without_agent
from builder.lock import Lock, LockedGroup, LockedPackage
from builder.plan import plan_steps
from builder.recipe import ImageSettings, LayerRecipe, Origin, Recipe
from flasher.events import Event, Noted

AGENT = LayerRecipe("agent", python=("autosetup",), enable=("autosetup.service",))
STATE = LayerRecipe("state", packages=("jq",), python=("autosetup",))
RECIPE = Recipe("r", "", "bullseye", "arm64", ImageSettings(), (AGENT, STATE))
PYTHON = LockedPackage(
    "python3", "3.9.2-3", "arm64", "python3-defaults", "3.9.2-3", "", 1, "5" * 64
)


def lock_of(version: str) -> Lock:
    debian = LockedGroup("debian", 1, (), (replace(PYTHON, version=version),))
    state = LockedGroup("state", 1, ("jq",), ())
    none = LockedGroup("twins", 1, (), ())
    return Lock("bullseye", "arm64", "", (debian, state), "amd64", none, none)


@pytest.mark.parametrize(
    ("version", "known"),
    [("3.9.2-3", (3, 9)), ("3.11.2-1+b1", (3, 11)), ("1:3.13~rc1-1", (3, 13))],
)
def test_the_version_of_python_is_that_of_the_lock(version, known):
    assert python_of(lock_of(version)) == known


def test_a_lock_without_python_has_no_version():
    lock = lock_of("3.9.2-3")
    assert python_of(replace(lock, layers=lock.layers[1:])) is None


@pytest.mark.parametrize("python", [(3, 11), (3, 13), (4, 0)])
def test_a_new_enough_python_keeps_every_layer(python):
    assert without_agent(RECIPE, python, lambda _: None) is RECIPE


@pytest.mark.parametrize(
    ("python", "version"), [((3, 9), "3.9"), ((2, 7), "2.7"), (None, "no Python")]
)
def test_an_older_one_leaves_the_agent_out_and_says_so(python, version):
    heard: list[Event] = []
    left = without_agent(RECIPE, python, heard.append)
    assert not left.has_agent
    assert left.agentless == f"The agent needs Python 3.11, and bullseye has {version}."
    told = [event.text for event in heard if isinstance(event, Noted) and event.warning]
    assert [text.partition(" is left out")[0] for text in told] == [
        "The layer agent",
        "The layer state",
    ]
    assert all(left.agentless in text for text in told)


def test_the_packages_of_such_a_layer_stay_as_the_lock_has_them():
    left = without_agent(RECIPE, (3, 9), lambda _: None)
    names = [step.name for step in plan_steps(left, lock_of("3.9.2-3"))]
    assert names == ["debian", "state", "no-agent", "finish"]


def test_a_recipe_without_the_agent_needs_no_python():
    plain = replace(RECIPE, layers=(LayerRecipe("tools", ("jq",)),))
    assert without_agent(plain, None, lambda _: None) is plain


def test_the_system_that_it_starts_from_is_named():
    upon = replace(RECIPE, suite="", origin=Origin("image", "old.img"))
    assert "image:old.img has no Python" in without_agent(upon, None, lambda _: None).agentless
