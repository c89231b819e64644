"""What tells of an image, judged by libraries that are not ours."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from builder.lock import Lock, LockedGroup, LockedPackage
from builder.recipe import ImageSettings, LayerRecipe, Recipe, ReleaseSettings
from builder.release.contents import Part, list_parts, write_table
from builder.release.cyclonedx import write_cyclonedx
from builder.release.files import Release
from builder.release.os_list import write_os_list
from builder.release.spdx import write_spdx
from builder.release.subject import Subject
from flasher import __version__

EPOCH = 1_700_000_000
SUBJECT = Subject("rig.img", "The rig’s image", "a" * 64, EPOCH)
LAYERS = (LayerRecipe("system", ("openssh-server",)), LayerRecipe("agent", python=("autosetup",)))
RECIPE = Recipe("rig", "The rig’s image", "trixie", "arm64", ImageSettings(), LAYERS)

Write = Callable[[Subject, tuple[Part, ...]], str]


def locked(name: str, version: str, architecture: str = "arm64") -> LockedPackage:
    uri = f"http://deb.debian.org/debian/pool/{name}_{version}_{architecture}.deb"
    home = f"https://example.org/{name}"
    return LockedPackage(
        name, version, architecture, "source", "3-1", uri, 1, "5" * 64, "admin", "It is.", home
    )


NONE = LockedGroup("none", EPOCH, (), ())
LOCK = Lock(
    "trixie",
    "arm64",
    "",
    (
        LockedGroup(
            "debian",
            EPOCH,
            (),
            (
                locked("libstdc++6", "14.2.0-19"),
                replace(locked("tzdata", "2025b-4+deb13u1", "all"), homepage="", description=""),
            ),
        ),
        LockedGroup("system", EPOCH, (), (locked("openssh-server", "1:10.0p1-7~bpo1"),)),
    ),
    "amd64",
    NONE,
    NONE,
)
PARTS = list_parts(RECIPE, LOCK)


def test_every_package_of_the_image_is_a_part_ours_included():
    assert write_table(PARTS).splitlines() == [
        "package\tversion\tarchitecture\tlayer",
        f"autosetup\t{__version__}\tall\tagent",
        "libstdc++6\t14.2.0-19\tarm64\tdebian",
        "openssh-server\t1:10.0p1-7~bpo1\tarm64\tsystem",
        "tzdata\t2025b-4+deb13u1\tall\tdebian",
    ]


def test_package_urls_are_what_their_specification_says():
    for part in PARTS:
        told = PackageURL.from_string(part.purl)
        assert (told.name, told.version) == (part.name, part.version)
        assert told.to_string() == part.purl
    assert PARTS[1].purl == "pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=arm64&distro=trixie"


@pytest.mark.parametrize("write", [write_spdx, write_cyclonedx])
def test_a_bill_of_materials_is_the_same_each_time_and_another_for_another_image(write: Write):
    first = write(SUBJECT, PARTS)
    assert first == write(SUBJECT, PARTS)
    assert "2023-11-14T22:13:20Z" in first
    other = json.loads(write(replace(SUBJECT, sha256="b" * 64), PARTS))
    name = "documentNamespace" if write is write_spdx else "serialNumber"
    assert other[name] != json.loads(first)[name]


@pytest.mark.subprocess
def test_the_spdx_document_is_valid(tmp_path: Path):
    document = tmp_path / "rig.spdx.json"
    document.write_text(write_spdx(SUBJECT, PARTS))
    judge = Path(sys.executable).with_name("pyspdxtools")
    argv = [judge, "--infile", document, "--version", "SPDX-2.3"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_spdx_document_tells_which_layer_brought_what():
    told = json.loads(write_spdx(SUBJECT, PARTS))
    names = {package["SPDXID"]: package["name"] for package in told["packages"]}
    holder = {
        names[relation["relatedSpdxElement"]]: names[relation["spdxElementId"]]
        for relation in told["relationships"]
        if relation["relationshipType"] == "CONTAINS"
    }
    layers = {"agent": "rig.img", "debian": "rig.img", "system": "rig.img"}
    assert holder == {**layers, **{part.name: part.layer for part in PARTS}}


def test_the_spdx_document_tells_where_a_package_came_from():
    told = json.loads(write_spdx(SUBJECT, PARTS))
    package = next(each for each in told["packages"] if each["name"] == "libstdc++6")
    assert package["sourceInfo"] == "built from the source package source 3-1"
    assert package["checksums"] == [{"algorithm": "SHA256", "checksumValue": "5" * 64}]
    assert package["externalRefs"][0]["referenceLocator"] == PARTS[1].purl


def test_the_cyclonedx_document_is_valid():
    judge = JsonStrictValidator(SchemaVersion.V1_6)
    assert judge.validate_str(write_cyclonedx(SUBJECT, PARTS)) is None


def test_the_cyclonedx_document_tells_which_layer_brought_what():
    told = json.loads(write_cyclonedx(SUBJECT, PARTS))["components"]
    for part, component in zip(PARTS, told, strict=True):
        assert {"name": "flasher:layer", "value": part.layer} in component["properties"]
        assert component["version"] == part.version


# --- Raspberry Pi Imager ---------------------------------------------------------------------

# What its os-list-schema.json demands of a list and of an image in it.
TEXTS = ("name", "description", "icon", "url", "extract_sha256", "release_date")
NUMBERS = ("extract_size", "image_download_size")
INIT_FORMATS = ["", "systemd", "cloudinit", "cloudinit-rpi", "rpi-preseed", "none"]
ENTRY = {
    "type": "object",
    "required": [*TEXTS, *NUMBERS, "devices"],
    "properties": {
        **{name: {"type": "string"} for name in (*TEXTS, "bmap_url", "website", "architecture")},
        **{name: {"type": "integer"} for name in NUMBERS},
        "devices": {"type": "array"},
        "init_format": {"enum": INIT_FORMATS},
    },
}
OS_LIST = {
    "type": "object",
    "required": ["os_list"],
    "properties": {"os_list": {"type": "array", "items": ENTRY}},
    "additionalProperties": False,
}


def entry_of(recipe: Recipe) -> dict[str, Any]:
    release = Release(Path("out"), "rig", "xz")
    told = json.loads(write_os_list(release, recipe, SUBJECT, (4096, 1024), "b" * 64))
    jsonschema.validate(told, OS_LIST)
    (entry,) = told["os_list"]
    assert isinstance(entry, dict)
    return entry


def test_the_imager_finds_the_files_beside_the_list_or_where_the_recipe_says():
    assert entry_of(RECIPE)["url"] == "rig.img.xz"
    told = ReleaseSettings(
        "Ours", "https://a.example/b/", "https://a.example/i", "https://a.example"
    )
    entry = entry_of(replace(RECIPE, release=told))
    assert entry["url"] == "https://a.example/b/rig.img.xz"
    assert entry["bmap_url"] == "https://a.example/b/rig.bmap"
    assert (entry["description"], entry["website"]) == ("Ours", "https://a.example")
    assert entry["release_date"] == "2023-11-14"


@pytest.mark.parametrize(
    ("architecture", "boards", "architecture_told", "devices"),
    [
        ("arm64", None, "armv8", ["pi4-64bit", "pi3-64bit"]),
        ("armhf", None, "armhf", ["pi4-32bit", "pi3-32bit", "pi2-32bit"]),
        ("arm64", ("pi02", "pi3+"), "armv8", ["pi3-64bit"]),
        ("amd64", None, None, []),
    ],
)
def test_the_imager_offers_the_image_for_the_boards_that_boot_it(
    architecture: str,
    boards: tuple[str, ...] | None,
    architecture_told: str | None,
    devices: list[str],
):
    image = ImageSettings(boards=boards)
    entry = entry_of(replace(RECIPE, architecture=architecture, image=image))
    assert (entry.get("architecture"), entry["devices"]) == (architecture_told, devices)
