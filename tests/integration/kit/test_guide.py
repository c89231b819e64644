"""The guide is one file that needs no other, and whose links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from builder.kit.guide import guide


def test_every_link_of_the_guide_leads_to_a_place_in_it_or_to_the_web() -> None:
    text = guide()
    places = set(re.findall(r'id="([^"]+)"', text))
    links = re.findall(r'href="([^"]*)"', text)
    assert links
    assert [link for link in links if not link.startswith("http") and link[1:] not in places] == []


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert set(re.findall(r'src="(.{5})', guide())) <= {"data:"}
    assert "<script" not in guide()


def test_pictures_are_inside_and_links_out_of_the_guide_are_words(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\n![one](one.svg) [b](b.md#some-words) [out](../x.md)\n")
    (tmp_path / "b.md").write_text("# B\n\n## Some *words*\n")
    (tmp_path / "one.svg").write_text("<svg/>")
    text = guide(tmp_path, ["a.md", "b.md"])
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in text
    assert '<a href="#b-some-words">b</a> out' in text
    assert 'id="b-some-words"' in text
