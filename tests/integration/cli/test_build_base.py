"""What `build-base` says before it builds anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from passlib.hash import sha512_crypt

from flasher.cli import main
from flasher.rig.site import load_site


def refused(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    status = main(["build-base", "--arch", "amd64", *map(str, argv), "--json"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (status, told["kind"]) == (2, "error")
    return str(told["code"])


def test_a_key_that_cannot_sign_is_told_before_anything_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert refused(capsys, "--out", out, "--sign", tmp_path / "none.key") == "key-unreadable"
    key = tmp_path / "other.key"
    key.write_text("no key\n")
    assert refused(capsys, "--out", out, "--sign", key) == "key-unknown"
    assert list(out.glob("*")) == []


@pytest.mark.parametrize(
    "options", [("--lock", "a.lock", "--update"), ("--compress", "rar"), ("--sign",)]
)
def test_options_that_make_no_sense_are_told(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *options) == "usage"


def test_a_folder_that_cannot_be_is_named_and_looking_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert refused(capsys, "--out", tmp_path / "file") == "folder-unusable"
    assert refused(capsys, "--out", tmp_path / "file/below") == "folder-unusable"
    assert refused(capsys, "--out", "/proc/nothing") == "folder-unusable"
    assert refused(capsys, "--out", tmp_path, "--sign", tmp_path / "none") == "key-unreadable"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_a_config_sets_of_a_person_becomes_a_site_and_is_told_before_the_build(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path / "data"))
    (tmp_path / "stage0").mkdir()
    config = tmp_path / "config"
    config.write_text(
        "IMG_NAME=loft FIRST_USER_NAME=ada FIRST_USER_PASS='smart \"quotes\"'\n"
        "WPA_ESSID=Loft WPA_PASSWORD='diffe rence' WPA_COUNTRY=GB\n"
    )
    unusable = tmp_path / "file"
    unusable.touch()
    asked = ("-c", config, "--out", unusable, "--site", "loft")
    assert refused(capsys, *asked) == "folder-unusable"
    site, secrets = load_site("loft")
    assert (site.user.name, site.country, [w.ssid for w in site.wifi]) == ("ada", "GB", ["Loft"])
    assert secrets.wifi_passphrases == {"Loft": "diffe rence"}
    assert sha512_crypt.verify('smart "quotes"', secrets.password_hash)
    assert site.path.with_name("secrets.toml").stat().st_mode & 0o777 == 0o600
    assert refused(capsys, *asked) == "site-exists"


def test_a_site_of_nothing_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path))
    assert refused(capsys, "--site", "loft") == "nothing-personal"
    assert list(tmp_path.glob("**/site.toml")) == []


CUSTOMISE = """
class customizeImage:
    def __init__(self):
        self.conf = {
            "hostname": "ezrobot", "rootfs_extra_space_mb": 30, "rootfs": "/image-builds/x",
            "flavour": "robot", "release": "noble", "imagedir": "IMAGEDIR", "apt_get_packages": [],
        }

    def execute_customizations(self):
        linux_util.create_user("ada", "smart")
"""


def test_a_customisation_script_says_where_its_image_goes_and_its_password_becomes_a_site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path / "data"))
    (tmp_path / "file").touch()
    script = tmp_path / "customize_robot.py"
    script.write_text(CUSTOMISE.replace("IMAGEDIR", str(tmp_path / "file")))
    assert refused(capsys, "--customization", script, "--site", "loft") == "folder-unusable"
    site, secrets = load_site("loft")
    assert site.user.name == "ada"
    assert sha512_crypt.verify("smart", secrets.password_hash)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("linux_util.create", "self.git_token; create"), "customization-refused"),
        (('"hostname": "ezrobot", ', ""), "conf-refused"),
        (("class", "1 / 0\nclass"), "customization-failed"),
        (("class", "class class"), "customization-unreadable"),
    ],
)
def test_a_customisation_script_that_cannot_be_built_is_refused(
    change: tuple[str, str], code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "customize_robot.py"
    script.write_text(CUSTOMISE.replace("IMAGEDIR", "/nowhere").replace(*change))
    asked = ("--customization", script, "--out", script)
    assert refused(capsys, *asked) == code
    assert refused(capsys, *asked, "-c", tmp_path / "config") == "two-images"


def test_a_recipe_names_scripts_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'format = 1\nname = "x"\nfrom = "debian:trixie"\n'
        '[[layer]]\nname = "robot"\npi_image2 = "nothing.py"\ncheckout = "."\n'
    )
    assert refused(capsys, recipe) == "customization-unreadable"


def test_the_person_behind_sudo_owns_the_site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    for name, value in (("FLASHER_DATA", str(data)), ("SUDO_UID", "4711"), ("SUDO_GID", "4712")):
        monkeypatch.setenv(name, value)
    (tmp_path / "stage0").mkdir()
    (tmp_path / "config").write_text("IMG_NAME=loft FIRST_USER_PASS=x\n")
    (tmp_path / "file").touch()
    refused(capsys, "-c", tmp_path / "config", "--out", tmp_path / "file", "--site", "loft")
    made = (data, *data.rglob("*"))
    assert {path.name for path in made} >= {"loft", "site.toml", "secrets.toml"}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(4711, 4712)}
