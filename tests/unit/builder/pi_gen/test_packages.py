import re

import pytest

from builder.formats.pi_gen.packages import (
    find_substitute,
    join_options,
    read_words,
    split_name,
    substitute_words,
    substitutes,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b  c\n", "a b c"),
        ("a # b\n", "a"),
        ("a#b c\n", "a#b c"),  # one line: left to the shell
        ("a#b c\nd\n", "a d"),
        ("# all\na\n\tb # c\n", "a b"),
        ("# only\n", ""),
        ("", ""),
    ],
)
def test_comments_end_a_line_and_in_a_file_of_one_line_begin_a_word(text, words):
    assert read_words(text) == tuple(words.split())


def test_options_of_apt_stay_with_their_values():
    words = ("certbot", "-t", "jessie-backports", "--no-install-recommends")
    assert join_options(words) == (
        "certbot",
        "--target-release=jessie-backports",
        "--no-install-recommends",
    )


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("modemmanager-", ("modemmanager", "-")),
        ("libstdc++6", ("libstdc++6", "")),
        ("g++", ("g++", "")),
        ("less+", ("less", "+")),
        ("bash=5.2-1", ("bash", "=5.2-1")),
        ("bash/trixie", ("bash", "/trixie")),
        ("python3.13", ("python3.13", "")),
        ("--reinstall", ("--reinstall", "")),
    ],
)
def test_a_word_is_a_name_and_what_follows_it(word, parts):
    assert split_name(word) == parts


def test_packages_of_raspberry_pis_own_archive_give_way_to_debians():
    words = ("less", "linux-image-rpi-v8", "linux-image-rpi-2712", "raspi-config", "modemmanager-")
    taken, swaps = substitute_words(words, "arm64")
    assert taken == ("less", "linux-image-arm64", "modemmanager-")
    assert [swap.word for swap in swaps] == list(words[1:4])
    assert "linux-image-armmp" in substitute_words(words, "armhf")[0]


def test_names_that_debian_gave_up_give_way_to_those_of_now():
    words = ("module-init-tools", "php5", "php5-fpm", "python", "python-tk", "python3-kms++")
    taken, swaps = substitute_words(words, "arm64")
    assert taken == ("kmod", "php", "php-fpm", "python3", "python3-tk")
    assert [swap.word for swap in swaps] == list(words)


def test_what_is_not_wanted_and_not_there_is_left_out():
    assert substitute_words(("firmware-marvell-prestera-", "kms++-utils-"), "arm64")[0] == ()


@pytest.mark.parametrize("name", ["bash", "raspi-firmware", "python3-gpiozero", "libcamera-tools"])
def test_packages_that_debian_has_stay(name):
    assert find_substitute(name) is None


def test_no_substitute_is_substituted_itself():
    for each in substitutes():
        assert re.compile(each.names)
        assert [find_substitute(name) for name in each.take if not set(name) & set("$\\")] in (
            [],
            [None],
        )
