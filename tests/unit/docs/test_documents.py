"""What the documents show is there: places that links name, commands with options, files."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.recipe import load_recipe
from flasher import cli
from flasher.arguments import Parser

PROJECT = Path(__file__).parents[3]
DOCUMENTS = sorted({*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")})
EXAMPLE = PROJECT / "docs/example"

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
INLINE = re.compile(r"`flasher ([a-z][^`]*)`")
REDIRECTION = re.compile(r"\s\d*[<>] ?\S+")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z0-9-]*")


def prose(document: Path) -> str:
    return BLOCK.sub("", document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """The places of a document that a link can name, as the pages of the forge spell them."""
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(prose(document)))
    return {title.strip().replace(" ", "-") for title in titles}


def parser_of(command: str) -> Parser:
    if command in cli.COMMANDS:
        return cli.command_parser(command)
    return cli.top_parser()


def options_of(code: str) -> set[str]:
    """Those of a command, and of the actions that follow it, such as ``rollout pause|go``."""
    command, _, rest = code.partition(" ")
    parser = parser_of(command)
    named = re.match(r"[a-z|\\-]*", rest)
    words = re.split(r"[|\\]+", named[0]) if named else []
    parsers = [parser.actions[word] for word in words if word in parser.actions] or [parser]
    return {name for each in parsers for name in each.options}


def shown_lines(document: Path) -> Iterator[str]:
    """The command lines of a document's blocks, each whole."""
    for language, block in BLOCK.findall(document.read_text(encoding="utf-8")):
        if language in ("", "sh"):
            lines = re.sub(r"\\\n\s*", "", block).splitlines()
            yield from (line for line in lines if re.match(r"(\$ )?(sudo )?flasher( |$)", line))


def rows(document: Path) -> list[str]:
    """The commands that the table of commands has, with their options; `flasher` is the wizard."""
    text = document.read_text(encoding="utf-8").partition("\n## ")[0]
    firsts = re.findall(r"^\| ((?:`[^`]*`(?:, (?:and )?)?)+)", text, re.MULTILINE)
    return [code for first in firsts for code in re.findall(r"`([^`]*)`", first)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_lead_somewhere(document: Path) -> None:
    lost = []
    for link in LINK.findall(prose(document)):
        name, _, anchor = link.partition("#")
        if ":" in name:
            continue
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


@pytest.mark.parametrize("line", sorted({line for path in DOCUMENTS for line in shown_lines(path)}))
def test_command_lines_are_what_the_program_takes(line: str) -> None:
    words = shlex.split(REDIRECTION.sub("", line), comments=True)
    argv = words[words.index("flasher") + 1 :]
    command = argv[0] if argv and argv[0] in cli.COMMANDS else ""
    parser_of(command).parsed(argv[1:] if command else argv)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_commands_in_the_text_are_there_with_their_options(document: Path) -> None:
    text = re.sub(r"\s+", " ", prose(document))
    for code in INLINE.findall(text):
        command = code.split()[0]
        assert command in cli.COMMANDS, code
        assert set(OPTION.findall(code)) <= options_of(code), code


def test_the_table_of_commands_has_all_of_them_with_their_options() -> None:
    table = rows(PROJECT / "docs/commands.md")
    assert {code.partition(" ")[0] for code in table} == {*cli.COMMANDS, "flasher"}
    for code in table:
        assert set(OPTION.findall(code)) <= options_of(code), code
    for command in cli.COMMANDS:
        named = {
            word
            for code in table
            for word in re.findall(r"[\w-]+", code.partition("[")[0])
            if code.startswith(f"{command} ")
        }
        assert set(parser_of(command).actions) <= named, command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_toml_in_the_documents_is_toml(document: Path) -> None:
    for language, block in BLOCK.findall(document.read_text(encoding="utf-8")):
        if language == "toml":
            tomllib.loads(block)


def test_the_example_is_shown_as_it_is() -> None:
    text = (PROJECT / "docs/building.md").read_text(encoding="utf-8")
    assert f"```toml\n{(EXAMPLE / 'scanner.toml').read_text(encoding='utf-8')}```" in text


@pytest.mark.subprocess
@pytest.mark.parametrize("architecture", ["arm64", "armhf", "amd64"])
def test_the_example_is_read_for_every_architecture(architecture: str) -> None:
    layers = [layer.name for layer in load_recipe(EXAMPLE / "scanner.toml", architecture).layers]
    assert layers[0] == "watchdog"
    assert layers[-2:] == ["agent", "cleanup"]


def test_what_shows_that_nobody_can_do_more_is_there() -> None:
    text = (PROJECT / "docs/security.md").read_text(encoding="utf-8")
    modules = list((PROJECT / "tests").rglob("test_*.py"))
    code = "".join(module.read_text(encoding="utf-8") for module in modules)
    there = {module.name for module in modules} | set(re.findall(r"def (test_\w+)", code))
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", text))
    assert len(named) > 30
    assert named <= there
