"""Where recipes take packages from, and how apt is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.archive import Archive, archive_of, image_files
from builder.recipe import load_recipe, start_from
from builder.recipe.model import AptSource, PublicKey
from flasher.errors import BadDocument, BadInput

ARMOURED = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n"
BINARY = b"\x99\x01\x0d\x04"
MIRROR = "https://example.org/ubuntu"

APT = f"""from = "apt:focal"

[archive]
mirror = "{MIRROR}"
suites = ["focal", "focal-updates"]
components = ["main", "universe"]
keyring = "ubuntu.gpg"
"""
VENDOR = """
[[apt]]
name = "vendor"
uri = "https://vendor.example.org/debian"
suites = ["stable"]
components = ["main", "extra"]
key = "vendor.asc"
priority = 100
"""


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "ubuntu.gpg").write_bytes(BINARY)
    (tmp_path / "vendor.asc").write_bytes(ARMOURED)
    (tmp_path / "keybox.kbx").write_bytes(b"\0\0\0\x20\1\1\0\2KBXf")

    def write(text: str) -> Path:
        path = tmp_path / "recipe.toml"
        path.write_text(f'format = 1\nname = "tiny"\n{text}')
        return path

    return write


def test_an_archive_of_others_is_told_with_its_key(write):
    recipe = load_recipe(write(APT))
    assert (recipe.suite, recipe.origin) == ("focal", None)
    archive = archive_of(recipe)
    begins = "deb [signed-by=/etc/apt/keyrings/archive.gpg]"
    assert archive.sources("focal", "arm64").splitlines() == [
        f"{begins} {MIRROR} focal main universe",
        f"{begins} {MIRROR} focal-updates main universe",
    ]
    assert archive.keyrings == ()  # Debian's keys say nothing of it
    (key,) = image_files(archive)
    assert (key.path, key.data) == ("/etc/apt/keyrings/archive.gpg", BINARY)


def test_an_archive_of_the_past_has_its_suite_alone_and_is_expired(write):
    text = APT.replace('suites = ["focal", "focal-updates"]\n', "expired = true\n")
    told = archive_of(load_recipe(write(text))).sources("focal", "armhf")
    options = "signed-by=/etc/apt/keyrings/archive.gpg check-valid-until=no"
    assert told == f"deb [{options}] {MIRROR} focal main universe\n"


def test_a_mirror_of_debian_keeps_debians_keys_and_suites(write):
    text = (
        '[archive]\nmirror = "https://example.org/debian"\nsecurity = "https://example.org/sec"\n'
    )
    archive = archive_of(load_recipe(write(f'from = "debian:bookworm"\n{text}')))
    suites = [line.split()[2] for line in archive.sources("bookworm", "amd64").splitlines()]
    assert suites == ["bookworm", "bookworm-updates", "bookworm-security"]
    assert archive.key is None
    assert image_files(archive) == ()


@pytest.mark.parametrize(
    ("suite", "components"),
    [("bullseye", "main non-free"), ("bookworm", "main non-free-firmware")],
)
def test_firmware_lies_where_the_suite_has_it(suite, components):
    told = Archive("http://m.test/debian", updates=False).sources(suite, "arm64")
    assert told == f"deb http://m.test/debian {suite} {components}\n"


def test_a_further_source_comes_into_the_image_with_its_key_and_priority(write):
    recipe = load_recipe(write(f'from = "debian:trixie"\n{VENDOR}'))
    files = {file.path: file.data for file in image_files(archive_of(recipe))}
    assert files == {
        "/etc/apt/keyrings/vendor.asc": ARMOURED,
        "/etc/apt/sources.list.d/vendor.sources": b"Types: deb\n"
        b"URIs: https://vendor.example.org/debian\nSuites: stable\nComponents: main extra\n"
        b"Signed-By: /etc/apt/keyrings/vendor.asc\n",
        "/etc/apt/preferences.d/vendor": b"Package: *\n"
        b'Pin: origin "vendor.example.org"\nPin-Priority: 100\n',
    }


def test_a_source_without_suites_takes_the_recipes(write):
    text = VENDOR.replace('suites = ["stable"]\n', "")
    assert load_recipe(write(f'from = "debian:trixie"\n{text}')).sources[0].suites == ("trixie",)


def test_a_source_may_be_a_folder_of_packages(write):
    text = VENDOR.replace('"stable"', '"./"').replace('components = ["main", "extra"]\n', "")
    (source,) = load_recipe(write(f'from = "debian:trixie"\n{text}')).sources
    assert (source.suites, source.components) == (("./",), ())


def test_a_further_source_is_asked_for_nothing_that_only_builds(write):
    archive = archive_of(load_recipe(write(APT + VENDOR)))
    assert archive.of_tools() == Archive()
    assert archive.of_twins().more == ()
    assert archive.of_twins().key is not None


def test_what_a_recipe_says_of_sources_tells_recipes_apart(write):
    recipe = load_recipe(write(APT + VENDOR))
    other = replace(recipe.sources[0], key=PublicKey(ARMOURED + b"\n"))
    told = [
        archive_of(each).described
        for each in (recipe, replace(recipe, sources=()), replace(recipe, sources=(other,)))
    ]
    assert len(set(told)) == 3
    assert archive_of(load_recipe(write('from = "debian:trixie"\n'))).described == ""


def test_the_proxy_is_no_part_of_what_is_built(write):
    text = 'from = "debian:trixie"\n[archive]\nproxy = "http://proxy.example.org:3128"\n'
    recipe = load_recipe(write(text))
    assert recipe.archive.proxy == "http://proxy.example.org:3128"
    assert archive_of(recipe).described == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('from = "apt:focal"\n', "must be known by its public key"),
        (APT.replace("ubuntu.gpg", "none.gpg"), "none.gpg cannot be read"),
        (APT.replace("ubuntu.gpg", "keybox.kbx"), "no public key that apt can read"),
        (APT.replace(MIRROR, "example.org/ubuntu"), "an address"),
        ('from = "image:x.img"\n[archive]\nmirror = "https://example.org/"\n', "brings its own"),
        (f'from = "debian:trixie"\n{VENDOR}{VENDOR}', "The name vendor is taken"),
        (f'from = "image:x.img"\n{VENDOR}'.replace('suites = ["stable"]', ""), "suites is missing"),
        (f'from = "debian:trixie"\n{VENDOR}'.replace('"stable"', '"./"'), "has no components"),
        (f'from = "debian:trixie"\n{VENDOR}'.replace("100", "2000"), "from -1 to 1000"),
    ],
)
def test_faults_of_sources_are_told(write, text, told):
    with pytest.raises(BadDocument) as refused:
        load_recipe(write(text))
    assert told in refused.value.message


def test_another_source_for_once_takes_what_fits_of_the_recipes_archive(write):
    recipe = load_recipe(write(APT))
    assert start_from(recipe, "apt:noble").archive == replace(recipe.archive, suites=())
    assert start_from(recipe, "debian:trixie").archive.key is None
    assert start_from(recipe, "image:x.img").archive.mirror == ""
    with pytest.raises(BadInput) as refused:
        start_from(load_recipe(write('from = "debian:trixie"\n')), "apt:noble")
    assert refused.value.code == "keyring-missing"


def test_a_source_of_this_computer_has_no_host():
    source = AptSource("own", "file:/srv/own", ("./",), (), PublicKey(BINARY), 900)
    assert 'Pin: origin ""' in Archive(more=(source,)).preferences()["own"]
