"""``flasher serve`` beside a real avahi, as nodes on the same cable find it."""

from __future__ import annotations

import sys
from pathlib import Path

import flasher
from autosetup.boards import of_site
from autosetup.browse import Offered, read_offered
from autosetup.settings import Update
from autosetup.update.sources import addresses
from tests.integration.autosetup.test_presence import House, cable

__all__ = ["cable"]

_LIBRARIES = Path(flasher.__file__).parent.parent
_BROWSE = "avahi-browse --resolve --parsable --terminate _flasher._tcp"
_SERVE = (
    f"PYTHONPATH={_LIBRARIES} FLASHER_DATA=/run/data FLASHER_CACHE=/run/cache {sys.executable} "
    "-m flasher serve --upstream http://127.0.0.1:1 --for studio --lan --port 8421 "
    ">/run/served.txt 2>&1 & server=$!"
)


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
