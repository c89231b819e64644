"""A site's key signs its cards and stays off them: judged by OpenSSL and OpenSSH."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autosetup.manifest import MANIFEST, SEAL, SIGNATURE, SITE_KEY
from flasher import paths
from flasher.cli import main
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import lay_out
from flasher.rig.site import load_site

# What stands before an Ed25519 key in OpenSSL's binary form (RFC 8410, 4).
SPKI = bytes.fromhex("302a300506032b6570032100")
NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a new site."""
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path))
    reading, writing = os.pipe()
    os.write(writing, b"a password\n")
    os.close(writing)
    assert main(["site", "new", "studio", "--password-fd", str(reading)]) == 0
    return tmp_path / "sites/studio"


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, str]:
    capsys.readouterr()
    main(["site", *argv, "--json"])
    result: dict[str, str] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return result


def payload(site: str | Path) -> dict[str, bytes]:
    rig = lay_out(load_profile("body-16x7"), *load_site(str(site)))
    return compose(rig, rig.nodes[0], CardIdentity.fresh(NOW), "0" * 64)


def test_every_payload_of_a_new_site_is_signed_as_openssl_wants_it(tmp_path: Path) -> None:
    files = payload("studio")
    for name in (MANIFEST, SIGNATURE):
        (tmp_path / name).write_bytes(files[name])
    public = base64.b64decode(files[SITE_KEY].split()[1])[-32:]
    (tmp_path / "site.der").write_bytes(SPKI + public)
    asked = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "site.der"]
    asked += ["-keyform", "DER", "-in", MANIFEST, "-sigfile", SIGNATURE]
    subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True)


def test_the_fingerprint_shown_is_the_one_of_the_key(
    studio: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["ssh-keygen", "-lf", str(studio / "signing.key")]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()[1]
    key = told(capsys, "key", "studio")
    assert key["fingerprint"] == shown
    (site,) = json.loads(json.dumps(told(capsys, "show", "studio")["sites"]))
    assert site["signer"] == shown
    assert payload("studio")[SITE_KEY].decode() == f"{key['key']}\n"


def test_the_key_is_printed_alone(studio: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["site", "key", str(studio)]) == 0
    printed = capsys.readouterr().out.split(" ")
    assert (printed[0], printed[2:]) == ("ssh-ed25519", ["studio\n"])


def test_the_private_half_is_its_owners_and_on_no_card(studio: Path) -> None:
    key = studio / "signing.key"
    assert key.stat().st_mode & 0o777 == 0o600
    secret = b"".join(key.read_bytes().splitlines()[2:-1])
    assert not any(secret[-40:] in data.replace(b"\n", b"") for data in payload("studio").values())


def test_a_site_without_a_key_makes_unsigned_cards_until_it_gets_one(
    studio: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (studio / "signing.key").unlink()
    assert not set(SEAL) & set(payload("studio"))
    main(["site", "show", "studio"])
    main(["site", "check", "studio"])
    shown = capsys.readouterr().out
    assert "cards     not signed" in shown
    assert "no faults; its cards are not signed: flasher site key studio" in shown
    first = told(capsys, "key", "studio")
    assert told(capsys, "key", "studio") == first
    assert SIGNATURE in payload("studio")


def test_a_site_that_ships_has_no_key_and_gets_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "key", "demo")["code"] == "shipped-site"
    assert not set(SEAL) & set(payload("demo"))
    assert not list((paths.assets() / "sites").glob("*/signing.key"))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (b"no key\n", "key-unknown"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "key-unknown"),
    ],
)
def test_a_spoiled_key_is_told_and_never_replaced(
    studio: Path, spoil: bytes, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (studio / "signing.key").write_bytes(spoil)
    assert told(capsys, "key", "studio")["code"] == code
    assert (studio / "signing.key").read_bytes() == spoil


def test_a_site_that_is_made_again_keeps_its_key(
    studio: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = told(capsys, "key", "studio")
    (studio / "site.toml").unlink()
    reading, writing = os.pipe()
    os.write(writing, b"another password\n")
    os.close(writing)
    assert main(["site", "new", "studio", "--password-fd", str(reading)]) == 0
    assert told(capsys, "key", "studio") == before


def test_a_card_tells_whose_it_is(
    base_image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = str(tmp_path / "card.img")
    made = ["prepare", "--scanner", "body-16x7", "--site", "studio", "--node", "cam-0101"]
    assert main([*made, "--to", card, "--size", "64M", "--image", str(base_image), "--yes"]) == 0
    fingerprint = told(capsys, "key", "studio")["fingerprint"]
    assert main(["inspect", card]) == 0
    assert f"signed by {fingerprint} studio\n" in capsys.readouterr().out
    assert main(["inspect", card, "--json"]) == 0
    signature = json.loads(capsys.readouterr().out)["signature"]
    assert signature == {"kind": "good", "fingerprint": fingerprint, "comment": "studio"}
