"""Setup files of other programs become the draft of a site; what is not taken is told."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passlib.hash import sha512_crypt

from autosetup.payload import Locale, User, Wifi
from flasher.errors import BadDocument, BadInput, FlasherError
from flasher.rig.foreign_setup import SiteDraft, drafted_site, find_setups, read_setup

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIFdeBS4myjxYjsaLYVC2kLxcgWIEGDZXGJ8i+VLI6jQ developer"
HASH = "$5$lQ4bhGHDGJHeRKnG$" + "a" * 43
PSK = "0123456789abcdef" * 4

# In the forms that rpi-imager 2.0 writes, with settings of our own.
PRESEED = f"""
[system]
hostname = "camera"
[user]
name = "operator"
password = "{HASH}"
password_encrypted = true
groups = ["sudo"]
passwordless_sudo = true
[ssh]
enabled = true
password_authentication = false
authorized_keys = [
  "{KEY}",
]
[wlan]
ssid = "Ring \\"5\\""
password = "{PSK}"
password_encrypted = true
hidden = true
country = "DE"
[locale]
keymap = "de"
timezone = "Europe/Berlin"
[connect]
enabled = true
"""
FIRSTRUN = f"""#!/bin/sh
set +e
CURRENT_HOSTNAME=$(cat /etc/hostname | tr -d " \\t\\n\\r")
if [ -f /usr/lib/raspberrypi-sys-mods/imager_custom ]; then
   /usr/lib/raspberrypi-sys-mods/imager_custom set_hostname camera
fi
   /usr/lib/raspberrypi-sys-mods/imager_custom enable_ssh -k '{KEY}'
if [ -f /usr/lib/userconf-pi/userconf ]; then
   /usr/lib/userconf-pi/userconf 'operator' '{HASH}'
fi
echo 'operator ALL=(ALL) NOPASSWD:ALL' >'/etc/sudoers.d/010_operator-nopasswd'
   /usr/lib/raspberrypi-sys-mods/imager_custom set_wlan  -h 'Ring "5"' '{PSK}' 'DE'
cat >/etc/wpa_supplicant/wpa_supplicant.conf <<'WPAEOF'
country=DE
ctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev
ap_scan=1

update_config=1
network={{
\tscan_ssid=1
\tssid=52696e6720223522
\tkey_mgmt=WPA-PSK SAE
\tpsk={PSK}
\tieee80211w=1
}}
WPAEOF
   /usr/lib/raspberrypi-sys-mods/imager_custom set_keymap 'de'
   /usr/lib/raspberrypi-sys-mods/imager_custom set_timezone 'Europe/Berlin'
exit 0
"""
SETTINGS = f"""[General]
cachedOS=\\x1

[imagecustomization]
hostname=camera
keyboard=de
passwordlessSudo=true
recommendedWifiCountry=DE
sshAuthorizedKeys={KEY}
sshEnabled=true
sshPasswordAuth=false
sshUserName=operator
sshUserPassword={HASH}
timezone=Europe/Berlin
wifiConfigured=true
wifiHidden=true
wifiPasswordCrypt={PSK}
wifiSSID="Ring \\"5\\""
"""
USER_DATA = f"""#cloud-config
hostname: camera
manage_etc_hosts: true
packages:
- avahi-daemon
timezone: Europe/Berlin
keyboard:
  model: pc105
  layout: "de"
user:
  name: operator
  shell: /bin/bash
  lock_passwd: false
  passwd: "{HASH}"
  ssh_authorized_keys:
    - "{KEY}"
  sudo: ALL=(ALL) NOPASSWD:ALL
ssh_pwauth: false
runcmd:
  - [ systemctl, enable, --now, ssh ]
"""
NETWORK = f"""network:
  version: 2
  ethernets:
    eth0:
      dhcp4: true
  wifis:
    wlan0:
      dhcp4: true
      regulatory-domain: "DE"
      access-points:
        "Ring \\"5\\"":
          hidden: true
          password: "{PSK}"
      optional: true
