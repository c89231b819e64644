"""Files of other systems on a node without a payload: taken over, then erased."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autosetup.payload import Wifi
from autosetup.scrub import overwrite, wipe_free
from tests.integration.autosetup.conftest import Node
from tests.integration.conftest import LoopMaker
from tests.unit.autosetup.imports.samples import CENTRALNODE, PRIVATE, USERCONF, WPA, zipped
from tests.unit.autosetup.sample_payloads import GENERATION, HASH, packed, public_key

SECRETS = (HASH.encode(), b"correct # horse", b"two words")
_UNIT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    """A node with an SSH server that is off, and with the files of Raspberry Pi OS on its card."""
    return pi_os(fresh())


def pi_os(node: Node) -> Node:
    server = node.upper / "usr/sbin/sshd"
    server.parent.mkdir(parents=True, exist_ok=True)
    server.touch(mode=0o755)
    (node.upper / "etc/systemd/system/ssh.service").write_text(_UNIT)
    node.card.parent.mkdir(parents=True)
    put(node, ssh=b"", userconf__txt=USERCONF, wpa_supplicant__conf=WPA)
    return node


def put(node: Node, **files: bytes) -> None:
    for name, data in files.items():
        (node.card.parent / name.replace("__", ".")).write_bytes(data)


def left(node: Node, name: str) -> bytes:
    return (node.card.parent / name).read_bytes()


def ssids(node: Node) -> list[str]:
    """The names of the networks in NetworkManager's files, the first to be joined in front."""
    folder = node.upper / "etc/NetworkManager/system-connections"
    texts = (path.read_text() for path in sorted(folder.glob("autosetup-[0-9]*")))
    return [found[1] for text in texts if (found := re.search(r"^id=(.*)$", text, re.MULTILINE))]


def test_the_files_of_raspberry_pi_os_make_a_node(node: Node) -> None:
    finished = node.run()
    assert finished.returncode == 0, finished.stdout
    status = node.status
    assert (status.state, status.generation) == ("done", 1)
    assert (status.node or "").startswith("node-")
    assert f"maker:{HASH}:" in node.read("/etc/shadow")
    assert "sudo" in node.execute("id", "-nG", "maker").stdout.split()
    assert node.execute("systemctl", "is-enabled", "ssh.service").stdout == "enabled\n"
    assert ssids(node) == ["hex:61000962c30a", "Studio 5 GHz", "guest"]
    assert "regdom=DE" in node.read("/etc/modprobe.d/autosetup-country.conf")


def test_what_was_taken_over_is_erased_where_it_lies_and_tells_so(node: Node) -> None:
    before = (node.card.parent / "wpa_supplicant.conf").stat()
    assert node.run().returncode == 0
    after = (node.card.parent / "wpa_supplicant.conf").stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert left(node, "wpa_supplicant.conf").startswith(b"# Taken over by autosetup, and erased.")
    files = [path for path in node.card.parent.rglob("*") if path.is_file()]
    assert not any(secret in path.read_bytes() for path in files for secret in SECRETS)
    assert sorted(path.name for path in node.card.parent.iterdir()) == [
        *("autosetup", "userconf.txt", "wpa_supplicant.conf")
    ]
    assert "Taken over, and erased: ssh, " in (node.card / "log.txt").read_text()


def test_a_second_run_changes_nothing(node: Node) -> None:
    node.run()
    before = node.stamps()
    assert node.run().returncode == 0
    assert node.stamps() == before


def test_a_file_put_in_later_changes_what_it_says_and_nothing_else(node: Node) -> None:
    node.run()
    put(node, wpa_supplicant__conf=b'network={\n ssid="new"\n key_mgmt=NONE\n}\n')
    assert node.run().returncode == 0
    assert (node.status.state, node.status.generation) == ("done", 2)
    assert ssids(node) == ["new"]
    assert f"maker:{HASH}:" in node.read("/etc/shadow")
    assert node.execute("systemctl", "is-enabled", "ssh.service").stdout == "enabled\n"
    assert left(node, "wpa_supplicant.conf").startswith(b"# Taken over")


