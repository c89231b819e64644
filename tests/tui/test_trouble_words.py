"""Whatever a card or a rehearsal can end in has words for people at the bench."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import flasher
from flasher.bench.model import Lane
from flasher.errors import Cancelled, FlasherError
from flasher.tui.trouble import TROUBLES, Way, explain, ways
from flasher.tui.troubles.words import CARD_WAYS

ROOT = Path(flasher.__file__).parent.parent
# What makes, mends and rehearses cards; all that it needs is looked at, too.
DOORS = (
    *("flasher.prepare", "flasher.mend", "flasher.images", "flasher.drives.linux"),
    *("flasher.bench.runner", "flasher.rehearsal.run", "flasher.errors"),
)
# Raise errors that no card ends in: they are notes of good cards, of commands, of mere looks.
OTHERS = {
    *("flasher.rig.certificate", "flasher.drives.protect", "flasher.drives.files"),
    *("flasher.drives.lost", "flasher.image.exfat"),
}
# Codes that are put together when they are raised, by the expressions that do so.
COMPOSED = {
    "code": ("disk-full", "read-only", "system-error"),
    "error.code": (),
    "f'no-such-{kind}'": ("no-such-site", "no-such-profile"),
    "f'unreadable-{kind}'": ("unreadable-site", "unreadable-profile"),
    "'bmap-mismatch' if announced.block_map else 'checksum-mismatch'": (),
}
KINDS = {
    "flasher.errors": {"FlasherError", "BadInput", "Refused", "EnvironmentLacks"},
    "flasher.card.faults": {"CardMismatch"},
    "flasher.rehearsal.watch": {"Trouble"},
}


def source(module: str) -> ast.Module | None:
    path = ROOT / f"{module.replace('.', '/')}.py"
    return ast.parse(path.read_text()) if path.is_file() else None


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("flasher"):
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def engine() -> dict[str, ast.Module]:
    found: dict[str, ast.Module] = {}
    todo = list(DOORS)
    while todo:
        module = todo.pop()
        if module not in found and (tree := source(module)):
            found[module] = tree
            todo += imported(tree)
    return {module: tree for module, tree in found.items() if module not in OTHERS}


def constants(tree: ast.Module) -> dict[str, str]:
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }


def kinds(module: str, tree: ast.Module) -> set[str]:
    """Names of errors as this module knows them."""
    names = [name.rpartition(".") for name in imported(tree)]
    return KINDS.get(module, set()) | {
        name for place, _, name in names if name in KINDS.get(place, set())
    }


def codes(module: str, tree: ast.Module) -> Iterator[str]:
    named, errors = constants(tree), kinds(module, tree)
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and call.args and isinstance(call.func, ast.Name)):
            continue
        if call.func.id in errors:
            code = call.args[0]
            if isinstance(code, ast.Constant):
                yield str(code.value)
            elif isinstance(code, ast.Name) and code.id in named:
                yield named[code.id]
            else:
                yield from COMPOSED[ast.unparse(code)]


def test_every_code_that_a_card_can_end_in_has_words():
    lacking = {
        code: module
        for module, tree in engine().items()
        for code in codes(module, tree)
        if code not in TROUBLES
    }
    assert lacking == {}


def test_the_engine_is_looked_at_whole():
    assert {"flasher.card.probing.probe", "flasher.image.fetch", "flasher.rig.ledger"} <= set(
        engine()
    )


@pytest.mark.parametrize("code", sorted(TROUBLES))
def test_words_are_three_sentences_and_name_only_what_a_lane_knows(code: str):
    words = TROUBLES[code]
    for text in (words.what, words.why, words.todo):
        assert re.fullmatch(r"[A-ZÄÖÜ{].*[.]", text)
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        assert names <= {"drive", "node", "size"}
        assert len(text) <= 110


@pytest.mark.parametrize("code", sorted(TROUBLES))
def test_words_tell_of_no_commands_but_the_one_that_helps(code: str):
    words = TROUBLES[code]
    assert not re.search(r"--|flasher (?!doctor)\w+|\.toml", f"{words.what}{words.why}{words.todo}")


def test_an_unknown_code_is_told_in_the_engines_own_words():
    told = explain(FlasherError("new-one", "It {broke}.", "Mend it."))
    assert (told.what, told.why, told.todo) == ("It {broke}.", "", "Mend it.")
    assert ways(FlasherError("new-one", "It broke.", "Mend it.")) == CARD_WAYS


def test_a_counterfeit_card_is_not_tried_again_and_a_pulled_one_goes_on():
    assert Way.RETRY not in ways(FlasherError("card-counterfeit", "", ""))
    pulled = explain(FlasherError("card-pulled", "", ""), Lane("usb-1"))
    assert (pulled.goes_on, pulled.ways[0]) == (True, Way.RETRY)
    assert explain(Cancelled("Writing")).goes_on
