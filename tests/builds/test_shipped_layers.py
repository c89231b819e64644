"""The small layers that ship, all in one image; each promise is judged by the program it is for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builds.conftest import Reference
from tests.builds.image_tree import InTree, run_in_image
from tests.builds.places import Ended, Place

pytestmark = pytest.mark.timeout(1200)

# Java makes links among manual pages while it is installed, which fails without their folders.
RECIPE = """
format = 1
name = "shipped"
title = "All small layers that ship"
from = "debian:trixie"
architecture = "amd64"

[image]
boot_size_mib = 64
root_slack_mib = 16
cameras = ["usb"]

[[layer]]
uses = "reduced-footprint"

[[layer]]
name = "system"
packages = ["locales", "default-jre-headless"]

[[layer.file]]
path = "/boot/firmware/config.txt"
lines = ["kernel=none"]
""" + "".join(
    f'\n[[layer]]\nuses = "{name}"\n'
    for name in (
        *(
            "toolchain",
            "wifi-bluetooth",
            "watchdog",
            "ssh-keys-only",
            "mqtt-central",
            "mdns",
            "camera",
        ),
        *("agent", "conf-in-data", "cleanup"),
    )
)


@pytest.fixture(scope="module")
def built(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Ended]:
    folder = tmp_path_factory.mktemp("shipped")
    (folder / "shipped.toml").write_text(RECIPE)
    place = Place(folder / "place", folder / "shipped.toml")
    place.store.mkdir(parents=True)
    subprocess.run(["cp", "-a", "--link", reference.place.store / "pool", place.store], check=True)
    ended = place.build()
    assert ended.status == 0, ended.words
    return place, ended


@pytest.fixture
def run(built: tuple[Place, Ended], tmp_path: Path) -> InTree:
    return lambda script: run_in_image(built[0].out / "shipped.img", script, tmp_path)


Lines = Callable[[str], list[str]]


@pytest.fixture
def lines(run: InTree) -> Lines:
    return lambda script: run(script).splitlines()


def test_documentation_is_gone_and_copyright_is_kept(lines: Lines):
    assert {Path(path).name for path in lines("find /usr/share/doc -type f")} == {"copyright"}
    assert lines("find /usr/share/man /usr/share/info -type f 2> /dev/null || true") == []
    kept = set(lines("ls /usr/share/doc"))
    assert {"bash", "libc6", "mosquitto", "openssh-server"} <= kept
    assert not {"fr-tn", "pl", "ja"} & set(lines("ls /usr/share/locale"))
    assert "de" in lines("ls /usr/share/locale")


def test_a_language_can_still_be_made_and_java_runs(run: InTree):
    made = "sed -i 's/^# de_DE.UTF-8/de_DE.UTF-8/' /etc/locale.gen; locale-gen >&2; locale -a"
    assert "de_DE.utf8" in run(made).split()
    assert "penJDK" in run("java -version 2>&1")


def test_programs_are_built_and_run(run: InTree):
    script = """
    cd /run
    printf '%s\\n' '#include <stdio.h>' 'int main(void) { return puts("built") < 0; }' > built.c
    make --silent built && ./built
    """
    assert run(script) == "built\n"


def test_systemd_is_told_to_feed_the_watchdog(lines: Lines):
    told = lines("systemd-analyze cat-config systemd/system.conf")
    settings = dict(line.split("=", 1) for line in told if line[:1].isalpha() and "=" in line)
    assert settings["RuntimeWatchdogSec"] == "15"
    assert settings["RebootWatchdogSec"] == "15"


def test_a_node_is_not_left_without_its_name_by_an_avahi_that_was_slow(lines: Lines):
    told = lines("systemd-analyze cat-config systemd/system/avahi-daemon.service")
    assert {"Restart=on-failure", "TimeoutStartSec=5min"} <= set(told)


def test_ssh_takes_keys_only(lines: Lines):
    told = lines("ssh-keygen -A >&2; mkdir -p /run/sshd; sshd -T")
    assert {
        "authenticationmethods publickey",
        "kbdinteractiveauthentication no",
        "passwordauthentication no",
        "permitemptypasswords no",
        "permitrootlogin without-password",
        "pubkeyauthentication yes",
    } <= set(told)


def test_the_broker_starts_and_hands_messages_on(run: InTree):
    script = """
    mkdir -p /run/mosquitto && chown mosquitto: /run/mosquitto
    mosquitto -c /etc/mosquitto/mosquitto.conf >&2 & broker=$!
    until mosquitto_pub -r -q 1 -t rig/cam-0101 -m hello 2> /dev/null; do kill -0 $broker; done
    mosquitto_sub -C 1 -W 20 -t 'rig/+' -v
    exec 3<> /dev/tcp/127.0.0.1/9001
    printf '%s\\r\\n' 'GET /mqtt HTTP/1.1' 'Host: rig' 'Upgrade: websocket' \\
        'Connection: Upgrade' 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \\
        'Sec-WebSocket-Version: 13' 'Sec-WebSocket-Protocol: mqtt' '' >&3
    head -1 <&3; kill $broker
    """
    message, answer = run(script).splitlines()
    assert message == "rig/cam-0101 hello"
    assert answer.startswith("HTTP/1.1 101")


def test_settings_of_services_lie_in_data_and_are_still_their_packages(lines: Lines):
    assert lines("readlink /etc/mosquitto; ls /etc/mosquitto/conf.d/rig.conf") == [
        "../data/conf/mosquitto",
        "/etc/mosquitto/conf.d/rig.conf",
    ]
    assert lines("dpkg --verify mosquitto | grep -v /usr/share/ || true") == []


def test_radio_chips_have_their_firmware_and_bluetooth_is_on(lines: Lines):
    assert lines("systemctl is-enabled bluetooth mosquitto NetworkManager") == ["enabled"] * 3
    firmware = set(lines("ls /usr/lib/firmware/brcm"))
    assert {"BCM43430A1.hcd", "BCM4345C0.hcd"} <= firmware  # of the 3B; of the 3B+ and 4B
    assert {"brcmfmac43430-sdio.bin", "brcmfmac43455-sdio.bin"} <= firmware


def test_pictures_can_be_taken(run: InTree):
    assert run("v4l2-ctl --version").startswith("v4l2-ctl ")


def test_nothing_is_left_over(lines: Lines):
    left = "find /var/lib/apt/lists /var/cache/apt/archives /var/cache/man -type f -size +0"
    assert lines(f"{left} 2> /dev/null || true") == []
    assert lines("find /etc -name '*.dpkg-*' -o -name '*.ucf-*'") == []
    assert lines("dpkg --audit") == []
