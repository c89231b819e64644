"""Files of other systems become a payload like every other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autosetup.faults import Fault, Faulty
from autosetup.imports.convert import Here, convert, identity
from autosetup.imports.names import NAMES
from autosetup.payload import InstalledFile, Payload, Services, Wifi, unpack
from tests.unit.autosetup.imports.samples import (
    CAMNODE,
    CENTRALNODE,
    PRIVATE,
    USERCONF,
    WPA,
    zipped,
)
from tests.unit.autosetup.sample_payloads import HASH, SECRETS, SETTINGS, packed, public_key

HERE = Here(1, "b827ebabcdef", "2026-11-21T03:39:50Z", {"sshd"})
PI_OS = {"ssh": b"", "userconf.txt": USERCONF, "wpa_supplicant.conf": WPA}


def payload_of(files: dict[str, bytes], here: Here = HERE) -> Payload:
    return unpack(convert(files, here))


def faults_of(files: dict[str, bytes], here: Here = HERE) -> tuple[Fault, ...]:
    with pytest.raises(Faulty) as caught:
        convert(files, here)
    return caught.value.faults


def test_the_files_of_raspberry_pi_os_become_one_node() -> None:
    payload = payload_of(PI_OS)
    settings = payload.settings
    assert (settings.name, settings.role, settings.country) == ("node-b827ebabcdef", "node", "DE")
    assert [(user.name, user.passwordless_sudo) for user in settings.users] == [("maker", False)]
    assert "sudo" in settings.users[0].groups
    assert [wifi.ssid for wifi in settings.wifi][1:] == ["Studio 5 GHz", "guest"]
    assert settings.services == Services(("ssh.service",))
    assert payload.secrets.password_hashes == {"maker": HASH}
    assert payload.secrets.wifi_passphrases["Studio 5 GHz"] == "correct # horse"
    assert payload.manifest.card_id == identity(PI_OS)


def test_the_same_files_give_the_same_bytes_and_others_another_card() -> None:
    backwards = dict(reversed(PI_OS.items()))
    assert convert(backwards, HERE) == convert(PI_OS, HERE)
    assert identity({**PI_OS, "ssh": b"x"}) != identity(PI_OS)
    assert identity({"a": b"bc"}) != identity({"ab": b"c"})


@pytest.mark.parametrize("name", NAMES)
def test_each_file_is_enough_on_its_own(name: str) -> None:
    content = {
        "autosetup_camnode.zip": zipped(CAMNODE),
        "autosetup_centralnode.zip": zipped(CENTRALNODE),
        "wpa_supplicant.conf": WPA,
    }
    data = content.get(name, USERCONF if name.startswith("user") else b"")
    assert payload_of({name: data}).manifest.generation == 1


def test_a_camera_node_of_the_seed_project_is_called_and_opened_as_there() -> None:
    settings = payload_of({"autosetup_camnode.zip": zipped(CAMNODE)}).settings
    assert (settings.name, settings.role) == ("camnode-b827ebabcdef", "camnode")
    (user,) = settings.users
    assert (user.name, user.authorized_keys) == ("pi", (public_key(),))
    assert user.passwordless_sudo
    assert not settings.scripts


def test_the_central_node_gets_the_key_to_the_others() -> None:
    payload = payload_of({"autosetup_centralnode.zip": zipped(CENTRALNODE)})
    (file,) = payload.settings.files
    assert file == InstalledFile("/home/pi/.ssh/id_rsa", file.source, 0o600, "pi", "pi")
    assert payload.files[file.source] == PRIVATE


def test_the_script_runs_where_the_system_has_what_it_asks_for() -> None:
    here = replace(HERE, programs={"raspi-config"})
    payload = payload_of({"autosetup_camnode.zip": zipped(CAMNODE)}, here)
    (script,) = payload.settings.scripts
    assert b"./autosetup.sh" in payload.files[script.source]
    installed = {file.path: file.mode for file in payload.settings.files}
    assert installed["/opt/autosetup/autosetup.sh"] == 0o755
    assert set(installed) == {f"/opt/autosetup/{name}" for name in CAMNODE}


def test_a_password_for_pi_goes_with_the_key_of_the_archive() -> None:
    both = {
        "autosetup_camnode.zip": zipped(CAMNODE),
        "userconf": USERCONF.replace(b"maker", b"pi"),
    }
    payload = payload_of(both)
    (user,) = payload.settings.users
    assert user.authorized_keys == (public_key(),)
    assert payload.secrets.password_hashes == {"pi": HASH}


def test_where_they_say_nothing_the_node_stays_what_it_was() -> None:
    before = unpack(packed())
    after = payload_of(
        {"wpa_supplicant.conf": b'network={\nssid="new"\nkey_mgmt=NONE\n}\n'},
        replace(HERE, generation=before.manifest.generation + 1, before=before),
    )
    assert after.settings == replace(SETTINGS, wifi=(Wifi("new", "open"),))
    assert after.secrets.password_hashes == SECRETS.password_hashes
    assert after.secrets.wifi_passphrases == {}
    assert after.files == before.files
    assert after.manifest.image_digest == before.manifest.image_digest


def test_an_archive_upon_a_node_that_came_from_one_changes_what_differs() -> None:
    first = payload_of({"autosetup_centralnode.zip": zipped(CENTRALNODE)})
    other = zipped({**CENTRALNODE, "camnode.priv": PRIVATE + b"\n"})
    again = payload_of({"autosetup_centralnode.zip": other}, replace(HERE, before=first))
    assert again.settings == first.settings
    assert list(again.files.values()) == [PRIVATE + b"\n"]


def test_two_files_of_one_meaning_are_a_fault() -> None:
    archives = {
        "autosetup_camnode.zip": zipped(CAMNODE),
        "autosetup_centralnode.zip": zipped(CENTRALNODE),
    }
    twice = {**archives, "ssh": b"", "ssh.txt": b"", "userconf": USERCONF, "userconf.txt": USERCONF}
    assert [fault.file for fault in faults_of(twice)] == [
        "autosetup_centralnode.zip",
        "ssh.txt",
        "userconf.txt",
    ]


def test_faults_of_all_files_come_at_once() -> None:
    bad = {"ssh": b"", "userconf": b"root:x", "wpa_supplicant.conf": b"country=UK\n"}
    found = faults_of(bad, replace(HERE, programs=()))
    assert [fault.file for fault in found] == ["ssh", "userconf", "userconf", "wpa_supplicant.conf"]
