"""A site of this computer, whose nodes a server knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flasher.rig.rigmap import RigMap
from flasher.rig.site import load_site, save_site
from tests.unit.rig.whole_rig import load_rig, make_whole_rig


@pytest.fixture
def rig(tmp_path: Path) -> RigMap:
    """A rig whose site is this computer's."""
    make_whole_rig(tmp_path / "whole")
    made = load_rig(tmp_path / "whole")
    save_site(made.site, made.secrets)
    return replace(made, site=load_site("field")[0], secrets=load_site("field")[1])
