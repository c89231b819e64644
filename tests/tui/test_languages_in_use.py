"""The wizard speaks the language that the environment names, if anybody has brought it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from autosetup.status import STATES
from flasher import paths
from flasher.recording import NO_NODE
from flasher.rig.ledger import Ledger
from flasher.tui.engine_words import FORMS, translated
from flasher.tui.words import DOMAIN, languages, spoken
from tests.tui.terminal import ENDED, terminal

PROGRAM = f"{sys.executable} -m flasher --practice"
PACKAGE = Path(paths.__file__).parent
SHIPPED = paths.assets() / "locale"


def add_catalogue(folder: Path, language: str, words: dict[str, str]) -> None:
    catalogue = Catalog(locale=language)
    for text, word in words.items():
        catalogue.add(text, word)
    place = folder / language / "LC_MESSAGES"
    place.mkdir(parents=True)
    with (place / f"{DOMAIN}.mo").open("wb") as file:
        write_mo(file, catalogue)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, []),
        ({"LANG": "C.UTF-8"}, []),
        ({"LANG": "de_DE.UTF-8"}, ["de_DE.UTF-8"]),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "en_GB.UTF-8"}, []),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "de_AT"}, ["de_AT"]),
        ({"LANG": "C.UTF-8", "LANGUAGE": "fr:de"}, ["fr", "de"]),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "en_GB:de"}, []),
    ],
)
def test_the_environment_names_the_languages_and_english_ends_their_list(environment, wanted):
    assert languages(environment) == wanted


def test_a_language_that_nobody_brought_is_english():
    assert spoken({"LANG": "xx_XX.UTF-8"}, SHIPPED).gettext("Bench") == "Bench"


def test_a_catalogue_of_ones_own_adds_a_language(tmp_path):
    add_catalogue(tmp_path, "fr", {"Bench": "Établi"})
    words = spoken({"LANG": "fr_FR.UTF-8"}, tmp_path, SHIPPED)
    assert (words.gettext("Bench"), words.gettext("Site")) == ("Établi", "Site")


def test_a_catalogue_of_ones_own_goes_before_the_shipped_one_which_fills_its_gaps(tmp_path):
    add_catalogue(tmp_path, "de", {"Bench": "Tisch"})
    words = spoken({"LANG": "de_DE.UTF-8"}, tmp_path, SHIPPED)
    assert (words.gettext("Bench"), words.gettext("Site")) == ("Tisch", "Standort")


@pytest.mark.parametrize("content", [b"", b"no catalogue", b"\xde\x12\x04\x95" + bytes(range(40))])
def test_a_damaged_catalogue_counts_as_missing(tmp_path, content):
    place = tmp_path / "de/LC_MESSAGES"
    place.mkdir(parents=True)
    (place / f"{DOMAIN}.mo").write_bytes(content)
    assert spoken({"LANG": "de"}, tmp_path, SHIPPED).gettext("Site") == "Standort"


@pytest.mark.parametrize(
    ("language", "scanner", "site", "bench"),
    [
        ("de_DE.UTF-8", "Welcher Scanner", "Wo soll sie stehen", "Enter schreibt"),
        ("xx_XX.UTF-8", "Which scanner", "Where will it stand", "Enter writes"),
    ],
)
def test_the_program_speaks_the_language_of_whoever_starts_it(
    folder, base_image, tmp_path, language, scanner, site, bench
):
    (folder / "images").mkdir()
    shutil.copy(base_image, folder / "images/base.img")
    environment = {"FLASHER_DATA": str(folder), "FLASHER_CACHE": str(folder / "cache")}
    with terminal(PROGRAM, tmp_path, environment=environment | {"LANG": language}) as seat:
        seat.until(rf"(?s){scanner}.*✓ \w+ ?\w* base")
        seat.press("Enter")
        seat.until(site)
        seat.press("Enter")
        seat.until(bench)
        seat.press("C-q")
        seat.until(f"{ENDED} 0")


def test_what_should_be_mended_before_cards_are_made_is_said_in_german(
    folder, deaf_image, tmp_path
):
    shutil.copy(deaf_image, make_folder(folder / "images") / "base.img")
    ahead = replace(NO_NODE, node="cam-0101", written_at="2099-01-01T00:00:00+00:00")
    Ledger(make_folder(folder / "practice") / "ledger.sqlite").record(ahead)
    places = {"FLASHER_DATA": str(folder), "FLASHER_CACHE": str(folder / "cache")}
    with terminal(PROGRAM, tmp_path, environment=places | {"LANG": "de_DE.UTF-8"}) as seat:
        seat.until(r"(?s)Welcher Scanner.*✓ \w+ ?\w* base")
        seat.press("Enter")
        seat.until("Wo soll sie stehen")
        seat.press("Enter")
        seat.until(r"Die Uhr dieses Rechners zeigt [\s\S]*Veröffentlichung ist vom 2099-01-01")
        seat.until("113 Knoten später keine Updates")
        seat.press("C-q")
        seat.until(f"{ENDED} 0")


def make_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


NAMES = """
from flasher.rig import choices
from flasher.tui.place_names import named
for load in (choices.countries, choices.languages, choices.keyboards, choices.timezones):
    print("; ".join(choice.name for choice in named(load)))
"""


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "de_DE.UTF-8",
            (
                r"Afghanistan; Ägypten; .*Deutschland; .*Österreich; ",
                r"Keine Sprache .*; Deutsch \(Deutschland\); .*Deutsch \(Österreich\); ",
                r"Deutsch; .*Englisch \(Vereinigtes Königreich\); ",
                r"UTC, überall dieselbe; .*Rom \(Italien\); .*Wien \(Österreich\)",
            ),
        ),
        (
            "xx_XX.UTF-8",
            (
                r"Afghanistan; Åland Islands; Albania; .*Austria; ",
                r"No language .*; German \(Austria\); ",
                r"English \(UK\); .*German; ",
                r"UTC, the same everywhere; .*Rome \(Italy\); .*Vienna \(Austria\)",
            ),
        ),
    ],
)
def test_countries_and_cities_are_named_and_sorted_as_one_looks_for_them(language, expected):
    spoken_there = {"LANG": language, "PATH": os.environ["PATH"], "PYTHONUTF8": "1"}
    program = [sys.executable, "-c", NAMES]
    told = subprocess.run(program, env=spoken_there, capture_output=True, text=True, check=True)
    for line, pattern in zip(told.stdout.splitlines(), expected, strict=True):
        assert re.search(pattern, line)


@pytest.mark.parametrize(
    "phrase",
    [
        "empty",
        "2 partitions: bootfs, rootfs",
        "cam-0103, started, and its agent said nothing",
        "it stands on /dev/sda: it is in use: mounted at /",
        "FAT32: NIKON D750",
    ],
)
def test_in_english_the_engines_phrases_stay_as_they_are(phrase):
    assert translated(phrase) == phrase


def test_the_phrases_of_the_engine_that_are_known_are_those_that_it_says():
    engine = [path for path in PACKAGE.rglob("*.py") if "tui" not in path.parts]
    # Its texts without the joints of their lines, and the states that a node tells.
    said = re.sub(r'"\s*f?"', "", " ".join(path.read_text() for path in engine)) + " ".join(STATES)
    for form in FORMS:
        words = re.findall(r"[A-Za-z'-]+", re.sub(r"\{\w+\}", "", form))
        assert all(word.removesuffix("s") in said for word in words), form
