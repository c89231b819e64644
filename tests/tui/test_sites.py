"""The list of sites: locked, changed, copied, backed up, taken over; and never a secret on it."""

from __future__ import annotations

import pytest

from flasher.rig.site import find_site, is_locked, load_site, public_key_line, save_site
from flasher.rig.site_secrets import Lock
from flasher.rig.site_travel import export_site, needs_backup
from flasher.tui.keeping_form import How, Keeping
from flasher.tui.network_form import Network
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.pick import PickScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.screens.site_form import SiteFormScreen
from flasher.tui.screens.site_travel import BackupScreen, ImportScreen
from flasher.tui.screens.unlock import UnlockScreen
from flasher.tui.site_form import Answers, make_site
from flasher.tui.site_shelf import open_again, save

pytestmark = pytest.mark.usefixtures("folder")

PHRASE = "hedge ladder stamp"
STUDIO = Answers(
    name="a-studio",
    title="The studio",
    password="not secret",
    again="not secret",
    country="DE",
    networks=(Network("Studio", passphrase="sixteen cameras"),),
)


NETWORK_CONFIG = """\
network:
  version: 2
  wifis:
    wlan0:
      regulatory-domain: NZ
      dhcp4: true
      access-points:
        "Studio":
          password: "sixteen cameras"
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home with nothing in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def make(lock: Lock | None = None) -> None:
    save_site(*make_site(STUDIO), lock)


async def go_to_sites(technician) -> SiteScreen:
    await technician.press("enter")
    return await technician.see(SiteScreen)


async def test_a_locked_site_asks_once_tells_a_wrong_passphrase_and_asks_again(sit_down):
    make(Lock(PHRASE))
    async with sit_down() as technician:
        await go_to_sites(technician)
        assert "■ locked" in technician.read()
        await technician.press("enter")
        asking = await technician.see(UnlockScreen)
        await technician.press(*"wrong", "enter")
        await technician.until(lambda: "✗ This passphrase does not open it." in technician.read())
        asking.query_one("#seal").value = PHRASE
        assert PHRASE not in technician.read()
        await technician.press("enter")
        await technician.see(BenchScreen)
        await technician.press("escape")
        await technician.see(SiteScreen)
        assert "open until the program ends" in technician.read()
        await technician.press("enter")
        await technician.see(BenchScreen)


async def test_escape_leaves_a_locked_site_locked(sit_down):
    make(Lock(PHRASE))
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("enter")
        await technician.see(UnlockScreen)
        await technician.press("a", "escape")
        await technician.see(SiteScreen)
        assert "asked for when it is chosen" in technician.read()


async def test_a_changed_site_keeps_its_name_key_and_lock(sit_down):
    make(Lock(PHRASE))
    key = public_key_line("a-studio")
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("e")
        asking = await technician.see(UnlockScreen)
        asking.query_one("#seal").value = PHRASE
        await technician.press("enter")
        form = await technician.see(SiteFormScreen)
        assert form.query_one("#name").disabled
        form.query_one("#title").value = "Another title"
        await technician.press("ctrl+s")
        await technician.see(SiteScreen)
        site, secrets = load_site("a-studio", lambda _name: PHRASE)
        assert site.title == "Another title"
        assert secrets.wifi_passphrases == {"Studio": "sixteen cameras"}
        assert secrets.password_hash.startswith("$6$")
        assert is_locked("a-studio")
        assert public_key_line("a-studio") == key


async def test_a_copy_begins_like_the_first_one_and_has_a_key_of_its_own(sit_down):
    make()
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("d")
        form = await technician.see(SiteFormScreen)
        assert form.answers.networks == STUDIO.networks
        form.query_one("#name").value = "b-studio"
        form.query_one("#field-how").chosen = How.OPEN
        await technician.press("ctrl+s")
        await technician.see(SiteScreen)
        assert load_site("b-studio")[1].wifi_passphrases == {"Studio": "sixteen cameras"}
        assert public_key_line("a-studio") != public_key_line("b-studio")


async def test_a_new_site_is_locked_unless_one_says_otherwise(sit_down, folder):
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("n")
        form = await technician.see(SiteFormScreen)
        for name, text in (("name", "a-new"), ("password", "not secret"), ("again", "not secret")):
            form.query_one(f"#{name}").value = text
        await technician.press("ctrl+s")
        await technician.until(lambda: form.focused.id == "seal")
        await technician.until(lambda: "that you will remember" in technician.read())
        form.query_one("#seal").value = form.query_one("#seal_again").value = PHRASE
        await technician.press("ctrl+s")
        await technician.see(SiteScreen)
        assert is_locked("a-new")
        kept = b"".join(p.read_bytes() for p in (folder / "sites/a-new").iterdir())
        assert b"PRIVATE KEY" not in kept
        assert b"$6$" not in kept


async def test_a_shipped_site_is_not_changed_and_says_what_to_do(sit_down):
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("e")
        await technician.until(lambda: "It ships" in technician.read())
        await technician.see(SiteScreen)


async def test_a_site_without_a_backup_asks_for_one_and_the_file_opens_elsewhere(sit_down, home):
    make()
    async with sit_down() as technician:
        await go_to_sites(technician)
        assert "! no backup" in technician.read()
        await technician.press("b")
        backup = await technician.see(BackupScreen)
        await technician.press(*"short", "enter", *"short", "enter")
        await technician.until(lambda: "type at least 8" in technician.read())
        backup.query_one("#seal").value = backup.query_one("#seal_again").value = PHRASE
        await technician.press("ctrl+s")
        await technician.see(SiteScreen)
        assert not needs_backup("a-studio")
        await technician.until(lambda: "✓ made" in technician.read())
        assert b"sixteen cameras" not in (home / "a-studio.flasher-site").read_bytes()
        await technician.press("b")
        await technician.see(BackupScreen)
        await technician.press("ctrl+s")
        await technician.until(lambda: "is there, and stays" in technician.read())


async def test_a_site_is_imported_from_its_file_and_a_wrong_passphrase_told(sit_down, tmp_path):
    make()
    file = tmp_path / "a.flasher-site"
    file.write_bytes(export_site("a-studio", PHRASE))
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("i")
        importing = await technician.see(ImportScreen)
        importing.query_one("#file").value = str(tmp_path / "none")
        await technician.press("ctrl+s")
        await technician.until(lambda: "There is no such file." in technician.read())
        importing.query_one("#file").value = str(file)
        importing.query_one("#as_name").value = "b-studio"
        importing.query_one("#seal").value = "wrong"
        await technician.press("ctrl+s")
        await technician.until(lambda: "✗ This passphrase does not open it." in technician.read())
        importing.query_one("#seal").value = PHRASE
        await technician.press("ctrl+s")
        await technician.see(SiteScreen)
        assert load_site("b-studio")[1].wifi_passphrases == {"Studio": "sixteen cameras"}


async def test_another_programs_setup_fills_the_form_and_what_was_not_taken_is_told(
    sit_down, tmp_path
):
    setup = tmp_path / "user-data"
    setup.write_text("#cloud-config\nhostname: pi\ntimezone: Pacific/Auckland\npackages: [htop]\n")
    (tmp_path / "network-config").write_text(NETWORK_CONFIG)
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("s")
        picking = await technician.see(PickScreen)
        picking.query_one("Input").value = str(setup)
        await technician.until(lambda: "type to search" not in technician.read())
        await technician.press("enter")
        form = await technician.see(SiteFormScreen)
        assert form.answers.country == "NZ"
        assert form.answers.networks == (Network("Studio", passphrase="sixteen cameras"),)
        assert "! Not taken over:" in technician.read()


async def test_a_path_may_begin_with_a_name_that_nobody_has(sit_down):
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("s")
        picking = await technician.see(PickScreen)
        picking.query_one("Input").value = "~nobody-of-this-name"
        await technician.until(lambda: "Nothing fits" in technician.read())
        await technician.press("escape")
        await technician.see(SiteScreen)


async def test_a_file_that_is_no_setup_is_told(sit_down, tmp_path):
    (tmp_path / "notes.txt").write_text("buy cards")
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("s")
        picking = await technician.see(PickScreen)
        picking.query_one("Input").value = str(tmp_path / "notes.txt")
        await technician.press("enter")
        await technician.see(SiteScreen)
        await technician.until(lambda: "Nothing is taken over" in technician.read())


def test_a_lock_is_taken_away_and_put_on_when_a_site_is_changed():
    make(Lock(PHRASE))
    opened = save(STUDIO, Keeping(How.OPEN), open_again(find_site("a-studio"), PHRASE))
    assert not is_locked("a-studio")
    other = Keeping(How.SEALED, "another phrase", "another phrase")
    save(STUDIO, other, opened)
    assert load_site("a-studio", lambda _name: "another phrase")[0].title == "The studio"
