"""One node's first boot, for real: its power is cut half-way, it is booted again, and once more.

The judges are not ours: mtools and debugfs read the card, fsck.fat and e2fsck check it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from autosetup.status import Status
from flasher.events import CancelFlag, ignore
from flasher.rehearsal.run import Rehearsal, rehearse

Run = Callable[..., list[dict[str, object]]]

pytestmark = pytest.mark.timeout(1800)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEe2yVYZ8hxIyGkbbSPPMzLNEYKUvJqJdmTDoSbDoKvF bench"
HASH = (
    "$6$saltsalt$fofcVQmbATH5nOhHK5xSNgfC3TJvTK5AUvVPHUqswLu.VfoE"
    "VwKPV25F9zoDEJbGy5ZD6VT2mm0e5PVau9GNd1"
)
SITE = f"""\
format = 1
name = "trial"
[user]
name = "scanner"
passwordless_sudo = true
authorized_keys = ["{KEY}"]
[locale]
language = "de_DE.UTF-8"
keyboard = "de"
timezone = "Europe/Berlin"
[network]
country = "DE"
[[network.wifi]]
ssid = "65;66; Café"
"""
PASSPHRASE = "a passphrase; with \\\\ and spaces"
SECRETS = f"""\
format = 1
password_hash = "{HASH}"
[wifi_passphrases]
"65;66; Café" = "{PASSPHRASE}"
"""
BOOT_OFFSET = 4 << 20


@dataclass(frozen=True, slots=True)
class Life:
    """A card and what its node said at each of its boots."""

    card: Path
    cut: Rehearsal
    resumed: Rehearsal
    again: Rehearsal

    def on_boot(self, path: str) -> bytes:
        return tool("mtype", "-i", f"{self.card}@@4M", f"::{path}")

    def on_root(self, path: str) -> str:
        return tool("debugfs", "-R", f"cat {path}", self.root).decode()

    @property
    def root(self) -> str:
        """How e2fsprogs name a file system inside a file."""
        return f"{self.card}?offset={self.root_offset}"

    @property
    def root_offset(self) -> int:
        table = json.loads(tool("sfdisk", "--json", self.card))["partitiontable"]
        return int(table["partitions"][1]["start"]) * 512


def tool(*argv: str | Path) -> bytes:
    return subprocess.run(list(map(str, argv)), capture_output=True, check=True).stdout


def half_way(status: Status) -> bool:
    return status.state == "applying" and status.step_number >= 5


@pytest.fixture(scope="module")
def life(base_image: Path, flasher: Run, tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("life")
    (folder / "site.toml").write_text(SITE)
    (folder / "secrets.toml").write_text(SECRETS)
    card = folder / "card.img"
    to_card = ("--to", card, "--size", "4G", "--image", base_image)
    flasher("prepare", "--scanner", "body-16x7", "--site", folder, "--node", "seg3-cam2", *to_card)
    flasher("verify", card, "--image", base_image)
    cut = rehearse(card, emit=ignore, cancel=CancelFlag(), keep=True, cut_power_after=half_way)
    resumed = rehearse(card, emit=ignore, cancel=CancelFlag(), keep=True)
    again = rehearse(card, emit=ignore, cancel=CancelFlag(), keep=True)
    return Life(card, cut, resumed, again)


def test_a_node_whose_power_is_cut_half_way_ends_done(life: Life) -> None:
    assert life.cut.status is not None
    assert life.cut.status.state == "applying"
    assert life.resumed.status is not None
    assert life.resumed.status.state == "done"
    names = [step.name for step in life.resumed.status.steps]
    assert names == list(dict.fromkeys(names))
    assert life.resumed.status.node == "cam-0302"


def test_the_status_on_the_card_is_the_one_reported(life: Life) -> None:
    status = json.loads(life.on_boot("autosetup/status.json"))
    assert status["state"] == "done"
    assert status["pi_model"].startswith("Raspberry Pi 3")


def test_a_further_boot_changes_nothing(life: Life) -> None:
    assert life.again.status == life.resumed.status


def test_the_node_has_an_address(life: Life) -> None:
    assert life.resumed.status is not None
    addresses = [ip_address(text) for text in life.resumed.status.addresses]
    assert any(not address.is_link_local for address in addresses), addresses


def test_the_clock_never_stands_before_the_making_of_the_card(life: Life) -> None:
    """The emulated Pi has no clock of its own, like the real one."""
    status = json.loads(life.on_boot("autosetup/status.json"))
    manifest = json.loads(life.on_boot("autosetup/manifest.json"))
    assert status["started_at"] >= manifest["flashed_at"]


def test_the_settings_are_on_the_root_file_system(life: Life) -> None:
    assert life.on_root("/etc/hostname") == "cam-0302\n"
    assert f"scanner:{HASH}:" in life.on_root("/etc/shadow")
    assert "bench" in life.on_root("/home/scanner/.ssh/authorized_keys")
    assert "Europe/Berlin" in life.on_root("/etc/timezone")
    assert "de_DE.UTF-8" in life.on_root("/etc/locale.conf")
    assert 'XKBLAYOUT="de"' in life.on_root("/etc/default/keyboard")
    assert "position=SEG3-CAM2" in life.on_root("/var/lib/scanner/node")
    assert "segments = 16" in life.on_root("/etc/scanner/rig.conf")


def test_network_manager_reads_the_wifi_as_it_was_meant(life: Life) -> None:
    folder = "/etc/NetworkManager/system-connections"
    listing = tool("debugfs", "-R", f"ls -p {folder}", life.root)
    (name,) = [
        entry.split("/")[5] for entry in listing.decode().splitlines() if "/autosetup-" in entry
    ]
    keyfile = life.on_root(f"{folder}/{name}")
    read = subprocess.run(
        ["nmcli", "--offline", "connection", "modify", "connection.id", "same"],
        input=keyfile,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "psk=" in read
    ssid = next(line for line in read.splitlines() if line.startswith("ssid="))
    octets = "65;66; Café".encode()
    assert ssid in ("ssid=" + "".join(f"{octet};" for octet in octets), "ssid=65\\;66\\; Café")


def test_no_secret_is_left_anywhere_on_the_boot_partition(life: Life) -> None:
    with life.card.open("rb") as card:
        boot = card.read(life.root_offset)
    for secret in (b"a passphrase; with", HASH[12:40].encode()):
        assert secret not in boot


def test_both_file_systems_are_whole(life: Life, tmp_path: Path) -> None:
    with life.card.open("rb") as card:
        card.seek(BOOT_OFFSET)
        (tmp_path / "boot").write_bytes(card.read(life.root_offset - BOOT_OFFSET))
    # The last boot ended like all others: the plug was pulled. Only the mark of that is left.
    checked = subprocess.run(["fsck.fat", "-n", tmp_path / "boot"], capture_output=True, text=True)
    # Linux marks a mounted FAT as dirty in one byte of the boot sector, and not in its backup.
    known = ("fsck.fat", "Dirty bit", " be corrupt", " Automatically removing", "Leaving")
    known += ("There are differences between boot sector", "This is mostly harmless")
    known += ("  65:01/00", "  Not automatically fixing this")
    left = [line for line in checked.stdout.splitlines() if line and not line.startswith(known)]
    assert len(left) == 1, left
    assert "files" in left[0]
    # Replay the journal, as any boot would; a second look finds nothing to mend.
    subprocess.run(["e2fsck", "-p", life.root], capture_output=True)
    assert subprocess.run(["e2fsck", "-fn", life.root], capture_output=True).returncode == 0


def test_the_root_file_system_takes_the_whole_card(life: Life) -> None:
    table = json.loads(tool("sfdisk", "--json", life.card))["partitiontable"]
    last = table["partitions"][1]
    card_size = life.card.stat().st_size
    assert (last["start"] + last["size"]) * 512 == card_size
    told = tool("dumpe2fs", "-h", life.root).decode().splitlines()
    facts = dict(line.split(":", 1) for line in told if ":" in line)
    size = int(facts["Block count"]) * int(facts["Block size"])
    assert card_size - life.root_offset - (16 << 20) < size <= card_size - life.root_offset
    assert b"was grown to the card's end" in life.on_boot("autosetup/log.txt")


def test_the_autopsy_names_node_and_result(life: Life, flasher: Run) -> None:
    (report,) = flasher("inspect", life.card)
    assert report["summary"] == "cam-0302, done"
    assert report["problems"] == []
