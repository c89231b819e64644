"""The seven keys of a conf: checked, each fault named, each effect told in the guide."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from builder.formats.pi_image2.conf import KEYS, Conf, check_conf
from flasher.errors import BadInput

GUIDE = Path(__file__).parents[4] / "docs/pi-image2.md"
GOOD: dict[str, object] = {
    "hostname": "ezrobot",
    "rootfs_extra_space_mb": 500,
    "rootfs": "/image-builds/PiFlavourMaker/focal-build",
    "flavour": "ubiquity-base_2.1",
    "release": "noble",
    "imagedir": "/image-builds/final-images",
    "apt_get_packages": ["zip", "libstdc++6", "curl=8.5.0-2ubuntu10", "zip"],
}


def faults(told: object) -> list[str]:
    with pytest.raises(BadInput) as caught:
        check_conf(told, "customize_robot.py")
    assert caught.value.code == "conf-refused"
    first, *rest = caught.value.message.split("\n")
    assert "customize_robot.py" in first
    return [line.strip() for line in rest]


def test_a_good_conf_is_taken_as_it_is_each_package_once():
    conf = check_conf({**GOOD, "colour": "red"}, "customize_robot.py")
    assert conf == Conf(
        "ezrobot", 500, "/image-builds/PiFlavourMaker/focal-build", "ubiquity-base_2.1", "noble",
        "/image-builds/final-images", ("zip", "libstdc++6", "curl=8.5.0-2ubuntu10"), ("colour",),
    )  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_is_missing_is_named(name: str):
    (fault,) = faults({key: value for key, value in GOOD.items() if key != name})
    assert fault.startswith(f"{name} is missing")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hostname", "a b"),
        ("hostname", "-a"),
        ("hostname", 1),
        ("rootfs_extra_space_mb", "500"),
        ("rootfs_extra_space_mb", True),
        ("rootfs_extra_space_mb", -1),
        ("rootfs_extra_space_mb", 65537),
        ("rootfs_extra_space_mb", 1.5),
        ("rootfs", "relative"),
        ("flavour", "a/b"),
        ("flavour", ""),
        ("release", "Noble Numbat"),
        ("imagedir", None),
        ("apt_get_packages", "zip"),
        ("apt_get_packages", ["zip; rm"]),
        ("apt_get_packages", ["--option"]),
        ("apt_get_packages", [1]),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_key(name: str, value: object):
    (fault,) = faults({**GOOD, name: value})
    assert fault.startswith(name)
    assert fault.endswith(f"{KEYS[name].wanted}.")


def test_all_faults_are_told_at_once():
    assert len(faults({**GOOD, "hostname": 1, "release": ""})) == 2
    assert faults(["hostname"]) == ["It is no dict."]


def test_the_guide_tells_the_effect_of_every_key():
    _, _, after = GUIDE.read_text(encoding="utf-8").partition("## The keys of conf")
    table = after.partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)
    assert rows == [(name, key.effect) for name, key in KEYS.items()]
    assert [each.name for each in fields(Conf)][:-1] == list(KEYS)
