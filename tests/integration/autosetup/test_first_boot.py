"""A first boot with the real programs of a Debian system."""

from __future__ import annotations

import dataclasses
import stat
from collections.abc import Callable

import pytest

from autosetup.payload import Script, Secrets, User
from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import (
    FILES,
    GENERATION,
    HASH,
    SECRETS,
    SETTINGS,
    packed,
    public_key,
)
from tests.unit.autosetup.test_small_parts import new_key


@pytest.fixture
def done(node: Node) -> Node:
    """The node after its first boot."""
    finished = node.run()
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return node


def test_a_first_boot_makes_the_node_that_the_card_says(done: Node) -> None:
    status = done.status
    assert (status.state, status.node, status.generation) == ("done", "cam-0101", GENERATION)
    assert [step.name for step in status.steps] == [
        "leftovers",
        "identity",
        "hostname",
        "users",
        "ssh",
        "network",
        "locale",
        "timezone",
        "clock",
        "serve",
        "files",
        "software",
        "conf",
        "boot",
        "packages",
        "services",
        "update",
        "scripts",
        "health",
    ]
    assert done.read("/etc/hostname") == "cam-0101\n"
    assert (
        done.read("/etc/hosts")
        == "127.0.0.1\tlocalhost\n127.0.1.1\tcam-0101.rig.example cam-0101\n"
    )
    assert str((done.upper / "etc/localtime").readlink()).endswith("/Europe/Berlin")
    # Debian 13 keeps it in one file under two names, Debian 12 in the first.
    written = [
        name for name in ("default/locale", "locale.conf") if (done.upper / "etc" / name).is_file()
    ]
    assert written
    assert all("LANG=de_DE.UTF-8" in done.read(f"/etc/{name}") for name in written)
    assert 'XKBLAYOUT="de"' in done.read("/etc/default/keyboard")
    assert "regdom=DE" in done.read("/etc/modprobe.d/autosetup-country.conf")
    assert "de_DE.utf8" in done.execute("locale", "-a").stdout.split()


def test_the_user_can_log_in_with_password_and_key_and_become_root(done: Node) -> None:
    assert f"scan:{HASH}:" in done.read("/etc/shadow")
    assert {"scan", "video", "i2c"} <= set(done.execute("id", "-nG", "scan").stdout.split())
    keys = done.upper / "home/scan/.ssh/authorized_keys"
    assert keys.read_text() == public_key() + "\n"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    owner = done.execute("stat", "-c", "%U:%G %a", "/home/scan/.ssh").stdout
    assert owner == "scan:scan 700\n"
    assert done.execute("visudo", "-c").returncode == 0
    granted = done.execute("sudo", "-l", "-U", "scan").stdout
    assert "NOPASSWD: ALL" in granted


def test_a_file_is_installed_with_its_mode_and_owner(done: Node) -> None:
    assert done.execute("stat", "-c", "%U:%G %a", "/etc/motd").stdout == "scan:video 600\n"
    assert done.read("/etc/motd") == "hello\n"


def test_services_are_switched(done: Node) -> None:
    found = done.execute("systemctl", "is-enabled", "capture.service", "preview.service").stdout
    assert found.split() == ["enabled", "disabled"]


def test_scripts_know_the_node_and_their_output_is_kept_without_secrets(node: Node) -> None:
    script = b'#!/bin/sh\necho "$NODE_NAME $NODE_ROLE $NODE_POSITION $NODE_GENERATION $(id -u)"\n'
    files = {**FILES, "scripts/10-hello": script + b'echo "key: correct horse"\n'}
    node.insert(packed(files=files))
    assert node.run().returncode == 0
    log = (node.card / "log.txt").read_text()
    assert f"10-hello: cam-0101 camnode SEG1-CAM1 {GENERATION} 0" in log
    assert "10-hello: key: <secret>" in log
    assert "correct horse" not in log


def test_host_keys_are_made_on_the_node(node: Node) -> None:
    for key in (node.upper / "etc/ssh").iterdir():
        key.write_bytes(b"")
    node.run()
    made = node.execute("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").stdout
    assert "(ED25519)" in made
    assert node.status.steps[1].changed


def test_a_host_key_of_the_payload_is_the_nodes_own_and_leaves_the_card(node: Node) -> None:
    body, public = new_key()
    node.insert(packed(secrets=dataclasses.replace(SECRETS, host_key=body)))
    assert node.run().returncode == 0
    key = "/etc/ssh/ssh_host_ed25519_key"
    judged = node.execute("ssh-keygen", "-y", "-P", "", "-f", key)
    assert judged.stdout.split()[:2] == public.split()
    assert node.read(f"{key}.pub") == f"{public} cam-0101\n"
    assert (node.upper / key[1:]).stat().st_mode & 0o777 == 0o600
    assert body.encode() not in (node.card / "secrets.toml").read_bytes()
    before = node.stamps()
    node.run()
    assert node.stamps() == before


def test_a_second_run_changes_nothing(done: Node) -> None:
    before = done.stamps()
    again = done.run()
    assert again.returncode == 0
    assert "cam-0101 · done" in again.stdout
    assert done.stamps() == before


def test_the_status_command_says_what_the_card_says(done: Node) -> None:
    told = done.run("status")
    assert (told.returncode, told.stdout.startswith("cam-0101 · done")) == (0, True)


