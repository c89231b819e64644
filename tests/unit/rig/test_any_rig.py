"""Whatever a profile or a site holds: it is read whole, or refused by its lines."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flasher import paths
from flasher.errors import BadDocument
from flasher.rig.profile import load_profile
from flasher.rig.site import load_site
from tests.examples import examples
from tests.unit.autosetup.any_documents import complaint, spoiled


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile and the site that ship, free to be spoiled."""
    folder = tmp_path_factory.mktemp("shelf")
    shutil.copytree(paths.assets() / "profiles/body-16x7", folder / "profile")
    shutil.copytree(paths.assets() / "sites/demo", folder / "site")
    return folder


@pytest.mark.parametrize(
    ("file", "load"),
    [
        ("profile/profile.toml", load_profile),
        ("site/site.toml", load_site),
        ("site/secrets.toml", load_site),
    ],
)
@given(data=st.data())
@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_profile_or_a_site_is_read_or_refused_by_its_lines(
    shelf: Path, file: str, load: Callable[[str], object], data: st.DataObject
) -> None:
    path = shelf / file
    sound = path.read_bytes()
    raw = data.draw(spoiled(sound))
    document = path if path.name != "secrets.toml" else path.with_name("site.toml")
    path.write_bytes(raw)
    try:
        load(str(document))
    except BadDocument as bad:
        told = bad.faults
    else:
        told = ()
    finally:
        path.write_bytes(sound)
    assert not complaint(told, raw)
