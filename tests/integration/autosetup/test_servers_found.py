"""``flasher serve`` beside a real avahi, as nodes on the same cable find it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

import flasher
from autosetup.boards import of_site
from autosetup.browse import Offered, read_offered
from autosetup.settings import Update
from autosetup.update.sources import addresses
from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.releases import SITE, serving
from tests.integration.autosetup.test_presence import House, cable
from tests.integration.autosetup.updating import LIBRARIES, NEXT, Rig, make_rig

__all__ = ["cable"]

_LIBRARIES = Path(flasher.__file__).parent.parent
_BROWSE = "avahi-browse --resolve --parsable --terminate _flasher._tcp"
_SERVE = (
    f"PYTHONPATH={_LIBRARIES} FLASHER_DATA=/run/data FLASHER_CACHE=/run/cache {sys.executable} "
    "-m flasher serve --upstream http://127.0.0.1:1 --for studio --lan --port 8421 "
    ">/run/served.txt 2>&1 & server=$!"
)

# The repository is reached from the mirror alone.
_MIRROR = (
    f"{{python}} -m http.server --bind 127.0.0.1 --directory {{folder}} 8420 & "
    f"PYTHONPATH={_LIBRARIES} FLASHER_DATA=/run/data FLASHER_CACHE=/run/cache {{python}} "
    "-m flasher serve --upstream http://127.0.0.1:8420/ --for {site} --lan --port 8421 "
    ">/run/served.txt 2>&1 &"
)


@pytest.fixture
def rig(ground: Path, tmp_path: Path) -> Rig:
    """A node that was told an address of releases, at which nobody answers any more."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (ground / tmp_path.name).mkdir()
    with serving(folder) as server:
        return make_rig(ground / tmp_path.name, folder, server)


def found(house: House, *, there: bool) -> list[Offered]:
    """What is served around a node, as soon as something is; or as soon as nothing is."""
    while True:
        listed = read_offered(house.do(_BROWSE))
        if bool(listed) == there:
            return listed


def test_nodes_find_the_server_of_their_site_until_it_ends(cable: tuple[House, House]) -> None:
    laptop, node = cable
    laptop.do(_SERVE)
    listed = found(node, there=True)
    assert addresses(listed, "studio") == ["http://192.168.7.1:8421/repository/"]
    assert addresses(listed, "elsewhere") == []
    # It has the repository alone: nobody who knows the site's certificate reports there.
    assert of_site(listed, Update(site="studio", authority="a certificate")) == ()
    assert {one.texts["board"] for one in listed} == {"0"}
    # avahi on the same computer is heard as before.
    assert "board-1" in node.do("avahi-resolve --name board-1.local")
    laptop.do("kill $server; wait $server")
    assert found(node, there=False) == []


def test_a_node_whose_own_source_is_gone_takes_a_release_from_the_mirror_that_it_finds(
    fresh: Callable[[], Node], rig: Rig
) -> None:
    rig.release()
    with rig.node() as inside, ExitStack() as stack:
        mirror = House(fresh(), "mirror", "192.168.7.1", stack)
        node = House(inside, "node", "192.168.7.2", stack)
        link = f"ip link add wire netns {mirror.pid} type veth peer name wire netns {node.pid}"
        subprocess.run(link.split(), check=True)
        mirror.start()
        node.start()
        told = {"python": sys.executable, "folder": rig.repository.folder, "site": SITE}
        mirror.do(_MIRROR.format(**told))
        found(node, there=True)
        said = node.do(f"LIBRARIES={LIBRARIES} /usr/bin/autosetup update")
        assert inside.status.generation == NEXT, said
        assert node.do("cat /etc/motd") == "next\n"
