"""What the form offers: values that nodes take, with names that people look for."""

from __future__ import annotations

import pytest

from autosetup import forms
from flasher.rig import choices
from flasher.rig.strength import strength


def test_every_country_that_a_node_takes_has_a_name() -> None:
    assert {choice.value for choice in choices.countries()} == forms.COUNTRIES
    assert ("DE", "Germany") in choices.countries()


def test_all_that_is_offered_is_taken_by_nodes_and_stands_once() -> None:
    offers = {
        forms.LANGUAGE: choices.languages(),
        forms.KEYBOARD: choices.keyboards(),
        forms.TIMEZONE: choices.timezones(),
    }
    for form, offered in offers.items():
        values = [choice.value for choice in offered]
        assert not [value for value in values if form.complain(value)]
        assert len(values) == len(set(values)) > 90
        assert all(choice.name for choice in offered)


def test_a_country_leads_to_its_time_zones() -> None:
    assert choices.timezones_of("DE")[0] == "Europe/Berlin"
    assert choices.timezones_of("NO") == ("Europe/Oslo",)
    assert ("Europe/Amsterdam", "Amsterdam (Netherlands)") in choices.timezones()


@pytest.mark.parametrize(
    ("language", "keyboard"),
    [
        ("de_DE.UTF-8", "de"),
        ("de_AT.UTF-8", "at"),
        ("fr_CH.UTF-8", "ch"),
        ("en_GB.UTF-8", "gb"),
        ("en_IN.UTF-8", "us"),
        ("ja_JP.UTF-8", "jp"),
        ("C.UTF-8", None),
    ],
)
def test_a_language_suggests_its_keyboard(language: str, keyboard: str | None) -> None:
    assert choices.usual_keyboard(language) == keyboard


def test_strength_knows_common_words_and_what_others_know_too() -> None:
    assert strength("").score == 0
    assert strength("password").score == 0
    assert strength("studio-2026", ["studio"]).score < strength("studio-2026").score
    assert strength("wren kettle orbit mauve").score == 4
    assert strength("x7" * 500).score <= 4


def test_advice_tells_nothing_of_what_was_typed() -> None:
    assert "hunter2" not in repr(strength("hunter2hunter2", ["studio"]))
