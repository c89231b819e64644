from __future__ import annotations

from collections.abc import Callable

import pytest

from flasher.firmware.boards import PI_3B, PI_4B
from flasher.firmware.config_txt import BootFiles, read_config

MakeFiles = Callable[..., BootFiles]


@pytest.mark.parametrize(
    ("config", "on_pi_3", "on_pi_4"),
    [
        ("x=1", "1", "1"),
        ("x=1\nx=2", "2", "2"),
        ("[pi3]\nx=1", "1", ""),
        ("[pi4]\nx=1", "", "1"),
        ("[pi3+]\nx=1", "", ""),
        ("[cm4]\nx=1", "", ""),
        ("[pi4]\nx=1\n[all]\nx=2", "2", "2"),
        ("[pi4]\n[pi3]\nx=1", "1", ""),
        ("[none]\nx=1", "", ""),
        ("[none]\n[pi3]\nx=1", "1", ""),
        ("[board-type=0x8]\nx=1", "1", ""),
        ("[board-type=17]\nx=1", "", "1"),
        ("[gpio4=1]\n[pi3]\nx=1", "", ""),
        ("[EDID=DEL-U2422H]\nx=1\n[all]\ny=1", "", ""),
        ("[0x12345678]\nx=1", "", ""),
        ("[tryboot]\nx=1", "", ""),
        ("[pi4]\r\nx=1\r\n[all]\r\nx=2\r\n", "2", "2"),
        (" [pi3]\n   x=1", "1", ""),
        ("# x=1", "", ""),
        ("x=", "", ""),
    ],
)
def test_a_section_counts_for_the_boards_it_names(
    make_files: MakeFiles, config: str, on_pi_3: str, on_pi_4: str
) -> None:
    assert read_config(make_files(config), PI_3B).text("x") == on_pi_3
    assert read_config(make_files(config), PI_4B).text("x") == on_pi_4


@pytest.mark.parametrize("config", [None, "", "# nothing\n\n"])
def test_a_card_without_settings_is_fine(make_files: MakeFiles, config: str | None) -> None:
    config_read = read_config(make_files(config), PI_3B)
    assert (config_read.settings, config_read.problems) == ((), ())


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("\n[wobble]\nx=1", "config.txt line 2: [wobble] is skipped: this kind of section is not"),
        ("[gpio4=1]", "config.txt line 1: [gpio4=1] is skipped: the level of a pin is not known."),
        ("kernel = a", "line 1: spaces beside the equals sign spoil 'kernel = a'."),
        ("kernel= a", "line 1: spaces beside the equals sign spoil"),
        ("initramfs=a", "line 1: initramfs takes a space, not an equals sign."),
        ("nonsense", "line 1: 'nonsense' is no setting; it is ignored."),
        ("include other.txt", "line 1: include other.txt: there is no such file to include."),
        ("\ufeffx=1", "line 1: a byte order mark spoils this line; it is ignored."),
        (f"x={'1' * 99}", "line 1: the firmware ignores what follows character 98."),
    ],
)
def test_a_line_that_the_firmware_takes_otherwise_is_reported_with_its_place(
    make_files: MakeFiles, config: str, problem: str
) -> None:
    (reported,) = read_config(make_files(config), PI_3B).problems
    assert problem in reported


def test_sections_that_another_model_sees_are_no_problem(make_files: MakeFiles) -> None:
    config = "[pi4]\nspaces = here\n[cm5]\n[pi500]\n[HDMI:0]\n[tryboot]\n[none]\n[all]\n"
    assert read_config(make_files(config), PI_3B).problems == ()


def test_an_included_file_stands_where_it_is_included_with_its_own_places(
    make_files: MakeFiles,
) -> None:
    files = make_files("x=1\ninclude more.txt\nx=3", more__txt="x=2\n[pi4]\n")
    config = read_config(files, PI_3B)
    assert [str(setting) for setting in config.settings] == [
        "config.txt line 1: x=1",
        "more.txt line 1: x=2",
    ]


def test_a_file_that_includes_itself_is_no_endless_loop(make_files: MakeFiles) -> None:
    (problem,) = read_config(make_files("include config.txt"), PI_3B).problems
    assert "too many files include one another" in problem
