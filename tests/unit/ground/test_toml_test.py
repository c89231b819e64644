"""The documents of toml-test, with which parsers of TOML are judged, in place of what people write.

Debian's source of a library for Go has them; `make` unpacks it beside the programs of the tests.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autosetup.faults import Fault, Faulty
from autosetup.strict import reading
from builder.recipe import load_recipe
from flasher import paths
from flasher.errors import BadDocument
from flasher.rig.profile import load_profile
from flasher.rig.site import load_site
from tests.unit.autosetup.any_documents import RAW, complaint, node_with, put_into, run_agent, tree

CORPUS = Path(
    sys.prefix,
    "unpacked/usr/share/gocode/src/github.com/BurntSushi/toml/internal/toml-test/tests",
)
Refuse = Callable[[bytes], tuple[Fault, ...]]


def documents(kind: str) -> Mapping[str, bytes]:
    found = {str(p.relative_to(CORPUS)): p.read_bytes() for p in (CORPUS / kind).rglob("*.toml")}
    assert len(found) >= 100
    return found


def faults_of(raw: bytes) -> tuple[Fault, ...]:
    """What a document is refused for that may have no key at all."""
    try:
        with reading("x.toml", raw):
            return ()
    except Faulty as faulty:
        return faulty.faults


def is_toml(raw: bytes) -> bool:
    """Whether Python reads it; the documents have what is newer than TOML 1.0, too."""
    try:
        tomllib.loads(raw.decode())
    except tomllib.TOMLDecodeError:
        return False
    return True


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Refuse]:
    """By document: why a rig, or the recipe of its image, is refused if this stands there."""
    folder = tmp_path_factory.mktemp("shelf")
    shutil.copytree(paths.assets() / "profiles/body-16x7", folder / "profile")
    shutil.copytree(paths.assets() / "sites/demo", folder / "site")

    def refuser(path: Path, load: Callable[[], object]) -> Refuse:
        sound = path.read_bytes()

        def refuse(raw: bytes) -> tuple[Fault, ...]:
            path.write_bytes(raw)
            try:
                load()
            except BadDocument as bad:
                return bad.faults
            finally:
                path.write_bytes(sound)
            return ()

        return refuse

    site = folder / "site/site.toml"
    profile = folder / "profile/profile.toml"
    recipe = folder / "recipe.toml"
    shutil.copy(paths.assets() / "recipes/base.toml", recipe)
    return {
        "recipe.toml": refuser(recipe, lambda: load_recipe(recipe)),
        "profile.toml": refuser(profile, lambda: load_profile(str(profile))),
        "site.toml": refuser(site, lambda: load_site(str(site))),
        "secrets.toml": refuser(site.with_name("secrets.toml"), lambda: load_site(str(site))),
    }


@pytest.mark.parametrize("name", ["recipe.toml", "profile.toml", "site.toml", "secrets.toml"])
@pytest.mark.parametrize("kind", ["invalid", "valid"])
def test_a_rig_takes_none_of_them(shelf: dict[str, Refuse], kind: str, name: str) -> None:
    for path, raw in documents(kind).items():
        faults = shelf[name](raw)
        assert faults, path
        assert not complaint(faults, raw), path
        assert kind == "valid" or [fault for fault in faults if fault.line], path


@pytest.mark.parametrize("name", ["node.toml", "secrets.toml"])
def test_an_invalid_one_on_a_card_is_refused_by_its_line_and_changes_nothing(name: str) -> None:
    with node_with(RAW) as folder:
        for path, raw in documents("invalid").items():
            put_into(folder, {name: raw})
            before = tree(folder)
            status = run_agent(folder)
            assert (status.state, status.code) == ("failed", "payload-refused"), path
            assert [f for f in status.faults if re.match(rf"{name}:\d+:\d+: ", f)], path
            assert tree(folder) == before, path


def test_every_valid_one_is_read_and_each_of_its_keys_has_a_place() -> None:
    for path, raw in documents("valid").items():
        faults = faults_of(raw)
        if is_toml(raw):
            assert len(faults) == len(tomllib.loads(raw.decode())), path
            assert all(fault.what.endswith("is not known here.") for fault in faults), path
        assert all(fault.line for fault in faults), path
        assert not complaint(faults, raw), path
