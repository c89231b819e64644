"""Trouble of every kind: each ends in a state that names the step and the likely cause."""

from __future__ import annotations

import calendar
import dataclasses
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autosetup.settings import InstalledFile, Script
from tests.integration.autosetup.conftest import PROJECT, Node
from tests.unit.autosetup.sample_payloads import FILES, GENERATION, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    return fresh()


def insert(node: Node, script: str = "exit 0", seconds: int = 5, **files: bytes) -> None:
    """A payload with this script."""
    settings = dataclasses.replace(PLAIN, scripts=(Script("scripts/10-hello", seconds),))
    content = {**FILES, **files, "scripts/10-hello": f"#!/bin/sh\n{script}\n".encode()}
    node.insert(packed(settings, files=content))


def trouble(node: Node, *commands: str) -> None:
    """What is wrong with the node's tree, `$root`, from its next start on."""
    (node.folder / "trouble").write_text("\n".join(commands) + "\n")


def test_a_hanging_script_is_stopped_with_whatever_it_hid(node: Node) -> None:
    hidden = "setsid sh -c '(while :; do date >/etc/alive; sleep 0.01; done) &' &"
    insert(node, f"{hidden}\nuntil [ -e /etc/alive ]; do :; done\nsleep 1000", seconds=1)
    agent = shlex.join(node.agent())
    # Its process namespace lives on until what it started has ended.
    told = node.execute("sh", "-c", f"{agent}; rm /etc/alive; sleep 0.3; ls /etc/alive")
    assert (node.status.code, node.status.step) == ("script-timeout", "scripts")
    log = (node.card / "log.txt").read_text()
    assert re.search(r"10-hello left \d+ programs running; they were stopped", log)
    assert "No such file" in told.stderr


def test_a_full_disk_is_named_with_its_size_and_nothing_is_half_written(node: Node) -> None:
    insert(node)
    place = "$root/var/lib/autosetup"
    trouble(node, f"mkdir -p {place}", f"mount -t tmpfs -o size=64k full {place}")
    files = {**FILES, "files/motd": bytes(1 << 20)}
    node.insert(packed(PLAIN, files=files))
    told = node.execute("sh", "-c", f"{shlex.join(node.agent())}; find /var/lib/autosetup")
    assert (node.status.state, node.status.code) == ("failed", "no-space")
    assert "The file system of /var/lib/autosetup is full: 0.1 MB" in (node.status.reason or "")
    assert "It takes 1.1 MB." in (node.status.reason or "")
    assert "/var/lib/autosetup/generations" not in told.stdout.replace("generations\n", "")
    (node.folder / "trouble").unlink()
    assert node.run().returncode == 0


_FILL = """
mount -t ext4 -o loop "$1" "$2"
head --bytes=100M /dev/zero >"$2/full"
cd "$4" && exec "$3" -c '
import pathlib, sys
from autosetup.errors import free_bytes
print(free_bytes(pathlib.Path(sys.argv[1])))' "$2"
"""


def test_what_ext4_keeps_for_itself_is_not_told_as_free(tmp_path: Path) -> None:
    image, point = tmp_path / "image", tmp_path / "point"
    point.mkdir()
    subprocess.run(["mke2fs", "-q", "-t", "ext4", image, "64M"], check=True)
    argv = ["unshare", "--mount", "sh", "-c", _FILL, "sh", image, point, sys.executable, PROJECT]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "No space left on device" in told.stderr
    assert told.stdout == "0\n"


def test_a_file_that_finds_no_room_is_named_and_the_steps_before_are_kept(node: Node) -> None:
    files = (InstalledFile("/srv/pictures/big", "files/big"),)
    settings = dataclasses.replace(PLAIN, files=files, scripts=())
    node.insert(packed(settings, files={"files/big": bytes(1 << 20)}))
    place = "$root/srv/pictures"
    trouble(node, f"mkdir -p {place}", f"mount -t tmpfs -o size=64k full {place}")
    told = node.execute("sh", "-c", f"{shlex.join(node.agent())}; ls -A /srv/pictures")
    assert (node.status.code, node.status.step) == ("no-space", "files")
    assert "/srv/pictures is full" in (node.status.reason or "")
    assert "/srv/pictures/big could not be written" in (node.status.reason or "")
    assert not told.stdout.endswith(("big\n", ".autosetup\n"))
    assert node.read("/etc/hostname") == "cam-0101\n"


def test_a_boot_partition_that_cannot_be_written_is_said_and_survived(node: Node) -> None:
    insert(node)
    place = "$root/boot/firmware"
    trouble(node, f"mount --bind {place} {place}", f"mount -o remount,bind,ro {place}")
    told = node.execute("sh", "-c", f"{shlex.join(node.agent())}; cat /run/autosetup/status.json")
    assert '"state": "done"' in told.stdout
    assert "status.json on the card could not be written: Read-only file system." in told.stdout
    assert "The secrets on the card could not be erased: Read-only file system." in told.stdout
    assert not (node.card / "status.json").exists()
    # Once it can be written, what was left open is done.
    (node.folder / "trouble").unlink()
    assert node.run().returncode == 0
    assert node.status.state == "done"
    assert b"correct horse" not in (node.card / "secrets.toml").read_bytes()


