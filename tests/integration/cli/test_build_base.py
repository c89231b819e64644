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
