"""Each language says all that the wizard says, and nothing else; gettext's own tools agree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from builder.kit.places import catalogues
from flasher import paths
from flasher.process import run
from flasher.tui.words import DOMAIN

WIZARD = Path(__file__).parents[2] / "flasher/tui"
LOCALES = paths.assets() / "locale"
LANGUAGES = sorted(path.name for path in LOCALES.iterdir())
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
# What is filled in, what is markup, and keys: the same in every language.
FIXED = re.compile(r"\{\w*[^}]*\}|\$\w+|\[/?[^\] ]*\]|\*\*|`[^`]+`")
# Calls whose first text a person reads, and the names of arguments that one reads.
SHOWN = {"Label", "Static", "Button", "Option", "Checkbox", "Switch", "Input", "notify", "Content"}
SHOWN |= {"from_markup", "Text", "update"}
SHOWN_ARGUMENTS = {"tooltip", "placeholder", "title", "label", "border_title", "border_subtitle"}
LETTERS = re.compile(r"[A-Za-z]{2,}.*\s|[A-Z][a-z]{2,}")
# The one name that is the same everywhere, and what is no word.
NAMES = re.compile(r"Flasher|\[[^\]]*\]|\$\w+")


def said() -> set[str | tuple[str, ...]]:
    """Every text in the wizard's sources that goes through `_` or `ngettext`."""
    found = extract_from_dir(str(WIZARD), [("**.py", "python")], keywords=KEYWORDS)  # type: ignore[arg-type]
    return {message if isinstance(message, str) else tuple(message) for _, _, message, *_ in found}


def catalogue(language: str) -> Catalog:
    with (folder(language) / f"{DOMAIN}.po").open("rb") as file:
        return read_po(file, locale=language)


def folder(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES"


def messages(language: str) -> Iterator[Message]:
    return (message for message in catalogue(language) if message.id)


def as_tuple(text: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_wizard_is_translated_and_no_other(language: str):
    known = {
        message.id if isinstance(message.id, str) else tuple(message.id)
        for message in messages(language)
        if all(as_tuple(message.string)) and not message.fuzzy
    }
    assert said() - known == set(), "run `make languages`, and translate what is new"
    assert known - said() == set(), "run `make languages`: nobody says this any more"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_same_places_and_marks_as_the_text(language: str):
    for message in messages(language):
        wanted = [sorted(FIXED.findall(text)) for text in as_tuple(message.id)]
        for text in as_tuple(message.string):
            assert sorted(FIXED.findall(text)) in wanted, (message.id, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_in_use_is_the_one_that_people_edit(language: str):
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    kept = (folder(language) / f"{DOMAIN}.mo").read_bytes()
    assert compiled.getvalue() == kept, "run `make languages`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_names_of_places_are_those_of_unicodes_cldr(language: str):
    kept = [(folder(language) / f"places.{form}").read_bytes() for form in ("po", "mo")]
    assert kept == list(catalogues(language)), "run `make languages`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_gettext_finds_nothing_wrong_with_it(language: str, tmp_path: Path):
    source = folder(language) / f"{DOMAIN}.po"
    run(["msgfmt", "--check", "--output-file", str(tmp_path / "judged.mo"), str(source)])


@pytest.mark.parametrize(
    "module", sorted(WIZARD.rglob("*.py")), ids=lambda path: str(path.relative_to(WIZARD))
)
def test_what_a_person_reads_goes_through_the_catalogue(module: Path):
    tree = ast.parse(module.read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    texts = [text for call in calls for text in shown(call)]
    bare = [text.value for text in texts if LETTERS.search(NAMES.sub("", text.value))]
    assert not bare
    for call in calls:
        if name_of(call) in ("_", "gettext", "N_"):
            assert all(isinstance(argument, ast.Constant) for argument in call.args), (
                f"line {call.lineno}: a text with places is filled in after it was looked up"
            )


def shown(call: ast.Call) -> Iterator[ast.Constant]:
    """The texts of a call that would be shown as they are."""
    places: list[ast.expr] = list(call.args[:1]) if name_of(call) in SHOWN else []
    places += call.args[2:3] if name_of(call) == "Binding" else []
    places += [word.value for word in call.keywords if word.arg in SHOWN_ARGUMENTS]
    for place in places:
        if isinstance(place, ast.Constant) and isinstance(place.value, str):
            yield place


def name_of(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
