"""What a node tells the local network, and what it hears of others there."""

from __future__ import annotations

from xml.etree import ElementTree

from autosetup import presence
from autosetup.browse import read_offered
from autosetup.presence import Neighbour, neighbours
from autosetup.status import Status, Warned

FAILED = Status(
    "failed",
    node="cam-0101",
    generation=7,
    step="scripts",
    step_number=11,
    step_count=12,
    code="script-failed",
    warnings=(Warned("other-board", "Moved."), Warned("name-taken", "Twice.")),
)


def test_the_record_is_what_avahi_reads() -> None:
    root = ElementTree.fromstring(presence.written(FAILED))  # noqa: S314
    service = root.find("service")
    assert service is not None
    told = dict((text.text or "").split("=") for text in service.findall("txt-record"))
    told.pop("serial", None)
    assert told.pop("version")
    assert told == {
        "state": "failed",
        "node": "cam-0101",
        "generation": "7",
        "step": "scripts",
        "progress": "11 of 12",
        "code": "script-failed",
        "warnings": "other-board,name-taken",
    }
    assert (root.findtext("name"), service.findtext("type")) == ("cam-0101", "_autosetup._tcp")


def test_progress_is_told_of_a_step_alone() -> None:
    done = Status("done", node="cam-0101", step_count=19)
    assert "progress" not in presence.facts(done)
    assert "progress" not in presence.facts(Status("applying", node="cam-0101", step_count=19))


def test_what_xml_would_misread_is_escaped() -> None:
    record = presence.written(Status("done", node="a<b>&c\x00"))
    assert ElementTree.fromstring(record).findtext("name") == "a<b>&c"  # noqa: S314


def test_a_board_that_is_no_node_yet_has_a_name_all_the_same() -> None:
    name = ElementTree.fromstring(presence.written(Status("waiting"))).findtext("name")  # noqa: S314
    assert (name or "").startswith("autosetup")


def test_neighbours_are_read_from_what_avahi_prints() -> None:
    listed = (
        "+;eth0;IPv4;cam-0101;_autosetup._tcp;local\n"
        "=;eth0;IPv4;cam-0101;_autosetup._tcp;local;cam-0101.local;192.168.7.2;22;"
        '"serial=1000abcd" "node=cam-0101" "state=done"\n'
        '=;eth0;IPv6;odd\\032one;_autosetup._tcp;local;x.local;fe80::1;22;"no" "quote \\" ; in"\n'
        "Failed to resolve service\n"
    )
    assert neighbours(read_offered(listed)) == [
        Neighbour("cam-0101", "1000abcd", "192.168.7.2"),
        Neighbour("", "", "fe80::1"),
    ]