"""
WHOLE = {
    "rpi-preseed.toml": PRESEED,
    "custom.toml": f"config_version = 1\n{PRESEED}",
    "firstrun.sh": FIRSTRUN,
    "Raspberry Pi Imager.conf": SETTINGS,
    "user-data": USER_DATA,
}


def draft(folder: Path, name: str, text: str) -> SiteDraft:
    (folder / name).write_text(text)
    return read_setup(folder / name)


@pytest.mark.parametrize("name", WHOLE)
def test_all_that_imager_knows_is_taken_from_each_of_its_files(tmp_path: Path, name: str) -> None:
    if name == "user-data":
        (tmp_path / "network-config").write_text(NETWORK)
    found = draft(tmp_path, name, WHOLE[name])
    assert (found.user, found.password_hash, found.keys) == ("operator", HASH, (KEY,))
    assert found.wifi == (Wifi('Ring "5"', "wpa-psk", hidden=True),)
    assert found.passphrases == {'Ring "5"': PSK}
    assert (found.country, found.keyboard, found.timezone) == ("DE", "de", "Europe/Berlin")
    assert found.keys_only
    assert found.passwordless_sudo
    assert any("name of its own" in told for told in found.left_out)


def test_a_site_begins_as_the_file_says_and_with_the_usual_elsewhere(tmp_path: Path) -> None:
    found = draft(tmp_path, "custom.toml", PRESEED)
    site, secrets = drafted_site(found, "studio")
    assert site.user == User(found.user, authorized_keys=(KEY,), passwordless_sudo=True)
    assert (site.name, site.wifi, site.keys_only) == ("studio", found.wifi, found.keys_only)
    assert site.locale == Locale(Locale().language, found.keyboard, found.timezone)
    assert secrets.password_hash == found.password_hash
    assert secrets.wifi_passphrases == dict(found.passphrases)
    plain, nothing = drafted_site(SiteDraft(""))
    assert (plain.user, plain.locale, plain.wifi) == (User("scanner"), Locale(), ())
    assert (nothing.password_hash, nothing.wifi_passphrases) == (None, {})


def test_what_a_site_has_no_word_for_is_named(tmp_path: Path) -> None:
    assert any("connect" in told for told in draft(tmp_path, "custom.toml", PRESEED).left_out)
    told = draft(tmp_path, "user-data", USER_DATA).left_out
    assert "packages, runcmd: a site has no word for it." in told


def test_a_password_in_clear_text_is_hashed_at_once(tmp_path: Path) -> None:
    text = '[user]\nname = "operator"\npassword = "hunter2"\n'
    found = draft(tmp_path, "custom.toml", text)
    assert sha512_crypt.verify("hunter2", found.password_hash)
    text = "#cloud-config\nusers:\n- default\n- name: operator\n  plain_text_passwd: hunter2\n"
    found = draft(tmp_path, "any name", text)
    assert sha512_crypt.verify("hunter2", found.password_hash)


def test_digits_without_quotes_are_names_and_passphrases(tmp_path: Path) -> None:
    text = "network: {wifis: {wlan0: {access-points: {1234: {password: 0123456789}}}}}"
    found = draft(tmp_path, "network-config", text)
    assert found.passphrases == {"1234": "0123456789"}


def test_a_file_that_repeats_itself_without_end_is_read_in_no_time(tmp_path: Path) -> None:
    levels = "".join(f"a{n + 1}: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]\n" for n in range(40))
    text = f"#cloud-config\na0: &a0 [x]\n{levels}user: {{name: operator, sudo: *a40}}\n"
    assert draft(tmp_path, "user-data", text).user == "operator"


@given(st.data())
def test_any_damage_is_told_or_survived(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(WHOLE)))
    raw = WHOLE[name].encode()
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(raw))] * 2)))
    put = data.draw(st.sampled_from([b"", b'"', b"[", b"{", b"\0", b"\xff", b"\\x", b"*a", b"\n"]))
    with tempfile.TemporaryDirectory() as folder, suppress(FlasherError):
        (Path(folder) / name).write_bytes(raw[:start] + put + raw[min(end, start + 40) :])
        assert read_setup(Path(folder) / name).summary


def test_wifi_files_are_read(tmp_path: Path) -> None:
    text = 'country=GB\nnetwork={\n ssid="Hall"\n psk="long enough"\n}\n'
    found = draft(tmp_path, "wpa_supplicant.conf", text)
    assert (found.country, found.passphrases) == ("GB", {"Hall": "long enough"})
    text = (
        "[connection]\ntype=wifi\n[wifi]\nssid=Hall\n[wifi-security]\nkey-mgmt=sae\npsk=wide one\n"
    )
    found = draft(tmp_path, "Hall.nmconnection", text)
    assert (found.wifi, found.passphrases) == ((Wifi("Hall", "sae"),), {"Hall": "wide one"})
    found = draft(tmp_path, "b.nmconnection", "[connection]\n[wifi]\nssid=72;195;164;\n")
    assert found.wifi == (Wifi("Hä", "open"),)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("custom.toml", '[user]\nname="root"\n[locale]\nkeymap="de"\n', "The user 'root'"),
        ("custom.toml", '[wlan]\ncountry="UK"\n[locale]\nkeymap="de"\n', "The country 'UK'"),
        ("custom.toml", '[wlan]\nssid="A\\u001b[2J"\n[locale]\nkeymap="de"\n', "nobody sees"),
        ("custom.toml", '[wlan]\nssid="A"\npassword="short"\n[locale]\nkeymap="de"\n', "'A'"),
        ("user-data", "#cloud-config\nlocale: german\ntimezone: Etc/UTC\n", "The language"),
        ("user-data", "#cloud-config\nuser: {name: a, passwd: $1$x}\n", "a kind that nodes refuse"),
        ("user-data", "#cloud-config\nusers: [{name: a}, {name: b}]\n", "b: a site has one user"),
        ("user-data", "#cloud-config\nuser: {name: a}\nssh_pwauth: false\n", "there is no key"),
        ("user-data", "#cloud-config\nuser: {name: a}\nssh_authorized_keys: [x]\n", "A key: "),
    ],
)
def test_what_no_node_takes_is_left_out_and_told(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    found = draft(tmp_path, name, text)
    assert any(told in sentence for sentence in found.left_out)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("custom.toml", '[user]\nname = "a"\npassword = "hunter2\n'),
        ("user-data", "#cloud-config\npassword: [hunter2\n"),
        ("wpa_supplicant.conf", 'network={\n psk="hunter2\n}\n'),
        ("a.nmconnection", "[wifi]\nhunter2\n"),
        ("userconf.txt", "operator:hunter2"),
        ("Imager.conf", "[imagecustomization]\n\0hunter2"),
    ],
)
def test_a_broken_file_is_told_without_its_secrets(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(BadDocument) as caught:
        draft(tmp_path, name, text)
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"
    assert name in caught.value.message


@pytest.mark.parametrize("text", ["", "hello", "#cloud-config\n", "[system]\nhostname='a'\n"])
def test_a_file_with_nothing_for_a_site_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        draft(tmp_path, "some.txt", text)
    assert caught.value.code == "no-setup"


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_bytes(b"#" * ((1 << 20) + 1))
    for path in (tmp_path / "gone", tmp_path, Path("/dev/zero"), tmp_path / "large.toml"):
        with pytest.raises(BadInput, match=r"no file|no setup file|too large"):
            read_setup(path)


def test_setups_are_found_where_they_lie_about(tmp_path: Path) -> None:
    home, card = tmp_path / "home", tmp_path / "my card"
    settings = home / ".config/Raspberry Pi/Raspberry Pi Imager.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(SETTINGS)
    (home / "Downloads").mkdir()
    (home / "Downloads/custom.toml").write_text("not = [")
    (home / "Downloads/user-data").write_text(USER_DATA)
    (home / "Downloads/network-config").write_text(NETWORK)
    card.mkdir()
    (card / "firstrun.sh").write_text(FIRSTRUN)
    (tmp_path / "mounts").write_text(f"/dev/sdb1 {card!s} vfat rw 0 0\n".replace("my ", "my\\040"))
    found = find_setups(home, tmp_path / "mounts")
    assert [setup.path for setup in found] == [settings, home / "Downloads/user-data", card]
    assert all("user operator" in setup.summary and PSK not in setup.summary for setup in found)
    shutil.rmtree(home)
    assert find_setups(home, tmp_path / "no mounts") == ()


def test_nothing_that_is_told_makes_a_screen_obey(tmp_path: Path) -> None:
    text = '#cloud-config\ntimezone: Etc/UTC\n"\\e[2J": 1\nlocale: "\\e[2J"\n'
    told = draft(tmp_path, "user-data", text).left_out
    assert len(told) == 2
    assert all(sentence.isprintable() for sentence in told)


def test_a_draft_shows_no_secret(tmp_path: Path) -> None:
    found = draft(tmp_path, "custom.toml", PRESEED)
    assert PSK not in repr(found)
    assert HASH not in f"{found!r}{found.summary}{found.left_out}"
