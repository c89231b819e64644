"""A card's certificate is what its site signed, says OpenSSL; and a card is held against it."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autosetup.payload import Locale, User
from flasher import paths
from flasher.image.ranges import total
from flasher.process import run
from flasher.rig.entry import unpack_ranges
from flasher.rig.ledger import Ledger
from flasher.rig.site import Site, SiteSecrets, load_site, save_site
from tests.integration.command_line import flasher
from tests.integration.conftest import BOOT
from tests.unit.rig.sample_entry import ENTRY

RIG = ("--scanner", "body-16x7", "--site", "studio", "--size", "64M", "--node")
SITE = Site(
    name="studio",
    title="Das Atelier",
    user=User(name="scanner"),
    country=None,
    wifi=(),
    locale=Locale("C.UTF-8", "us", "Etc/UTC"),
    digest="",
    path=Path(),
)


@pytest.fixture
def card(tmp_path: Path, base_image: Path) -> Path:
    """A card of a site that has a key."""
    save_site(SITE, SiteSecrets(None, {}))
    made = tmp_path / "card.img"
    status, told = flasher("prepare", *RIG, "cam-0101", "--to", made, "--image", base_image)
    assert status == 0, told
    return made


@pytest.fixture
def certificate(card: Path) -> Path:
    """The certificate that came with it."""
    assert card.exists()
    (path,) = (paths.data() / "certificates").iterdir()
    return path


def judged_by_openssl(certificate: Path, folder: Path) -> bool:
    """As anybody can who has jq and openssl; see docs/cards.md."""
    folder.mkdir()
    facts = run(["jq", "-jcS", ".certificate", str(certificate)]).output
    content = json.loads(certificate.read_bytes())
    for name, data in (
        ("facts", facts),
        ("key", b64decode(content["public_key"])),
        ("signature", b64decode(content["signature"])),
    ):
        (folder / name).write_bytes(data)
    argv = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-rawin",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        "key",
        "-in",
        "facts",
    ]
    done = subprocess.run([*argv, "-sigfile", "signature"], cwd=folder, capture_output=True)
    return done.returncode == 0


def change(certificate: Path, edit: Callable[[dict[str, object]], object]) -> None:
    content = json.loads(certificate.read_bytes())
    edit(content["certificate"])
    certificate.write_text(json.dumps(content))


def test_each_card_gets_a_certificate_that_openssl_takes(certificate: Path, tmp_path: Path) -> None:
    assert judged_by_openssl(certificate, tmp_path / "judge")
    (entry,) = Ledger().entries()
    facts = json.loads(certificate.read_bytes())["certificate"]
    assert certificate.name == f"{entry.card_id}.json"
    for name in ("node", "image_digest", "payload_digest", "bytes_verified", "ranges", "drive"):
        assert facts[name] == getattr(entry, name)
    verified = unpack_ranges(facts["ranges"])
    assert verified[0].offset == 0
    assert 0 <= total(verified) - facts["bytes_verified"] < 4096
    change(certificate, lambda facts: facts.update(node="cam-0102"))
    assert not judged_by_openssl(certificate, tmp_path / "second")


def test_a_card_is_held_against_its_certificate_without_the_laptop(
    card: Path, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, secrets = load_site("studio")
    assert secrets.signer is not None
    key = tmp_path / "studio.pub"
    key.write_text(f"{secrets.signer.public.line}\n")
    assert site.name == "studio"
    kept = certificate.rename(tmp_path / "certificate.json")
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path / "another laptop"))
    status, told = flasher("ledger", "check", kept, card)
    assert (status, told["code"]) == (1, "certificate-stranger")
    status, told = flasher("ledger", "check", "--key", key, kept, card)
    assert status == 0, told
    assert told["card"] == "cam-0101, not booted yet"


def test_another_card_and_a_changed_one_are_told_apart(
    card: Path, certificate: Path, tmp_path: Path, base_image: Path
) -> None:
    other = tmp_path / "other.img"
    argv = ("prepare", *RIG, "cam-0102", "--to", other, "--image", base_image)
    assert flasher(*argv)[0] == 0
    assert flasher("ledger", "check", certificate, other)[1]["code"] == "another-card"
    assert flasher("ledger", "check", certificate, base_image)[1]["code"] == "another-card"
    settings = tmp_path / "node.toml"
    settings.write_text("format = 1\n")
    boot = f"{card}@@{BOOT[0]}"
    run(["mcopy", "-o", "-i", boot, str(settings), "::/autosetup/node.toml"])
    assert flasher("ledger", "check", certificate, card)[1]["code"] == "payload-differs"


CHANGES: tuple[tuple[Callable[[dict[str, object]], object], str], ...] = (
    (lambda facts: facts.update(node="cam-0102"), "certificate-forged"),
    (lambda facts: facts.update(bytes_verified=1), "certificate-forged"),
    (lambda facts: facts.update(mood="fine"), "bad-document"),
    (lambda facts: facts.pop("site"), "bad-document"),
    (lambda facts: facts.update(format=2), "bad-document"),
)


def test_a_changed_certificate_is_found_out(certificate: Path) -> None:
    genuine = certificate.read_bytes()
    assert flasher("ledger", "check", certificate)[0] == 0
    for edit, code in CHANGES:
        certificate.write_bytes(genuine)
        change(certificate, edit)
        assert flasher("ledger", "check", certificate)[1]["code"] == code


def test_a_certificate_is_made_on_demand_and_always_the_same(certificate: Path) -> None:
    before = certificate.read_bytes()
    card_id = certificate.stem
    label = f"CAM-0101 {card_id[:8].upper()}"
    for words in (["cam-0101"], ["SEG1-CAM1"], [card_id], [card_id[:8]], [label], label.split()):
        certificate.unlink(missing_ok=True)
        assert flasher("ledger", "certificate", *words)[0] == 0
        assert certificate.read_bytes() == before


@pytest.mark.usefixtures("card")
def test_only_verified_cards_of_known_sites_are_certified() -> None:
    ledger = Ledger()
    ledger.record(replace(ENTRY, node="cam-0103", result="failed"))
    ledger.record(replace(ENTRY, node="cam-0104", site="elsewhere"))
    ledger.record(replace(ENTRY, node="cam-0105", site="demo"))
    ledger.record(replace(ENTRY, node="cam-0101", site="elsewhere"))
    for node, code in (
        ("cam-0103", "no-such-card"),
        ("cam-0104", "no-such-site"),
        ("cam-0105", "no-site-key"),
        ("cam-0101", "node-ambiguous"),
    ):
        assert flasher("ledger", "certificate", node)[1]["code"] == code
    assert flasher("ledger", "certificate", "--site", "studio", "cam-0101")[0] == 0


def test_what_is_no_certificate_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    assert flasher("ledger", "check", file)[1]["code"] == "certificate-unreadable"
    for text in ("", "{}", '{"certificate": 7}', "\x00"):
        file.write_text(text)
        assert flasher("ledger", "check", file)[1]["code"] == "bad-document"
