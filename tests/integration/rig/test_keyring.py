"""The desktop's keyring keeps a site's passphrase: tried with GNOME's own, on a bus of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring as library
import pytest
from jeepney import MatchRule, message_bus
from jeepney.io.blocking import open_dbus_connection

from flasher.rig import keyring_store
from flasher.rig.site import has_keyring_entry, is_locked, list_sites, try_unlock
from tests.integration.command_line import flasher

pytestmark = pytest.mark.subprocess

DBUS = "org.freedesktop.DBus"
NOWHERE = "unix:path=/nonexistent"
# What the library finds in the keyring, asked apart from Flasher.
ALL_KEPT = """
import secretstorage
with secretstorage.dbus_init() as bus:
    for item in secretstorage.get_default_collection(bus).get_all_items():
        if item.get_attributes().get("service") == "flasher":
            print(item.get_attributes()["username"], item.get_secret().decode())
"""


@pytest.fixture(autouse=True)
def library_chooses_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library chose once counts for a whole process; tests share theirs."""
    monkeypatch.setattr(library.core, "_keyring_backend", None)


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A login to a desktop: a session's bus, and its keyring, which is unlocked."""
    with tempfile.TemporaryDirectory() as folder, session_bus() as address:
        for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"):
            monkeypatch.setenv(name, folder)  # a short one, as it is that of sockets, too
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        with keyring():
            yield


@contextmanager
def session_bus() -> Iterator[str]:
    argv = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as bus:
        assert bus.stdout
        try:
            yield bus.stdout.readline().decode().strip()
        finally:
            bus.terminate()


@contextmanager
def keyring() -> Iterator[None]:
    argv = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet) as daemon:
        assert daemon.stdin
        try:
            daemon.stdin.write(b"login")
            daemon.stdin.close()
            wait_for_owner("org.freedesktop.secrets")
            yield
        finally:
            daemon.terminate()


def wait_for_owner(name: str) -> None:
    """Wait until somebody on the session's bus has a name."""
    rule = MatchRule(type="signal", interface=DBUS, member="NameOwnerChanged")
    rule.add_arg_condition(0, name)
    with open_dbus_connection() as bus, bus.filter(rule) as changes:
        bus.send_and_get_reply(message_bus.AddMatch(rule))
        if not bus.send_and_get_reply(message_bus.NameHasOwner(name)).body[0]:
            bus.recv_until_filtered(changes, timeout=60)


def secret(folder: Path, name: str, text: str) -> int:
    path = folder / name
    path.write_text(f"{text}\n")
    return os.open(path, os.O_RDONLY)


def told(folder: Path, *argv: str, **secrets: str) -> tuple[int, dict[str, object]]:
    """Run the program with secrets behind the options of their names."""
    given = {name: secret(folder, name, text) for name, text in secrets.items()}
    words = [word for name, fd in given.items() for word in (f"--{name}-fd", str(fd))]
    try:
        return flasher("site", *argv, *words, keep=tuple(given.values()))
    finally:
        for descriptor in given.values():
            os.close(descriptor)


def kept() -> list[list[str]]:
    asked = [sys.executable, "-c", ALL_KEPT]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.usefixtures("desktop")
def test_the_keyring_opens_a_site_until_it_is_unlocked_for_good(tmp_path: Path) -> None:
    made = told(tmp_path, "new", "studio", "--lock", "keyring", password="pw", lock="wren")
    assert made[0] == 0
    assert has_keyring_entry("studio")
    ((entry, phrase),) = kept()
    assert (entry.rpartition("-")[0], phrase) == ("studio", "wren")
    assert told(tmp_path, "check", "studio")[0] == 0

    assert told(tmp_path, "lock", "studio", "--keyring", lock="mauve")[0] == 0
    assert kept() == [[entry, "mauve"]]
    assert try_unlock("studio", "mauve")

    assert told(tmp_path, "unlock", "studio")[0] == 0
    assert not is_locked("studio")
    assert kept() == []


@pytest.mark.usefixtures("desktop")
def test_without_the_keyring_the_passphrase_opens_the_site_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(tmp_path, "new", "studio", "--lock", "keyring", password="pw", lock="wren")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", NOWHERE)
    status, error = told(tmp_path, "key", "studio")
    assert (status, error["code"]) == (2, "site-locked")
    assert told(tmp_path, "key", "studio", unlock="wren")[0] == 0


def test_a_computer_without_a_keyring_says_so_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", NOWHERE)
    made = told(tmp_path, "new", "studio", "--lock", "keyring", password="pw", lock="wren")
    assert (made[0], made[1]["code"]) == (5, "no-keyring")
    assert "studio" not in list_sites()
    assert told(tmp_path, "new", "studio", password="pw")[0] == 0
    locked = told(tmp_path, "lock", "studio", "--keyring", lock="wren")
    assert (locked[0], locked[1]["code"]) == (5, "no-keyring")
    assert not is_locked("studio")


@pytest.mark.usefixtures("desktop")
def test_a_login_that_ends_meanwhile_is_a_computer_without_a_keyring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert keyring_store.is_there()
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    assert not keyring_store.is_there()