def test_a_root_file_system_that_cannot_be_written_is_named(node: Node) -> None:
    insert(node)
    trouble(node, 'mount --rbind "$root" "$root"', 'mount -o remount,bind,ro "$root"')
    told = node.execute("sh", "-c", f"{shlex.join(node.agent())}; cat /run/autosetup/status.json")
    assert '"code": "read-only"' in told.stdout
    assert "its file system is read-only" in told.stdout


def test_a_boot_partition_that_is_gone_is_told_apart_from_a_card_without_payload(
    node: Node,
) -> None:
    (node.upper / "etc/fstab").write_text("LABEL=bootfs  /boot/firmware  vfat  defaults  0  2\n")
    told = node.run()
    assert told.returncode == 1
    assert "The boot partition, which has the payload, is not mounted" in told.stdout


def test_a_node_that_has_its_payload_needs_no_boot_partition(node: Node) -> None:
    insert(node)
    (node.upper / "etc/fstab").write_text("LABEL=bootfs  /boot/firmware  vfat  defaults  0  2\n")
    assert node.run(kill_at=60).returncode not in (0, 1)
    trouble(node, 'rm -r "$root/boot/firmware/autosetup"')
    told = node.run()
    assert (told.returncode, "cam-0101 · done" in told.stdout) == (0, True)


def test_what_may_pass_is_tried_again_until_it_has(node: Node) -> None:
    insert(node, "echo x >>/etc/tries\n[ $(wc -l </etc/tries) = 3 ] || { echo no camera; exit 1; }")
    told = node.run("run", "--again=0.01,0.02")
    assert told.returncode == 0
    assert (node.status.state, node.status.attempt) == ("done", 3)
    assert node.status.next_try_at is None
    assert told.stdout.count("no camera Look in log.txt, and mend the script. · try ") == 2


def test_the_tries_are_counted_over_every_boot_and_the_next_one_is_told(node: Node) -> None:
    insert(node, "exit 1")
    for attempt in (1, 2, 3):
        node.execute("timeout", "--preserve-status", "5", *node.agent("run", "--again=3600"))
        assert (node.status.state, node.status.attempt) == ("failed", attempt)
    begun, next_try = (node.status.finished_at or "", node.status.next_try_at or "")
    assert 3600 <= seconds(next_try) - seconds(begun) <= 4501
    told = node.run("status").stdout
    assert f"try 4 at {next_try[11:16]} UTC" in told


def seconds(text: str) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def test_what_cannot_pass_is_not_tried_again(node: Node) -> None:
    insert(node)
    (node.card / "node.toml").write_bytes(b"name = 1\n")
    assert node.run("run", "--again=0.01").returncode == 1
    assert (node.status.code, node.status.next_try_at) == ("payload-refused", None)


COUNTS = "echo x >>/etc/runs; "


@pytest.mark.parametrize(("signal", "runs"), [("TERM", 2), ("KILL", 5)])
def test_a_script_that_restarts_the_node_is_caught_and_never_run_again(
    node: Node, signal: str, runs: int
) -> None:
    """The agent is told to stop, as by an orderly restart; or it ends without a word."""
    insert(node, f"{COUNTS}kill -{signal} $PPID; sleep 9")
    for _ in range(runs):
        node.run()
        assert (node.status.state, node.status.step) == ("applying", "scripts")
    for _ in range(2):
        assert node.run("run", "--again=0.01").returncode == 1
        assert (node.status.step, node.status.code) == ("scripts", "script-reboots")
        assert "The script 10-hello restarts the node" in (node.status.reason or "")
    assert node.read("/etc/runs").count("x") == runs
    settings = dataclasses.replace(PLAIN, scripts=(Script("scripts/10-hello"),))
    files = {**FILES, "scripts/10-hello": b"#!/bin/sh\nexit 0\n"}
    node.insert(packed(settings, files=files, generation=GENERATION + 1))
    assert node.run().returncode == 0


def test_power_cuts_are_not_held_against_a_script(node: Node) -> None:
    insert(node, f"{COUNTS}[ $(wc -l </etc/runs) = 5 ] || kill -KILL $PPID")
    for _ in range(4):
        node.run()
    assert node.run().returncode == 0
    assert node.read("/etc/runs").count("x") == 5


def test_a_node_that_is_switched_off_once_during_a_script_runs_it_again(node: Node) -> None:
    insert(node, f"{COUNTS}[ $(wc -l </etc/runs) = 2 ] || {{ kill -TERM $PPID; sleep 9; }}")
    stopped = node.run()
    assert (stopped.returncode, "Told to stop" in stopped.stdout) == (0, True)
    assert node.run().returncode == 0
