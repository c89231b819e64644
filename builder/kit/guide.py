"""The guide as one file for any browser, offline: all pages in it, and their pictures."""

from __future__ import annotations

import base64
import html
import mimetypes
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt
from markdown_it.token import Token

from builder.kit.wheels import PROJECT

DOCS = PROJECT / "docs"
# What a technician needs, first things first.
PAGES = (
    "technician.md",
    "practice.md",
    "sites.md",
    "cards.md",
    "first-boot.md",
    "commands.md",
    "kit.md",
)


def guide(docs: Path = DOCS, pages: Sequence[str] = PAGES) -> str:
    """The HTML of the guide.

    Links between its pages stay links; those to elsewhere in the project become plain words.

    Args:
        docs: the folder of the pages, in Markdown.
        pages: their names, in their order.
    """
    parser = MarkdownIt("commonmark").enable("table")
    body = "\n".join(_page(parser, docs, name, pages) for name in pages)
    style = (Path(__file__).parent / "files/guide.css").read_text()
    return _FRAME.substitute(style=style, body=body)


_FRAME = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Flasher</title>
<style>
$style</style>
</head>
<body>
$body</body>
</html>
""")


def _page(parser: MarkdownIt, docs: Path, name: str, pages: Sequence[str]) -> str:
    tokens = parser.parse((docs / name).read_text())
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following:
            title = token.tag == "h1"
            token.attrSet("id", _place(name) if title else _place(name, _slug(following.content)))
        if token.children:
            token.children = list(_inside(token.children, docs, name, pages))
    return f"<section>\n{parser.renderer.render(tokens, parser.options, {})}</section>\n"


def _inside(
    tokens: Sequence[Token], docs: Path, name: str, pages: Sequence[str]
) -> Iterator[Token]:
    """The tokens of a line, with links and pictures that work in one file."""
    dead = False
    for token in tokens:
        if token.type == "link_open":
            target = _target(str(token.attrGet("href")), name, pages)
            dead = target is None
            token.attrSet("href", target or "")
        if token.type == "image":
            token.attrSet("src", _picture(docs / str(token.attrGet("src"))))
        if not (dead and token.type in ("link_open", "link_close")):
            yield token


def _target(link: str, name: str, pages: Sequence[str]) -> str | None:
    """Where a link leads in the one file; None where it leads out of the guide."""
    if re.match(r"[a-z]+:", link):
        return link
    path, _, heading = link.partition("#")
    page = path or name
    return f"#{_place(page, heading)}" if page in pages else None


def _place(page: str, heading: str = "") -> str:
    return "-".join(filter(None, [page.removesuffix(".md"), heading]))


def _slug(heading: str) -> str:
    """The name of a heading in links, as GitHub makes it."""
    words = re.sub(r"[^\w\- ]", "", html.unescape(heading).lower())
    return words.replace(" ", "-")


def _picture(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
