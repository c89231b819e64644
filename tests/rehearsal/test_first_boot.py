"""One node's first boot, for real: its power is cut half-way, it is booted again, and once more.

Its card says all that one can; the boot settings make the node start once more. The judges
are not ours: mtools and debugfs read the card, fsck.fat and e2fsck check it, NetworkManager and
OpenSSH read what is theirs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from autosetup.status import Status
from flasher import paths
from flasher.events import CancelFlag, ignore
from flasher.rehearsal.run import Rehearsal, rehearse
from flasher.rig.signing import load_signer, make_signer
from tests.integration.autosetup.sample_debs import make_deb

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
domain = "rig.example"
[[network.wifi]]
ssid = "65;66; Café"
[[network.wifi]]
ssid = ' a\\sb🦊 '
security = "sae"
hidden = true
[[network.wifi]]
ssid = "hex:ff00c3"
security = "open"
[time]
ntp = ["192.0.2.1"]
[ssh]
host_keys = true
"""
SSIDS = ("65;66; Café".encode(), " a\\sb🦊 ".encode(), b"\xff\x00\xc3")
PASSPHRASE = "a passphrase; with \\\\ and spaces"
SECRETS = f"""\
format = 1
password_hash = "{HASH}"
[wifi_passphrases]
"65;66; Café" = "{PASSPHRASE}"
' a\\sb🦊 ' = "another passphrase"
"""
# Of the scanner that ships, with more for its cameras. The address is one that QEMU routes.
ROLE = """
[[role.file]]
path = "/etc/scanner/broker.conf"
source = "broker.conf.mustache"
[[role.script]]
source = "started.sh"
[role.wired]
addresses = ["10.0.2.{number}/24"]
gateway = "10.0.2.2"
dns = ["10.0.2.3"]
[role.time]
ntp = ["controller"]
[role.boot]
config = ["dtparam=i2c_arm=on"]
cmdline = ["consoleblank=0"]
[role.variables]
topic = "cameras/{column}/{row}"
"""
TEMPLATE = "{{fqdn}} & {{topic}}{{#ntp}} {{.}}{{/ntp}}\n"
SCRIPT = "#!/bin/sh\ncat /proc/cmdline > /var/lib/scanner/started-with\n"
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


def make_scanner(folder: Path) -> Path:
    """A profile whose cameras get all that a role can give."""
    scanner = folder / "scanner"
    shutil.copytree(paths.assets() / "profiles/body-16x7", scanner)
    profile = scanner / "profile.toml"
    cameras = 'groups = ["video"]\n'
    text = profile.read_text().replace(cameras, f'{cameras}packages = ["rig-tools.deb"]\n')
    profile.write_text(text + ROLE)
    (scanner / "broker.conf.mustache").write_text(TEMPLATE)
    (scanner / "started.sh").write_text(SCRIPT)
    (scanner / "rig-tools.deb").write_bytes(make_deb(folder, "rig-tools"))
    return scanner