def test_a_fault_in_one_file_changes_nothing_and_is_told_with_its_place(node: Node) -> None:
    put(node, wpa_supplicant__conf=WPA.replace(b"country=DE", b"country=UK"))
    before = node.tree()
    assert node.run().returncode == 1
    assert "wpa_supplicant.conf:3:1: This is no country. Type country=GB" in (
        node.status.reason or ""
    )
    told = "boot/firmware/autosetup"
    assert {k: v for k, v in node.tree().items() if not k.startswith(told)} == before
    put(node, wpa_supplicant__conf=WPA)
    assert node.run().returncode == 0
    assert (node.status.state, node.status.generation) == ("done", 1)


def test_a_user_that_the_node_refuses_can_be_put_right(node: Node) -> None:
    put(node, userconf__txt=f"daemon:{HASH}\n".encode())
    assert node.run().returncode == 1
    assert "belongs to the system" in (node.status.reason or "")
    assert left(node, "wpa_supplicant.conf") == WPA
    put(node, userconf__txt=USERCONF)
    assert node.run().returncode == 0


def test_beside_a_payload_they_are_not_read_and_the_log_tells(node: Node) -> None:
    node.insert(packed())
    assert node.run().returncode == 0
    assert node.status.node == "cam-0101"
    assert left(node, "wpa_supplicant.conf") == WPA
    assert "maker" not in node.read("/etc/passwd")
    assert "wpa_supplicant.conf is not read" in (node.card / "log.txt").read_text()
    before = node.stamps()
    node.run()
    assert node.stamps() == before


def trust_a_site(node: Node, policy: str) -> None:
    """Have the image trust one site alone."""
    folder = node.upper / "etc/autosetup/trusted.d"
    folder.mkdir(parents=True)
    (folder / "rig.pub").write_text(f"{public_key()}\n")
    (folder.parent / "policy").write_text(f"{policy}\n")


def test_a_node_that_trusts_one_site_refuses_them_as_unsigned(node: Node) -> None:
    trust_a_site(node, "refuse")
    assert node.run().returncode == 1
    assert node.status.code == "untrusted"
    assert not (node.upper / "etc/passwd").exists()
    assert left(node, "wpa_supplicant.conf") == WPA


def test_the_policy_network_only_takes_their_networks_alone(node: Node) -> None:
    node.run()
    trust_a_site(node, "network-only")
    put(node, userconf__txt=USERCONF.replace(b"maker", b"other"))
    put(node, wpa_supplicant__conf=b'network={\n ssid="new"\n key_mgmt=NONE\n}\n')
    finished = node.run()
    assert finished.returncode == 0, finished.stdout
    assert ssids(node) == ["new"]
    assert "other" not in node.read("/etc/passwd")
    assert left(node, "userconf.txt").startswith(b"# Taken over")
    before = node.stamps()
    node.run()
    assert node.stamps() == before


def test_every_payload_of_a_rig_is_newer_than_they_are(node: Node) -> None:
    node.run()
    node.insert(packed())
    assert node.run().returncode == 0
    assert (node.status.node, node.status.generation) == ("cam-0101", GENERATION)


def test_the_seed_projects_central_node_has_its_user_and_the_key_to_the_others(
    fresh: Callable[[], Node],
) -> None:
    node = fresh()
    node.card.parent.mkdir(parents=True)
    put(node, autosetup_centralnode__zip=zipped(CENTRALNODE))
    finished = node.run()
    assert finished.returncode == 0, finished.stdout
    assert (node.status.node or "").startswith("centralnode-")
    assert node.read("/home/pi/.ssh/authorized_keys") == public_key() + "\n"
    told = node.execute("stat", "-c", "%U:%G %a", "/home/pi/.ssh/id_rsa").stdout
    assert told == "pi:pi 600\n"
    assert PRIVATE in (node.upper / "home/pi/.ssh/id_rsa").read_bytes()
    raw = left(node, "autosetup_centralnode.zip")
    assert raw.startswith(b"# Taken over")
    assert b"camnode" not in raw


