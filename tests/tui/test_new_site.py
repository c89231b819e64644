"""A new site is typed, checked by the loader's own forms, saved, and shown without a secret."""

from __future__ import annotations

import pytest

from flasher.rig.site import load_site
from flasher.tui.screens.new_site import NewSiteScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.scanner import ScannerScreen
from flasher.tui.screens.site import SiteScreen

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIFdeBS4myjxYjsaLYVC2kLxcgWIEGDZXGJ8i+VLI6jQ me"
FIELDS = {
    "name": "studio",
    "user": "scanner",
    "password": "not secret",
    "again": "not secret",
    "key": KEY,
    "country": "DE",
    "ssid": "Studio",
    "passphrase": "sixteen cameras",
}


async def open_form(technician) -> NewSiteScreen:
    await technician.press("enter")
    await technician.see(SiteScreen)
    await technician.press("n")
    return await technician.see(NewSiteScreen)


def fill(form: NewSiteScreen, **answers: str) -> None:
    for name, text in {**FIELDS, **answers}.items():
        form.query_one(f"#{name}").value = text


async def test_a_new_site_is_saved_and_chosen_with_its_password_hashed(sit_down):
    async with sit_down() as technician:
        fill(await open_form(technician))
        await technician.press("ctrl+s")
        await technician.see(SiteScreen)
        site, secrets = load_site("studio")
        assert site.user.authorized_keys == (KEY,)
        assert (site.country, site.wifi[0].ssid) == ("DE", "Studio")
        assert secrets.password_hash.startswith("$6$")
        assert secrets.wifi_passphrases == {"Studio": "sixteen cameras"}


async def test_no_secret_is_shown_of_a_site(sit_down):
    async with sit_down() as technician:
        fill(await open_form(technician))
        await technician.press("ctrl+s")
        await technician.see(SiteScreen)
        await technician.until(lambda: "SHA256:P98ijSZPq7t3Xb1acIfud7Ry" in technician.read())
        for secret in ("not secret", "sixteen cameras", "$6$", KEY.split()[1]):
            assert secret not in technician.read()


async def test_typed_passwords_are_hidden_until_asked_for(sit_down):
    async with sit_down() as technician:
        fill(await open_form(technician))
        await technician.until(lambda: "studio" in technician.read())
        assert "not secret" not in technician.read()
        await technician.press("ctrl+r")
        await technician.until(lambda: "sixteen cameras" in technician.read())
        await technician.press("ctrl+r")
        await technician.until(lambda: "sixteen cameras" not in technician.read())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "Big Studio"}, "It must be small letters, digits and hyphens."),
        ({"user": "root"}, "other than root"),
        ({"again": "another"}, "The two passwords differ"),
        ({"password": "", "again": "", "key": ""}, "nobody can log in"),
        ({"key": "/nowhere/key.pub"}, "/nowhere/key.pub cannot be read"),
        ({"key": "ssh-ed25519 not-base64!"}, "This is no public key."),
        ({"country": ""}, "Wifi needs it"),
        ({"country": "Germany"}, "two capital letters"),
        ({"ssid": ""}, "A passphrase without a wifi"),
        ({"ssid": "ä" * 17}, "It has 34 bytes; 32 are allowed."),
        ({"passphrase": "short"}, "8 to 63 plain"),
    ],
)
async def test_what_is_wrong_is_said_below_its_field_and_nothing_is_saved(
    sit_down, folder, wrong, words
):
    async with sit_down() as technician:
        fill(await open_form(technician), **wrong)
        await technician.press("ctrl+s")
        await technician.until(lambda: words in technician.read())
        assert not (folder / "sites").exists()


async def test_a_private_key_is_not_taken(sit_down, tmp_path):
    (tmp_path / "id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n")
    async with sit_down() as technician:
        fill(await open_form(technician), key=str(tmp_path / "id"))
        await technician.press("ctrl+s")
        await technician.until(lambda: "private half" in technician.read())


async def test_enter_goes_to_the_next_field_before_the_next_letter(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        await technician.press("a", "enter", "enter", "b", "tab", "c")
        answers = form.answers
        assert (answers.name, answers.password, answers.again) == ("a", "b", "c")


async def test_escape_asks_before_it_throws_away_what_was_typed(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        await technician.press("a", "escape")
        await technician.see(QuestionScreen)
        await technician.press("enter")
        await technician.see(NewSiteScreen)
        assert form.answers.name == "a"
        await technician.press("escape", "tab", "enter")
        await technician.see(SiteScreen)
        await technician.press("escape")
        await technician.see(ScannerScreen)


async def test_escape_leaves_an_empty_form_at_once(sit_down):
    async with sit_down() as technician:
        await open_form(technician)
        await technician.press("escape")
        await technician.see(SiteScreen)
