"""A site is locked, opened, taken to another laptop: by commands, as a person types them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pexpect
import pytest

from flasher import paths
from flasher.cli import main
from flasher.rig import vault
from flasher.rig.site import is_locked, load_site, try_unlock

PHRASE, FILE_PHRASE = "wren kettle orbit", "mauve lantern tide"


@pytest.fixture(autouse=True)
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path / "one"))
    monkeypatch.setattr(vault, "_N", 2)
    monkeypatch.chdir(tmp_path)


def other_laptop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path / "two"))


def descriptor(secret: str) -> str:
    reading, writing = os.pipe()
    os.write(writing, f"{secret}\n".encode())
    os.close(writing)
    return str(reading)


def new_site(*options: str) -> None:
    argv = ["site", "new", "studio", "--ssid", "Studio", "--country", "DE", *options]
    argv += [
        "--password-fd",
        descriptor("a password"),
        "--passphrase-fd",
        descriptor("long enough"),
    ]
    assert main(argv) == 0


def site(*argv: str, unlock: str = "", lock: str = "") -> int:
    options = ["--unlock-fd", descriptor(unlock)] if unlock else []
    options += ["--lock-fd", descriptor(lock)] if lock else []
    return main(["site", *argv, *options])


def listed(capsys: pytest.CaptureFixture[str], name: str = "studio") -> dict[str, object]:
    capsys.readouterr()
    main(["site", "list", "--json"])
    sites = json.loads(capsys.readouterr().out)["sites"]
    found: dict[str, object] = next(found for found in sites if found["name"] == name)
    return found


def key_of(passphrase: str) -> str:
    signer = try_unlock("studio", passphrase)[1].signer
    assert signer
    return signer.public.line


def test_a_site_is_locked_gets_another_passphrase_and_is_opened_again() -> None:
    new_site("--lock", "passphrase", "--lock-fd", descriptor(PHRASE))
    key = key_of(PHRASE)
    assert site("lock", "studio", unlock=PHRASE, lock=FILE_PHRASE) == 0
    assert key_of(FILE_PHRASE) == key
    assert site("unlock", "studio", unlock=FILE_PHRASE) == 0
    assert not is_locked("studio")
    assert load_site("studio")[1].wifi_passphrases == {"Studio": "long enough"}


def test_commands_take_the_passphrase_of_a_locked_site_or_say_how_to_give_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    new_site()
    site("lock", "studio", lock=PHRASE)
    assert site("check", "studio", unlock=PHRASE) == 0
    assert site("key", "studio", unlock=PHRASE) == 0
    assert site("check", "studio", unlock="another") == 2
    capsys.readouterr()
    prepare = ["prepare", "--scanner", "body-16x7", "--site", "studio", "--next", "--to", "x.img"]
    for command in (prepare, ["rehearse", *prepare[1:5], "--node", "cam-0101"]):
        assert main([*command, "--json"]) == 2
        told = json.loads(capsys.readouterr().out)
        assert told["code"] == "site-locked"
        assert "--unlock-fd" in told["hint"]


def test_what_is_no_secret_of_a_locked_site_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    new_site()
    before = listed(capsys)
    site("lock", "studio", lock=PHRASE)
    assert listed(capsys) == before | {"locked": True}
    assert main(["site", "show", "studio"]) == 0
    shown = capsys.readouterr().out
    assert str(before["signer"]) in shown
    assert "locked" in shown


@pytest.mark.parametrize("locked", [True, False])
def test_a_site_moves_whole_to_another_laptop(
    locked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_site()
    if locked:
        site("lock", "studio", lock=PHRASE)
    key = key_of(PHRASE)
    assert site("export", "studio", unlock=PHRASE if locked else "", lock=FILE_PHRASE) == 0
    raw = (tmp_path / "studio.flasher-site").read_bytes()
    assert b"Studio" not in raw
    assert b"long enough" not in raw
    other_laptop(monkeypatch, tmp_path)
    assert site("import", "studio.flasher-site", unlock=FILE_PHRASE) == 0
    assert key_of(FILE_PHRASE) == key
    assert is_locked("studio") == locked
    assert try_unlock("studio", FILE_PHRASE)[0].wifi[0].ssid == "Studio"


def test_the_same_file_twice_changes_nothing_and_another_site_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new_site()
    site("export", "studio", "--to", "a.flasher-site", lock=FILE_PHRASE)
    other_laptop(monkeypatch, tmp_path)
    new_site()
    before = (paths.data() / "sites/studio/signing.key").read_bytes()
    assert site("import", "a.flasher-site", unlock=FILE_PHRASE) == 2
    assert "--as studio-2" in capsys.readouterr().err
    assert (paths.data() / "sites/studio/signing.key").read_bytes() == before
    for _ in range(2):
        assert site("import", "a.flasher-site", "--as", "studio-2", unlock=FILE_PHRASE) == 0
    assert "here already" in capsys.readouterr().out
    assert load_site("studio-2")[0].name == "studio-2"
    assert site("import", "a.flasher-site", "--as", "../loft", unlock=FILE_PHRASE) == 2
    assert "small letters" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "passphrase", "code"),
    [
        (lambda raw: raw, "another", "wrong-passphrase"),
        (lambda raw: raw[: len(raw) // 2], FILE_PHRASE, "vault-damaged"),
        (lambda raw: raw.replace(b'"studio"', b'"loft"'), FILE_PHRASE, "vault-damaged"),
        (lambda _: b"PK\x03\x04", FILE_PHRASE, "not-a-vault"),
    ],
)
def test_a_file_that_is_no_whole_site_leaves_nothing(
    spoil: object,
    passphrase: str,
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert callable(spoil)
    new_site()
    site("export", "studio", "--to", "a.flasher-site", lock=FILE_PHRASE)
    file = tmp_path / "a.flasher-site"
    file.write_bytes(spoil(file.read_bytes()))
    other_laptop(monkeypatch, tmp_path)
    capsys.readouterr()
    assert site("import", str(file), "--json", unlock=passphrase) == 2
    assert json.loads(capsys.readouterr().out)["code"] == code
    assert not (tmp_path / "two").exists()


def test_an_export_replaces_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_site()
    older = tmp_path / "studio.flasher-site"
    older.write_bytes(b"another site's only key")
    for place in ((), ("--to", str(tmp_path))):
        assert site("export", "studio", *place, lock=FILE_PHRASE) == 2
        assert "is there already" in capsys.readouterr().err
    assert older.read_bytes() == b"another site's only key"
    assert listed(capsys)["needs_backup"]


def test_sealed_secrets_alone_are_no_exported_site(capsys: pytest.CaptureFixture[str]) -> None:
    new_site("--lock", "passphrase", "--lock-fd", descriptor(PHRASE))
    sealed = paths.data() / "sites/studio/secrets.sealed"
    assert site("import", str(sealed), unlock=PHRASE) == 2
    assert "no exported site" in capsys.readouterr().err


def test_a_site_asks_for_a_backup_until_it_has_one_and_again_when_it_was_changed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    new_site()
    assert listed(capsys)["needs_backup"]
    assert not listed(capsys, "demo")["needs_backup"]
    site("export", "studio", lock=FILE_PHRASE)
    site("lock", "studio", lock=PHRASE)
    assert not listed(capsys)["needs_backup"]
    path = paths.data() / "sites/studio/site.toml"
    path.write_text(path.read_text().replace('"us"', '"de"'))
    assert listed(capsys)["needs_backup"]
    main(["site", "list"])
    assert "flasher site export studio" in capsys.readouterr().out


def test_a_person_types_the_passphrase_and_may_mistype_it() -> None:
    new_site()
    site("lock", "studio", lock=PHRASE)
    argv = ["-m", "flasher", "site", "check", "studio"]
    with pexpect.spawn(sys.executable, argv, encoding="utf-8", timeout=60) as terminal:
        for typed in ("mauve", PHRASE):
            terminal.expect("Passphrase of the site studio: ")
            terminal.sendline(typed)
        terminal.expect("studio: no faults")
        assert PHRASE not in f"{terminal.before}{terminal.after}"
        terminal.expect(pexpect.EOF)


def test_a_certificate_of_a_locked_sites_card_is_still_known() -> None:
    from flasher.commands._certificates import _keys_of

    new_site()
    line = key_of(PHRASE)
    site("lock", "studio", lock=PHRASE)
    assert [key.line for key in _keys_of("studio")] == [line]


def test_a_site_is_made_of_the_setup_file_of_another_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "custom.toml").write_text(
        '[system]\nhostname = "camera"\n[user]\nname = "operator"\npassword = "a password"\n'
        '[wlan]\nssid = "Hall"\npassword = "long enough"\ncountry = "GB"\n'
        '[locale]\nkeymap = "gb"\ntimezone = "Europe/London"\n'
    )
    argv = ["site", "new", "studio", "--from", "custom.toml", "--timezone", "Europe/Berlin"]
    assert main(argv) == 0
    made, secrets = load_site("studio")
    assert (made.user.name, made.country, made.locale.keyboard) == ("operator", "GB", "gb")
    assert made.locale.timezone == "Europe/Berlin"
    assert secrets.password_hash
    assert secrets.wifi_passphrases == {"Hall": "long enough"}
    assert "Not taken over: hostname" in capsys.readouterr().err


def test_a_damaged_site_is_told_and_the_others_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    new_site("--lock", "passphrase", "--lock-fd", descriptor(PHRASE))
    sealed = paths.data() / "sites/studio/secrets.sealed"
    sealed.write_bytes(sealed.read_bytes()[:-20])
    capsys.readouterr()
    assert main(["site", "list"]) == 2
    told = capsys.readouterr()
    assert "demo" in told.out
    assert "take the backup" in told.err


def test_setups_that_lie_about_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Downloads").mkdir()
    setup = tmp_path / "Downloads/custom.toml"
    setup.write_text('[user]\nname = "operator"\npassword = "hunter2"\n')
    assert main(["site", "setups", "--json"]) == 0
    told = capsys.readouterr().out
    found = [place["path"] for place in json.loads(told)["setups"]]
    assert str(setup) in found
    assert "hunter2" not in told


@pytest.mark.parametrize("locked", [True, False])
def test_a_site_is_changed_and_keeps_its_key_and_its_lock(locked: bool) -> None:
    new_site()
    if locked:
        site("lock", "studio", lock=PHRASE)
    key, given = key_of(PHRASE), PHRASE if locked else ""
    options = ["--ssid", "Hall", "--security", "sae", "--title", "Studio 5", "--ntp", "192.0.2.1"]
    options += ["--passphrase-fd", descriptor("wide enough"), "--password-fd", descriptor("other")]
    assert site("change", "studio", *options, unlock=given) == 0
    found, secrets = try_unlock("studio", PHRASE)
    assert [(w.ssid, w.security) for w in found.wifi] == [("Studio", "wpa-psk"), ("Hall", "sae")]
    assert (found.title, found.ntp, found.country) == ("Studio 5", ("192.0.2.1",), "DE")
    assert secrets.wifi_passphrases == {"Studio": "long enough", "Hall": "wide enough"}
    assert site("change", "studio", "--remove-ssid", "Studio", unlock=given) == 0
    assert try_unlock("studio", PHRASE)[1].wifi_passphrases == {"Hall": "wide enough"}
    assert (key_of(PHRASE), is_locked("studio")) == (key, locked)


def test_only_the_passphrase_of_a_wifi_is_mended() -> None:
    new_site()
    digest = load_site("studio")[0].digest
    argv = ["--ssid", "Studio", "--passphrase-fd", descriptor("mended now")]
    assert site("change", "studio", *argv) == 0
    found, secrets = load_site("studio")
    assert (found.digest, secrets.wifi_passphrases) == (digest, {"Studio": "mended now"})


@pytest.mark.parametrize(
    "options", [["--remove-ssid", "Nowhere"], ["--country", "UK"], ["--ntp", "a b"]]
)
def test_a_change_that_cannot_be_made_changes_nothing(options: list[str]) -> None:
    new_site()
    before = load_site("studio")[0]
    assert site("change", "studio", *options) == 2
    assert load_site("studio")[0] == before
