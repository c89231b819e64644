"""A site is typed, checked by the loader's own forms, saved, and shown without a secret."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.events import Key
from textual.widgets import Input

from flasher import paths
from flasher.process import run
from flasher.rig.site import load_site
from flasher.tui.network_form import Network
from flasher.tui.screens.add_key import AddKeyScreen
from flasher.tui.screens.pick import PickScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.scanner import ScannerScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.screens.site_form import SiteFormScreen
from flasher.tui.screens.wifi import WifiScreen
from flasher.tui.widgets.key_list import KeyList
from flasher.tui.widgets.search_list import SearchList
from flasher.tui.widgets.wifi_list import WifiList

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIFdeBS4myjxYjsaLYVC2kLxcgWIEGDZXGJ8i+VLI6jQ me"
FIELDS = {
    "name": "studio",
    "user": "scanner",
    "password": "not secret",
    "again": "not secret",
    "country": "DE",
    "how": "open",
}
WIFI = Network("Studio", passphrase="sixteen cameras")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home with nothing in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.home() == tmp_path
    return tmp_path


async def open_form(technician) -> SiteFormScreen:
    await technician.press("enter")
    await technician.see(SiteScreen)
    await technician.press("n")
    return await technician.see(SiteFormScreen)


async def fill(form: SiteFormScreen, *, keys=(KEY,), networks=(WIFI,), **answers: str) -> None:
    """Type it all at once; the ways to type each are tested one by one."""
    for name, text in {**FIELDS, **answers}.items():
        field = form.query_one(f"#field-{name}")
        if hasattr(field, "chosen"):
            field.chosen = text
        else:
            form.query_one(f"#{name}").value = text
    await form.query_one(KeyList).add(keys)
    form.query_one(WifiList).networks = networks


async def save(technician) -> None:
    await technician.press("ctrl+s")
    await technician.see(SiteScreen)


async def test_a_new_site_is_saved_and_chosen_with_its_password_hashed(sit_down):
    async with sit_down() as technician:
        await fill(await open_form(technician))
        await save(technician)
        site, secrets = load_site("studio")
        assert site.user.authorized_keys == (KEY,)
        assert (site.country, site.wifi[0].ssid) == ("DE", "Studio")
        assert site.locale.timezone == "Europe/Berlin"
        assert secrets.password_hash.startswith("$6$")
        assert secrets.wifi_passphrases == {"Studio": "sixteen cameras"}


async def test_no_secret_is_shown_of_a_site(sit_down):
    async with sit_down(size=(80, 40)) as technician:
        await fill(await open_form(technician))
        await save(technician)
        await technician.until(lambda: "SHA256:P98ijSZPq7t3Xb1acIfud7Ry" in technician.read())
        for secret in ("not secret", "sixteen cameras", "$6$", KEY.split()[1]):
            assert secret not in technician.read()


async def test_typed_passwords_are_hidden_until_asked_for(sit_down):
    async with sit_down() as technician:
        await fill(await open_form(technician))
        await technician.until(lambda: "studio" in technician.read())
        assert "not secret" not in technician.read()
        await technician.press("ctrl+r")
        await technician.until(lambda: "not secret" in technician.read())
        await technician.press("ctrl+r")
        await technician.until(lambda: "not secret" not in technician.read())


async def test_all_that_is_wrong_is_said_at_once_and_the_first_one_is_gone_to(sit_down, folder):
    async with sit_down(size=(80, 50)) as technician:
        form = await open_form(technician)
        await fill(form, name="", user="root", again="x", country="")
        form.query_one("#mirror").focus()
        await technician.press("ctrl+s")
        await technician.until(lambda: "Wifi needs it" in technician.read())
        for words in ("Type a name", "other than root", "differ"):
            assert words in technician.read()
        assert form.focused.id == "name"
        assert not (folder / "sites").exists()


async def test_a_field_is_judged_when_it_is_left(sit_down):
    async with sit_down() as technician:
        await open_form(technician)
        await technician.press("A", "tab")
        await technician.until(lambda: "✗ Type small letters" in technician.read())
        await technician.press("shift+tab", "backspace", "a", "tab")
        await technician.until(lambda: "✗ Type small letters" not in technician.read())


async def test_enter_goes_to_the_next_field_before_the_next_letter(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        await technician.press("a", "enter", "b", "tab", "enter", "enter", "c", "tab", "d")
        answers = form.answers
        assert (answers.name, answers.title) == ("a", "b")
        assert (answers.password, answers.again) == ("c", "d")


async def test_escape_asks_before_it_throws_away_what_was_typed(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        await technician.press("a", "escape")
        await technician.see(QuestionScreen)
        await technician.press("enter")
        await technician.see(SiteFormScreen)
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


async def test_the_strength_of_a_password_is_told_while_it_is_typed(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        form.query_one("#password").focus()
        await technician.press(*"scanner")
        await technician.until(lambda: "guessed at once" in technician.read())
        form.query_one("#password").value = "hedge ladder stamp onion"
        await technician.until(lambda: "✓ ▰▰▰▰ strong" in technician.read())


async def test_without_a_password_its_fields_go_and_a_key_is_needed(sit_down):
    async with sit_down(size=(80, 40)) as technician:
        form = await open_form(technician)
        await fill(form, keys=(), password="", again="")
        form.query_one("#no_password").focus()
        await technician.press("space")
        await technician.until(lambda: "Password again" not in technician.read())
        assert "nobody can use sudo unless this is ticked" in technician.read()
        await technician.press("ctrl+s")
        await technician.until(lambda: "nobody can log in" in technician.read())
        assert form.focused.id == "keys"
        await form.query_one(KeyList).add([KEY])
        await save(technician)
        assert load_site("studio")[1].password_hash is None


async def test_keys_of_this_computer_are_offered_with_their_fingerprints(sit_down, home):
    (home / ".ssh").mkdir()
    made = home / ".ssh/id_ed25519"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@laptop", "-f", str(made)])
    judged = run(["ssh-keygen", "-lf", f"{made}.pub"]).text.split()[1]
    async with sit_down(size=(80, 40)) as technician:
        form = await open_form(technician)
        await technician.until(lambda: judged in technician.read())
        assert "[ ] me@laptop · ssh-ed25519" in technician.read()
        await fill(form, keys=())
        form.query_one("KeyList Tick").focus()
        await technician.press("space")
        await save(technician)
        line = made.with_suffix(".pub").read_text().strip()
        assert load_site("studio")[0].user.authorized_keys == (line,)


async def test_a_pasted_key_is_shown_with_its_fingerprint_and_added(sit_down):
    async with sit_down(size=(80, 40)) as technician:
        form = await open_form(technician)
        form.query_one("#keys").focus()
        await technician.press("enter")
        adding = await technician.see(AddKeyScreen)
        adding.query_one("TextArea").text = KEY.replace("IIFd", "IIFd\r\n") + "\r\n\ufeff"
        await technician.until(lambda: "✓ me · ssh-ed25519" in technician.read())
        await technician.press("ctrl+s")
        await technician.see(SiteFormScreen)
        assert form.answers.keys == (KEY,)


async def test_a_private_key_is_not_taken(sit_down, tmp_path):
    (tmp_path / "id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n")
    async with sit_down() as technician:
        form = await open_form(technician)
        form.query_one("#keys").focus()
        await technician.press("enter")
        adding = await technician.see(AddKeyScreen)
        adding.query_one("TextArea").text = str(tmp_path / "id")
        await technician.press("ctrl+s")
        await technician.until(lambda: "private half" in technician.read())
        await technician.press("escape", "tab", "enter")
        await technician.see(SiteFormScreen)
        assert form.answers.keys == ()


async def open_wifi(technician) -> tuple[SiteFormScreen, WifiScreen]:
    form = await open_form(technician)
    form.query_one("#networks").focus()
    await technician.press("enter")
    return form, await technician.see(WifiScreen)


async def test_networks_are_added_ordered_changed_and_removed(sit_down):
    async with sit_down() as technician:
        form, _ = await open_wifi(technician)
        for name in ("One", "Two"):
            wifi = await technician.see(WifiScreen)
            wifi.query_one("#ssid").value = name
            wifi.query_one("#passphrase").value = "12345678"
            wifi.query_one("#hidden").ticked = name == "Two"
            await technician.press("ctrl+s")
            await technician.see(SiteFormScreen)
            await technician.press("end", "enter")
        await technician.see(WifiScreen)
        await technician.press("escape")
        await technician.see(SiteFormScreen)
        await technician.until(lambda: "2. Two WPA2 · hidden" in technician.read())
        await technician.press("home", "down", "shift+up")
        assert [n.ssid for n in form.answers.networks] == ["Two", "One"]
        await technician.press("enter")
        await technician.see(WifiScreen)
        await technician.press("end", "s", "ctrl+s")
        await technician.see(SiteFormScreen)
        assert [n.ssid for n in form.answers.networks] == ["Twos", "One"]
        await technician.press("delete")
        assert [n.ssid for n in form.answers.networks] == ["One"]


async def test_a_wifi_that_cannot_be_is_told_at_its_field_and_not_taken(sit_down):
    async with sit_down() as technician:
        form, wifi = await open_wifi(technician)
        wifi.query_one("#passphrase").value = "short"
        await technician.press("ctrl+s")
        await technician.until(lambda: "Type the name of the wifi" in technician.read())
        assert "It has 5 characters; the shortest has 8." in technician.read()
        assert wifi.focused.id == "ssid"
        assert form.answers.networks == ()


async def test_a_passphrase_is_counted_and_shown_on_demand(sit_down):
    async with sit_down() as technician:
        _, wifi = await open_wifi(technician)
        wifi.query_one("#passphrase").focus()
        await technician.press(*"sevenxx")
        await technician.until(lambda: "7 characters of 8 to 63" in technician.read())
        assert "sevenxx" not in technician.read()
        await technician.press("x", "ctrl+r")
        await technician.until(lambda: "sevenxxx" in technician.read())
        assert "✓ 8 characters" in technician.read()
        wifi.query_one("#passphrase").value = "0f" * 32
        await technician.until(lambda: "64 hex digits: the key itself" in technician.read())


async def test_what_was_pasted_unseen_is_told_and_cleaned_on_demand_only(sit_down):
    async with sit_down() as technician:
        _, wifi = await open_wifi(technician)
        wifi.query_one("#ssid").value = "Studio\u00a0One "
        await technician.until(lambda: "begins or ends with a space" in technician.read())
        assert "a special space" in technician.read()
        assert wifi.network.ssid == "Studio\u00a0One "
        await technician.press("ctrl+l")
        await technician.until(lambda: "special space" not in technician.read())
        assert wifi.network.ssid == "Studio One"


async def test_an_open_wifi_asks_for_no_passphrase_and_warns(sit_down):
    async with sit_down() as technician:
        form, _ = await open_wifi(technician)
        await technician.press(*"Cafe", "tab", "enter")
        await technician.see(PickScreen)
        await technician.press(*"open", "enter")
        await technician.see(WifiScreen)
        await technician.until(lambda: "Everybody nearby can listen" in technician.read())
        await technician.press("ctrl+s")
        await technician.see(SiteFormScreen)
        assert form.answers.networks == (Network("Cafe", "open"),)


async def test_a_country_is_found_by_a_part_of_its_name_and_brings_its_time_zone(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        form.query_one("#country").focus()
        await technician.press(*"zea")
        await technician.see(PickScreen)
        await technician.until(lambda: "New Zealand" in technician.read())
        await technician.press("enter")
        await technician.see(SiteFormScreen)
        assert (form.answers.country, form.answers.timezone) == ("NZ", "Pacific/Auckland")


async def test_who_types_fast_gets_one_list_with_all_letters(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        field = form.query_one("#country")
        field.focus()
        before = len(technician.app.screen_stack)
        for letter in "zeal":  # all before anything is drawn
            field.post_message(Key(letter, letter))
        picking = await technician.see(PickScreen)
        await technician.until(lambda: picking.query_one(Input).value == "zeal")
        assert len(technician.app.screen_stack) == before + 1
        await technician.press("enter")
        await technician.see(SiteFormScreen)
        assert form.answers.country == "NZ"
        await technician.press("shift+tab", "p")
        assert await technician.see(PickScreen) is not picking


async def test_enter_takes_what_fits_all_letters_however_fast_they_came(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        form.query_one("#country").focus()
        await technician.press("z")
        picking = await technician.see(PickScreen)
        await technician.until(lambda: picking.query_one(Input).value == "z")
        picking.query_one(Input).value = "germany"
        picking.query_one(SearchList).take()  # before the list has heard of it
        await technician.see(SiteFormScreen)
        assert form.answers.country == "DE"


async def test_a_time_zone_that_was_chosen_stays_whatever_the_country(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        form.query_one("#timezone").focus()
        await technician.press(*"tokyo", "enter")
        await technician.see(SiteFormScreen)
        form.query_one("#field-country").chosen = "NZ"
        await technician.pilot.pause()
        assert form.answers.timezone == "Asia/Tokyo"


async def test_ctrl_down_goes_from_part_to_part_and_round(sit_down):
    async with sit_down() as technician:
        form = await open_form(technician)
        seen = []
        for _ in range(6):
            await technician.press("ctrl+down")
            seen.append(form.focused.id)
        assert seen == ["user", "networks", "language", "ntp", "how", "name"]
        await technician.press("ctrl+up")
        assert form.focused.id == "how"


def test_answers_show_nothing_of_themselves():
    network = replace(WIFI, passphrase="a secret")
    assert "secret" not in f"{network!r}{network}"