def test_its_script_runs_where_the_system_has_what_it_asks_for(fresh: Callable[[], Node]) -> None:
    """Beside its files, as there; one that fails is told, and begins anew the next time."""
    node = fresh()
    asked = node.upper / "usr/bin/raspi-config"
    asked.parent.mkdir(parents=True, exist_ok=True)
    asked.touch(mode=0o755)
    node.card.parent.mkdir(parents=True)
    script = (
        b"#!/bin/bash\nset -e\nmkdir clone\ncat NODETYPE *.priv > /etc/seen\ntest -e /etc/camera\n"
    )
    put(node, autosetup_centralnode__zip=zipped({**CENTRALNODE, "autosetup.sh": script}))
    assert node.run().returncode == 1
    assert (node.status.code, node.status.step) == ("script-failed", "scripts")
    assert node.read("/etc/seen") == f"CENTRALNODE\n{PRIVATE.decode()}"
    (node.upper / "etc/camera").touch()
    assert node.run().returncode == 0
    assert not list((node.upper / "opt/autosetup").rglob("*.priv"))


@pytest.mark.parametrize("moment", [3, 11, 23, 31, 37, 43, 47])
def test_a_power_cut_ends_in_the_same_node(
    node: Node, fresh: Callable[[], Node], moment: int
) -> None:
    whole = pi_os(fresh())
    assert whole.run().returncode == 0
    node.run(kill_at=moment)
    again = node.run()
    assert again.returncode == 0, again.stdout
    stays_different = ("log.txt", "imports.json")
    wanted, found = (
        {k: v for k, v in each.tree().items() if not k.endswith(stays_different)}
        for each in (whole, node)
    )
    assert found.keys() == wanted.keys()
    # Files are dated by the second in which they were put on the card.
    assert [k for k in found if found[k] != wanted[k] and "/generations/" not in k] == []


def test_no_copy_of_an_editor_keeps_a_byte(tmp_path: Path, make_loop: LoopMaker) -> None:
    """A file system without a journal, as FAT is; the raw medium is searched."""
    image, folder = tmp_path / "card", tmp_path / "mounted"
    subprocess.run(["truncate", "-s", "8M", image], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext2", "-m", "0", image], check=True)
    folder.mkdir()
    loop = make_loop(image)
    subprocess.run(["mount", loop, folder], check=True)
    try:
        for name, text in (("a", b"FIRST-TRY"), ("b", b"SECOND-TRY")):
            (folder / name).write_bytes(text * 1000)
            subprocess.run(["sync", "-f", folder], check=True)
            (folder / name).unlink()
        (folder / "FSCK0000.REC").write_bytes(b"LOST-TRY" * 1000)
        (folder / "c").write_bytes(b"THIRD-TRY" * 300)
        subprocess.run(["sync", "-f", folder], check=True)
        words = (b"FIRST-TRY", b"SECOND-TRY", b"LOST-TRY", b"THIRD-TRY")
        assert all(word in image.read_bytes() for word in words)
        wipe_free(folder)
        overwrite(folder / "c", b"\n" * 2700)
        assert sorted(path.name for path in folder.iterdir()) == ["c", "lost+found"]
        # Unmounting alone writes nothing where another namespace has a copy of the mount.
        subprocess.run(["sync", "-f", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)
    raw = image.read_bytes()
    assert not any(word in raw for word in words)
    assert (
        subprocess.run(["e2fsck", "-fn", image], capture_output=True, check=False).returncode == 0
    )


def test_networks_are_those_that_were_meant() -> None:
    """So that the names above are no accident."""
    assert Wifi("hex:61000962c30a").octets == b"a\0\tb\xc3\n"
