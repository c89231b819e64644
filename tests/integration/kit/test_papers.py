"""What desktops and `man` read is judged by their own programs."""

from __future__ import annotations

from pathlib import Path

from builder.kit.manpages import man_pages
from builder.kit.package import FILES
from flasher import cli
from flasher.process import run


def test_every_command_has_a_man_page_without_faults(tmp_path: Path) -> None:
    pages = man_pages(0)
    assert set(pages) == {"flasher.1", *(f"flasher-{command}.1" for command in cli.COMMANDS)}
    for name, page in pages.items():
        (tmp_path / name).write_text(page)
    judged = run(["mandoc", "-T", "lint", "-W", "warning", *map(str, tmp_path.iterdir())])
    assert judged.text == ""
    told = run(["man", "--warnings", "--local-file", str(tmp_path / "flasher.1")], env=_PLAIN)
    assert told.errors == ""


_PLAIN = {"MANPAGER": "cat", "MANWIDTH": "80"}


def test_a_man_page_names_every_option(tmp_path: Path) -> None:
    page = tmp_path / "prepare.1"
    page.write_text(man_pages(0)["flasher-prepare.1"])
    shown = run(["man", "--local-file", str(page)], env=_PLAIN).text
    for option in ("--scanner", "--node", "--dry-run", "--no-eject"):
        assert option in shown


def test_a_man_page_has_a_section_for_each_action(tmp_path: Path) -> None:
    page = tmp_path / "rollout.1"
    page.write_text(man_pages(0)["flasher-rollout.1"])
    shown = run(["man", "--local-file", str(page)], env=_PLAIN).text
    back = shown.partition("FLASHER ROLLOUT BACK\n")[2]
    status = shown.partition("FLASHER ROLLOUT STATUS\n")[2].partition("FLASHER ROLLOUT ")[0]
    assert "--yes" in back
    assert "--yes" not in status
    assert "flasher rollout status --site studio" in status


def test_the_desktop_entry_is_valid() -> None:
    assert run(["desktop-file-validate", str(FILES / "flasher.desktop")]).text == ""


def test_the_icon_can_be_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "icon.png"
    run(["rsvg-convert", "--output", str(picture), str(FILES / "flasher.svg")])
    assert picture.stat().st_size > 0