def test_secrets_are_overwritten_where_they_lie(node: Node) -> None:
    secrets = node.card / "secrets.toml"
    before = secrets.stat()
    node.run()
    after = secrets.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    for path in node.card.rglob("*"):
        raw = path.read_bytes() if path.is_file() else b""
        assert not any(secret.encode() in raw for secret in SECRETS.values())


def test_erased_secrets_of_a_new_generation_are_refused_and_nothing_is_changed(done: Node) -> None:
    erased = (done.card / "secrets.toml").read_bytes()
    newer = packed(generation=GENERATION + 1)
    done.insert({**newer, "secrets.toml": erased})
    before = done.tree()
    assert done.run().returncode == 1
    assert done.status.code == "payload-refused"
    assert "used and erased" in (done.status.reason or "")
    assert {k: v for k, v in done.tree().items() if "firmware" not in k} == {
        k: v for k, v in before.items() if "firmware" not in k
    }


def test_a_payload_with_faults_changes_nothing_and_tells_them_all(node: Node) -> None:
    raw = packed()
    raw["node.toml"] = raw["node.toml"].replace(b'country = "DE"', b'country = "UK"')
    raw["scripts/10-hello"] = b"echo\r\n"
    node.insert(raw)
    before = node.tree()
    assert node.run().returncode == 1
    assert node.tree() == before
    reason = node.status.reason or ""
    assert node.status.state == "failed"
    assert all(told in reason for told in ("GB", "CRLF", "changed after the card was written"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"timezone": "Europe/Berlim"}, "Did you mean Europe/Berlin?"),
        ({"language": "de_DX.UTF-8"}, "Did you mean de_DE.UTF-8?"),
    ],
)
def test_what_the_system_does_not_know_is_refused_before_any_change(
    node: Node, change: dict[str, str], told: str
) -> None:
    locale = dataclasses.replace(SETTINGS.locale, **change)
    node.insert(packed(dataclasses.replace(SETTINGS, locale=locale)))
    before = node.tree()
    assert node.run().returncode == 1
    assert told in (node.status.reason or "")
    assert node.tree() == before


def test_a_system_account_is_never_taken_over(node: Node) -> None:
    users = dataclasses.replace(SETTINGS, users=(User("daemon"),), files=(), scripts=())
    node.insert(packed(users, Secrets(bytes(32), {}, SECRETS.wifi_passphrases), {}))
    for name in FILES:
        (node.card / name).unlink()
    assert node.run().returncode == 1
    assert "belongs to the system" in (node.status.reason or "")


def test_a_failing_script_is_named_and_tried_again_and_the_finished_one_is_not(node: Node) -> None:
    counting = b"#!/bin/sh\necho x >> /etc/counted\n"
    failing = b"#!/bin/sh\necho no camera found\n[ -e /etc/camera ]\n"
    files = {**FILES, "scripts/10-hello": counting, "scripts/20-camera": failing}
    scripts = (*SETTINGS.scripts, Script("scripts/20-camera"))
    node.insert(packed(dataclasses.replace(SETTINGS, scripts=scripts), files=files))
    assert node.run().returncode == 1
    assert (node.status.code, node.status.step) == ("script-failed", "scripts")
    assert "no camera found" in (node.status.reason or "")
    assert b"correct horse" in (node.card / "secrets.toml").read_bytes()
    (node.upper / "etc/camera").touch()
    assert node.run().returncode == 0
    assert node.read("/etc/counted") == "x\n"


def test_a_script_that_hangs_is_stopped_with_all_that_it_started(node: Node) -> None:
    hanging = b"#!/bin/sh\n(sleep 1000; touch /etc/survived) &\nsleep 1000\n"
    scripts = (Script("scripts/10-hello", timeout_seconds=1),)
    settings = dataclasses.replace(SETTINGS, scripts=scripts)
    node.insert(packed(settings, files={**FILES, "scripts/10-hello": hanging}))
    assert node.run().returncode == 1
    assert node.status.code == "script-timeout"


def test_a_payload_can_be_checked_without_applying_it(node: Node) -> None:
    before = node.tree()
    good = node.run("check")
    assert (good.returncode, "no faults" in good.stdout) == (0, True)
    (node.card / "node.toml").write_bytes(b'name = "Cam"')
    for place in ("/boot/firmware", "/boot/firmware/autosetup/node.toml", "/boot/no"):
        assert f"There is no payload in {place}." in node.run("check", place).stderr
    bad = node.run("check", "/boot/firmware/autosetup")
    assert (bad.returncode, "node.toml:1:1: name is 'Cam'." in bad.stderr) == (1, True)
    assert node.tree() == before | {k: v for k, v in node.tree().items() if "node.toml" in k}


def test_no_payload_means_waiting(fresh: Callable[[], Node]) -> None:
    node = fresh()
    told = node.run()
    assert told.returncode == 0
    assert "no node · waiting · no payload on this card" in told.stdout


def test_the_boot_partition_may_be_mounted_at_boot(fresh: Callable[[], Node]) -> None:
    node = fresh()
    node.insert(packed())
    node.card.rename(node.upper / "boot/autosetup")
    (node.upper / "boot/firmware").rmdir()
    assert node.run().returncode == 0
    assert b'"state": "done"' in (node.upper / "boot/autosetup/status.json").read_bytes()
