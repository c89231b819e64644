"""The form's own small values: what is pasted, searched, counted; and what is saved of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flasher.process import run
from flasher.rig.choices import Choice, countries, timezones
from flasher.rig.site import load_site, save_site
from flasher.tui.keeping_form import How, Keeping, keeping_complaints
from flasher.tui.network_form import Network, network_complaints
from flasher.tui.pasted import cleaned, slips
from flasher.tui.pasted_keys import read_keys
from flasher.tui.site_form import Answers, answers_of, complaints, make_site
from flasher.tui.widgets.search_list import matching

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIFdeBS4myjxYjsaLYVC2kLxcgWIEGDZXGJ8i+VLI6jQ me"
FULL = Answers(
    name="studio",
    title="Studio, 2nd floor",
    user="max",
    password="hedge ladder",
    again="hedge ladder",
    free_sudo=True,
    keys=(KEY,),
    country="DE",
    networks=(
        Network("Studio “1” ", hidden=True, passphrase=' a "b" c\\ ', dealt=True),
        Network("Café ☕", "sae", passphrase="x" * 63),
        Network("hex:ff00", passphrase="0F" * 32),
        Network("Guests", "open"),
    ),
    language="de_DE.UTF-8",
    keyboard="de",
    timezone="Europe/Berlin",
    ntp="10.0.0.1, time.example.org",
    mirror="http://controller/debian",
    domain="rig.example.org",
    variables=(("shutter", "1/60"),),
    host_keys=True,
)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Studio\u00a0One", "Studio One"),
        ("\ufeffStudio", "Studio"),
        ("Studio ", "Studio"),
        ("\tStudio\r\n", "Studio"),
        ("Anna\u2019s phone", "Anna's phone"),
        ("\u201cStudio\u201d", '"Studio"'),
        ("A\u2013B", "A-B"),
        ("zero\u200bwidth", "zerowidth"),
    ],
)
def test_what_comes_along_unseen_is_told_and_can_be_taken_out(text, clean):
    assert slips(text)
    assert cleaned(text) == clean
    assert not slips(clean)


@pytest.mark.parametrize("text", ["Studio One", "Café ☕", "a  b", "`x`", "日本"])
def test_what_people_type_on_purpose_is_left_alone(text):
    assert not slips(text)
    assert cleaned(text) == text


@given(st.text())
def test_cleaning_leaves_nothing_more_to_clean(text):
    assert not slips(cleaned(text))


@pytest.mark.parametrize("typed", ["BERLIN", "berl", "germany berlin", "europe/ber"])
def test_a_time_zone_is_found_by_any_part_of_its_name(typed):
    assert matching(timezones(), typed)[0].value == "Europe/Berlin"


def test_accents_make_no_difference_and_what_begins_so_comes_first():
    assert matching(countries(), "turkiye")[0].value == "TR"
    assert [choice.value for choice in matching(countries(), "de")][:2] == ["DE", "DK"]
    choices = [Choice("MX", "New Mexico"), Choice("ME", "Mexico")]
    assert [choice.value for choice in matching(choices, "mex")] == ["ME", "MX"]
    assert matching(choices, "zzz") == []
    assert matching(choices, " ") == choices


def test_keys_are_read_whole_from_a_mail_with_its_line_breaks():
    text = f"# mine\r\n{KEY[:40]}\r\n{KEY[40:]}\r\n\r\n{KEY[:-2]}you\n"
    assert [key.line for key in read_keys(text)] == [KEY, f"{KEY[:-2]}you"]


@pytest.mark.parametrize("text", [KEY[:60], "-----BEGIN OPENSSH PRIVATE KEY-----", "/nowhere.pub"])
def test_what_is_no_key_says_why(text):
    (found,) = read_keys(text)
    assert not found.line
    assert found.words


@pytest.mark.parametrize("size", [7, 8, 63, 64])
def test_a_passphrase_is_as_long_as_wpa_supplicant_takes_it(size):
    passphrase = "x" * size
    judged = run(["wpa_passphrase", "Studio", passphrase], ok=(0, 1)).status == 0
    assert judged == (not network_complaints(Network("Studio", passphrase=passphrase)))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Type a name, such as studio."),
        ("name", "Big Studio", "Type small letters, digits and hyphens"),
        ("name", "demo", "There is a site of this name."),
        ("user", "root", "other than root"),
        ("user", "Max M", "with a letter or _ first"),
        ("again", "another", "The two passwords differ"),
        ("country", "", "Wifi needs it"),
        ("country", "Germany", "Choose it from the list"),
        ("language", "German", "a UTF-8 locale such as"),
        ("keyboard", "DE", "a layout such as"),
        ("timezone", "Berlin Germany", "one such as Europe/Berlin"),
        ("ntp", "10.0.0.1, Zeit", "Zeit is no name in small letters and no address."),
        ("mirror", "controller", "an address such as http://controller/debian"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_no_other(field, value, words):
    wrong = complaints(replace(FULL, **{field: value}), taken=["demo"])
    assert set(wrong) == {field}
    assert words in wrong[field]


def test_somebody_must_be_able_to_log_in():
    nothing = replace(FULL, password="", again="", keys=())
    assert set(complaints(nothing)) == {"password"}
    assert set(complaints(replace(nothing, no_password=True))) == {"keys"}
    assert set(complaints(replace(FULL, keys_only=True, keys=()))) == {"keys"}


@pytest.mark.parametrize(
    ("network", "field", "words"),
    [
        (Network("", passphrase="12345678"), "ssid", "Type the name of the wifi"),
        (Network("Home", passphrase="12345678"), "ssid", "in the list already"),
        (Network("ä" * 17, passphrase="12345678"), "ssid", "It has 34 bytes; 32 are allowed"),
        (Network("hex:zz", passphrase="12345678"), "ssid", "1 to 32 octets as hex"),
        (Network("a\x00", passphrase="12345678"), "ssid", "a letter that nobody sees"),
        (Network("One", passphrase=""), "passphrase", "Type the passphrase"),
        (Network("One", passphrase="short"), "passphrase", "5 characters; the shortest has 8."),
        (Network("One", passphrase="x" * 65), "passphrase", "the longest has 63"),
        (Network("One", passphrase="x" * 64), "passphrase", "not all are hex digits"),
        (Network("One", passphrase="naïve naïve"), "passphrase", "without accents"),
        (Network("One", passphrase="Anna’s wifi"), "passphrase", "typeset quote or apostrophe"),
        (Network("One", passphrase="Anna’s wifi"), "passphrase", "Ctrl+L"),
    ],
)
def test_a_wifi_that_cannot_be_says_why(network, field, words):
    wrong = network_complaints(network, others=["Home"])
    assert set(wrong) == {field}
    assert words in wrong[field]


def test_what_is_typed_is_what_the_loader_reads_back():
    assert complaints(FULL) == {}
    assert not any(network_complaints(network) for network in FULL.networks)
    site, secrets = load_site(str(save_site(*make_site(FULL))))
    again = answers_of(site, secrets)
    assert secrets.password_hash
    assert again == replace(
        FULL,
        password="",
        again="",
        kept_hash=secrets.password_hash,
        ntp="10.0.0.1 time.example.org",
    )


def test_a_password_that_is_not_typed_anew_stays():
    _, secrets = make_site(replace(FULL, password="", again="", kept_hash="$6$kept"))
    assert secrets.password_hash == "$6$kept"
    _, secrets = make_site(replace(FULL, no_password=True, kept_hash="$6$kept"))
    assert secrets.password_hash is None


def test_a_lock_needs_a_passphrase_typed_twice_and_none_is_asked_for_where_nothing_is_sealed():
    assert set(keeping_complaints(Keeping())) == {"seal"}
    assert set(keeping_complaints(Keeping(How.KEYRING, "a long one", "another"))) == {"seal_again"}
    assert keeping_complaints(Keeping(How.SEALED, "a long one", "a long one")) == {}
    assert keeping_complaints(Keeping(How.OPEN)) == {}


@pytest.mark.parametrize("value", [FULL, FULL.networks[0], Keeping(passphrase="hedge ladder")])
def test_what_holds_a_secret_shows_nothing_of_itself(value):
    assert "hedge" not in f"{value!r}{value}"
    assert '"b"' not in f"{value!r}{value}"