@pytest.fixture(scope="module")
def life(base_image: Path, flasher: Run, tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("life")
    (folder / "site.toml").write_text(SITE)
    (folder / "secrets.toml").write_text(SECRETS)
    make_signer(folder, "trial")
    scanner = make_scanner(folder)
    card = folder / "card.img"
    to_card = ("--to", card, "--size", "4G", "--image", base_image)
    flasher("prepare", "--scanner", scanner, "--site", folder, "--node", "seg3-cam2", *to_card)
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


def test_the_site_that_signed_the_card_is_the_one_that_the_node_trusts(life: Life) -> None:
    signer = load_signer(life.card.parent, "trial")
    assert signer is not None
    assert life.resumed.status is not None
    told = (life.resumed.status.trust, life.resumed.status.signer)
    assert told == ("pinned", str(signer.public))
    assert life.on_root("/var/lib/autosetup/site.pub") == f"{signer.public.line}\n"


def test_the_status_on_the_card_is_the_one_reported(life: Life) -> None:
    status = json.loads(life.on_boot("autosetup/status.json"))
    assert status["state"] == "done"
    assert status["pi_model"].startswith("Raspberry Pi 3")


def test_a_further_boot_changes_nothing(life: Life) -> None:
    assert life.again.status == life.resumed.status


def test_the_node_has_its_fixed_address(life: Life) -> None:
    assert life.resumed.status is not None
    assert "10.0.2.16" in life.resumed.status.addresses


def test_the_boot_settings_cost_one_restart_and_are_in_force_then(life: Life) -> None:
    assert life.on_boot("autosetup/log.txt").count(b"The node starts once more.") == 1
    assert "consoleblank=0" in life.on_root("/var/lib/scanner/started-with").split()
    for text in (
        life.on_boot("config.txt").decode(),
        life.on_root("/etc/default/raspi-firmware-custom"),
    ):
        assert text.splitlines().count("dtparam=i2c_arm=on") == 1
    for text in (
        life.on_boot("cmdline.txt").decode(),
        life.on_root("/etc/default/raspi-extra-cmdline"),
    ):
        assert text.split().count("consoleblank=0") == 1


def test_the_host_key_is_the_one_that_the_ledger_knows(
    life: Life, flasher: Run, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(life.on_root("/etc/ssh/ssh_host_ed25519_key"))
    key.chmod(0o600)
    public = tool("ssh-keygen", "-y", "-f", key).decode().split()[:2]
    assert life.on_root("/etc/ssh/ssh_host_ed25519_key.pub").split()[:2] == public
    (told,) = flasher("ledger", "known-hosts")
    assert " ".join(public) in json.dumps(told)


def test_the_package_of_the_payload_is_installed(life: Life) -> None:
    assert life.on_root("/usr/share/rig-tools") == "1.0"
    records = life.on_root("/var/lib/dpkg/status").split("\n\n")
    (record,) = (text for text in records if text.startswith("Package: rig-tools\n"))
    assert "Status: install ok installed" in record


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
    expected = "cam-0302.rig.example & cameras/3/2 controller 192.0.2.1\n"
    assert life.on_root("/etc/scanner/broker.conf") == expected
    servers = life.on_root("/etc/chrony/sources.d/autosetup.sources")
    assert servers == "server controller iburst\nserver 192.0.2.1 iburst\n"


def test_network_manager_reads_the_networks_as_they_were_meant(life: Life) -> None:
    folder = "/etc/NetworkManager/system-connections"
    listing = tool("debugfs", "-R", f"ls -p {folder}", life.root).decode().splitlines()
    names = {entry.split("/")[5] for entry in listing if "/autosetup-" in entry}
    assert names == {f"autosetup-{name}.nmconnection" for name in ("1", "2", "3", "wired")}
    wired = as_network_manager_reads(life.on_root(f"{folder}/autosetup-wired.nmconnection"))
    assert {"10.0.2.16/24", "10.0.2.2"} <= set(",".join(wired).replace("=", ",").split(","))
    for number, octets in enumerate(SSIDS, 1):
        read = as_network_manager_reads(life.on_root(f"{folder}/autosetup-{number}.nmconnection"))
        assert any(line.startswith("psk=") for line in read) == (number != 3)
        ssid = next(line for line in read if line.startswith("ssid="))
        assert ssid == "ssid=" + "".join(f"{octet};" for octet in octets)


def as_network_manager_reads(keyfile: str) -> list[str]:
    """The lines that it would write of a connection; an odd SSID is a list of its octets."""
    argv = ["nmcli", "--offline", "connection", "modify", "connection.id", "same"]
    done = subprocess.run(argv, input=keyfile, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_no_secret_is_left_anywhere_on_the_boot_partition(life: Life) -> None:
    with life.card.open("rb") as card:
        boot = card.read(life.root_offset)
    for secret in (b"a passphrase; with", b"another passphrase", HASH[12:40].encode()):
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
