"""Where a site's nodes get what is new: chosen, kept, and carried by each of its cards."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autosetup.payload import unpack
from autosetup.settings import Update
from flasher.cli import main
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import lay_out
from flasher.rig.site import load_site
from flasher.rig.site_authority import authority_pem
from flasher.tui.site_form import answers_of, make_site

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
SOURCE, BOARD = "https://releases.example.org/studio", "https://central.local:8443"


def typed(secret: bytes) -> str:
    """A file descriptor that gives a secret."""
    reading, writing = os.pipe()
    os.write(writing, secret)
    os.close(writing)
    return str(reading)


@pytest.fixture(autouse=True)
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose nodes ask for releases, made by its options."""
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path))
    options = ["--update-source", SOURCE, "--board", BOARD, "--update-every", "240"]
    argv = ["site", "new", "studio", "--password-fd", typed(b"a password\n"), *options]
    assert main([*argv, "--update-packages", "security"]) == 0
    return tmp_path / "sites/studio"


def kept() -> Update:
    return load_site("studio")[0].update


def carried() -> Update:
    """What the card of a node of the site says."""
    rig = lay_out(load_profile("body-16x7"), *load_site("studio"))
    payload = compose(rig, rig.nodes[0], CardIdentity.fresh(NOW), "0" * 64)
    return unpack(payload).settings.update


def test_what_was_chosen_is_kept_and_on_each_card_with_the_sites_certificate() -> None:
    assert kept() == Update("", SOURCE, BOARD, "", 240, "security")
    signer = load_site("studio")[1].signer
    assert signer
    assert carried() == Update("studio", SOURCE, BOARD, authority_pem(signer), 240, "security")


def test_a_change_of_one_choice_leaves_the_others_and_empty_is_as_at_first() -> None:
    assert main(["site", "change", "studio", "--update-every", "5"]) == 0
    assert kept() == Update("", SOURCE, BOARD, "", 5, "security")
    empty = ["--update-source", "", "--board", "", "--update-packages", "none"]
    assert main(["site", "change", "studio", *empty, "--update-every", "60"]) == 0
    assert kept() == Update()
    assert "[update]" not in (Path(load_site("studio")[0].path)).read_text()


@pytest.mark.parametrize(
    "options",
    [
        ("--update-source", "ftp://releases"),
        ("--update-source", "https://me:secret@releases"),
        ("--board", "central"),
        ("--update-every", "0"),
        ("--update-every", "10081"),
        ("--update-packages", "some"),
    ],
)
def test_what_no_node_would_take_is_refused(options: tuple[str, str]) -> None:
    before = kept()
    try:
        code = main(["site", "change", "studio", *options])
    except SystemExit as stopped:  # argparse's own way
        code = int(str(stopped.code))
    assert code == 2
    assert kept() == before


def test_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["site", "show", "studio"]) == 0
    assert f"updates   from {SOURCE}, every 240 minutes" in capsys.readouterr().out
    assert main(["site", "show", "studio", "--json"]) == 0
    (site,) = json.loads(capsys.readouterr().out.splitlines()[-1])["sites"]
    assert site["update"] == {
        "source": SOURCE,
        "board": BOARD,
        "every_minutes": 240,
        "packages": "security",
    }


def test_it_travels_with_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, file = (kept(), carried()), tmp_path / "studio.flasher-site"
    phrase = b"hedge ladder stamp\n"
    argv = ["site", "export", "studio", "--to", str(file), "--lock-fd", typed(phrase)]
    assert main(argv) == 0
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path / "other"))
    assert main(["site", "import", str(file), "--unlock-fd", typed(phrase)]) == 0
    assert (kept(), carried()) == before


def test_the_wizards_form_loses_nothing_of_it() -> None:
    site, secrets = load_site("studio")
    again, _ = make_site(answers_of(site, secrets))
    assert again.update == site.update
