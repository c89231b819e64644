"""What the site's screens look like; secrets are dots in every picture."""

from __future__ import annotations

import pytest

from flasher.rig.site import save_site
from flasher.rig.site_secrets import Lock
from flasher.tui.network_form import Network
from flasher.tui.screens.pick import PickScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.screens.site_form import SiteFormScreen
from flasher.tui.screens.unlock import UnlockScreen
from flasher.tui.screens.wifi import WifiScreen
from flasher.tui.site_form import Answers, make_site
from tests.tui.pictures import check_picture, draw

SIZES = [(80, 24), (120, 40)]
PHRASE = "hedge ladder stamp"
STUDIO = Answers(
    name="a-studio",
    title="The studio",
    no_password=True,
    country="DE",
    networks=(Network("Studio", passphrase="sixteen cameras"), Network("Guests", "open")),
    timezone="Europe/Berlin",
)

at_both_sizes = pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home with no keys in it."""
    monkeypatch.setenv("HOME", str(tmp_path))


async def go_to_sites(technician) -> SiteScreen:
    await technician.press("enter")
    return await technician.see(SiteScreen)


@at_both_sizes
@pytest.mark.usefixtures("folder")
async def test_the_site_screen(sit_down, size):
    save_site(*make_site(STUDIO), Lock(PHRASE))
    async with sit_down(size=size) as technician:
        await go_to_sites(technician)
        check_picture(technician.app, "site")
        await technician.press("enter")
        asking = await technician.see(UnlockScreen)
        asking.query_one("#seal").value = PHRASE
        asking.query_one("Button").focus()
        check_picture(technician.app, "locked")
        assert PHRASE not in draw(technician.app)


@at_both_sizes
async def test_the_form_with_faults(sit_down, size):
    async with sit_down(size=size) as technician:
        await go_to_sites(technician)
        await technician.press("n")
        form = await technician.see(SiteFormScreen)
        form.query_one("#password").value = "scanner"
        await technician.press("ctrl+s")
        await technician.until(lambda: form.focused.id == "name")
        form.query_one("#user").focus()
        await technician.until(lambda: "guessed at once" in technician.read())
        await technician.until(lambda: form.query_one("#user").has_focus)
        form.query_one("#user").cursor_blink = False
        await technician.pilot.pause(0.1)
        check_picture(technician.app, "site-form")


async def test_a_wifi_and_the_search_for_a_country(sit_down):
    async with sit_down() as technician:
        await go_to_sites(technician)
        await technician.press("n")
        form = await technician.see(SiteFormScreen)
        form.query_one("#networks").focus()
        await technician.press("enter")
        wifi = await technician.see(WifiScreen)
        wifi.query_one("#ssid").value = "Studio "
        wifi.query_one("#passphrase").value = "sixteen cameras"
        wifi.query_one("#hidden").focus()
        await technician.until(lambda: "15 characters" in technician.read())
        check_picture(technician.app, "wifi")
        await technician.press("ctrl+s")
        await technician.see(SiteFormScreen)
        form.query_one("#country").focus()
        await technician.press("g")
        picking = await technician.see(PickScreen)
        await technician.until(lambda: "Germany" in technician.read())
        picking.query_one("_Filter").cursor_blink = False
        check_picture(technician.app, "country")
