"""Images and cards that are not quite as expected: the node is set up all the same."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autosetup.settings import InstalledFile, Services
from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    return fresh()


@pytest.mark.parametrize("name", ["ssh", "userconf.txt", "wpa_supplicant.conf"])
def test_a_folder_is_none_of_the_files_of_other_systems(node: Node, name: str) -> None:
    (node.card.parent / name).mkdir(parents=True)
    told = node.run()
    assert (told.returncode, told.stderr) == (0, "")
    assert "no payload on this card" in told.stdout
    node.insert(packed(PLAIN))
    assert node.run().returncode == 0
    assert node.status.state == "done"


@pytest.mark.parametrize("others", [(), ("preview.service",)])
def test_a_unit_that_is_not_there_is_off_already(node: Node, others: tuple[str, ...]) -> None:
    services = Services(("capture.service",), ("no-such.service", *others))
    node.insert(packed(dataclasses.replace(PLAIN, services=services)))
    assert node.run().returncode == 0
    assert node.status.state == "done"
    wants = node.upper / "etc/systemd/system/multi-user.target.wants"
    assert [path.name for path in wants.iterdir()] == ["capture.service"] + (
        [] if others else ["preview.service"]
    )


def test_a_name_of_a_person_may_be_in_any_encoding(node: Node) -> None:
    accounts = node.upper / "etc/passwd"
    shutil.copy(Path("/etc/passwd"), accounts)
    with accounts.open("ab") as lines:
        lines.write(b"joe:x:1500:1500:J\xfcrgen:/home/joe:/bin/sh\n+::::::\n")
    node.insert(packed(PLAIN))
    assert node.run().returncode == 0
    assert b"J\xfcrgen" in accounts.read_bytes()


def test_a_board_without_a_serial_number_is_known_by_its_hardware(node: Node) -> None:
    (node.upper / "sys/firmware/devicetree/base/serial-number").unlink()
    for name, address in (("docker0", "02:42:00:00:00:01"), ("eth0", "52:54:00:12:34:56")):
        folder = node.upper / "sys/class/net" / name
        folder.mkdir(parents=True)
        (folder / "address").write_text(f"{address}\n")
    (node.upper / "sys/class/net/eth0/device").mkdir()
    node.run()
    told = node.read("/etc/avahi/services/autosetup.service")
    assert "serial=52:54:00:12:34:56" in told


def test_a_payload_without_its_manifest_is_told_from_a_card_without_payload(node: Node) -> None:
    node.insert(packed(PLAIN))
    (node.card / "manifest.json").unlink()
    assert node.run().returncode == 1
    assert (node.status.state, node.status.code) == ("failed", "payload-refused")
    assert "manifest.json: This file is missing from the card." in (node.status.reason or "")


def test_a_note_in_the_folder_is_no_payload(node: Node) -> None:
    node.insert({"read me.txt": b"Here the payload goes."})
    (node.card.parent / "wpa_supplicant.conf").write_text("country=DE\n")
    node.run()
    assert node.status.state == "done"
    assert "regdom=DE" in node.read("/etc/modprobe.d/autosetup-country.conf")


def test_a_spoiled_manifest_hides_no_fault_of_the_other_files(node: Node) -> None:
    node.insert({**packed(PLAIN), "manifest.json": b"{", "node.toml": b"name =\n"})
    assert node.run().returncode == 1
    assert [fault.split(":")[0] for fault in node.status.faults] == ["manifest.json", "node.toml"]


def test_lines_of_the_journal_that_say_nothing_hide_none_of_the_others(node: Node) -> None:
    lines = [
        "[...]",
        '"message',
        *(
            json.dumps({"__MONOTONIC_TIMESTAMP": "5", **more})
            for more in (
                {},
                {"MESSAGE": None},
                {"MESSAGE": [255, 0]},
                {"MESSAGE": "wlan0: Trying to associate with SSID 'Studio'"},
                {"MESSAGE": "wlan0: CTRL-EVENT-CONNECTED - Connection to 02:00 completed"},
            )
        ),
    ]
    journal = node.upper / "usr/local/bin/journalctl"
    journal.parent.mkdir(parents=True)
    journal.write_text("#!/bin/sh\ncat <<'EOF'\n" + "\n".join(lines) + "\nEOF\n")
    journal.chmod(0o755)
    asked = "from autosetup.reach import *; print(*look(System(), 0).said.joined)"
    told = node.execute(
        sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '/mnt'); {asked}"
    )
    assert (told.stdout, told.stderr) == ("b'Studio'\n", "")


def test_what_the_node_has_against_a_payload_is_told_with_the_faults_of_its_files(
    node: Node,
) -> None:
    locale = dataclasses.replace(PLAIN.locale, timezone="Europe/Berlinn")
    node.insert(packed(dataclasses.replace(PLAIN, locale=locale)))
    (node.card / "scripts/10-hello").write_bytes(b"echo\n")
    assert node.run().returncode == 1
    told = node.status.reason or ""
    assert "Did you mean Europe/Berlin?" in told
    assert "The first line does not say which program runs the script." in told


@pytest.mark.parametrize("above", ["/etc/passwd", "/etc/motd"])
def test_a_file_that_would_lie_below_another_is_a_fault_and_no_worn_out_card(
    node: Node, above: str
) -> None:
    files = (*PLAIN.files, InstalledFile(f"{above}/deep/rig.conf", "files/motd"))
    node.insert(packed(dataclasses.replace(PLAIN, files=files)))
    assert node.run().returncode == 1
    assert (node.status.code, node.status.step) == ("payload-refused", None)
    assert f"lies below {above}, a file." in (node.status.reason or "")


def test_an_account_of_the_image_without_a_home_gets_one(node: Node) -> None:
    lines = {
        "passwd": "scan:x:1500:1500::/srv/people/scan:/bin/sh",
        "shadow": "scan:!:19000:0:99999:7:::",
        "group": "scan:x:1500:",
    }
    for name, line in lines.items():
        shutil.copy(Path("/etc", name), node.upper / "etc" / name)
        with (node.upper / "etc" / name).open("a") as file:
            file.write(f"{line}\n")
    node.insert(packed(PLAIN))
    assert node.run().returncode == 0
    home = (node.upper / "srv/people/scan").stat()
    assert (home.st_uid, home.st_mode & 0o777) == (1500, 0o700)
    assert node.read("/srv/people/scan/.ssh/authorized_keys").startswith("ssh-ed25519 ")
