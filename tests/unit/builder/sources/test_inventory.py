"""What a system of others tells of itself: packages, sources, Python, architecture."""

from pathlib import Path

import pytest

from builder.emulation import MACHINES
from builder.sources.apt_sources import TreeArchive
from builder.sources.inventory import take_inventory
from flasher.errors import BadInput

STATUS = """Package: adduser
Status: install ok installed
Priority: important
Section: admin
Architecture: all
Version: 3.134
Conffiles:
 /etc/deluser.conf 773fb95e98a27947de4a95abb3d3f2a2
Description: add and remove users and groups
 More of it.

Package: gone
Status: deinstall ok config-files
Architecture: arm64
Version: 1

Package: libc6
Status: hold ok installed
Architecture: arm64
Multi-Arch: same
Source: glibc (2.36-8)
Version: 2.36-9
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("var/lib/dpkg", "usr/lib", "usr/bin", "etc/apt/sources.list.d"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    (tmp_path / "usr/lib/os-release").write_text('ID=debian\nVERSION_CODENAME=trixie\nNAME="x"\n')
    (tmp_path / "usr/bin/python3").symlink_to("python3.11")
    (tmp_path / "usr/bin/dash").write_bytes(MACHINES["arm64"].magic + b"rest")
    return tmp_path


def test_the_packages_that_are_installed_are_told_and_no_others(tree: Path):
    told = take_inventory(tree, "arm64").offers
    assert [(each.package.name, each.package.version) for each in told] == [
        ("adduser", "3.134"),
        ("libc6", "2.36-9"),
    ]
    assert (told[1].package.source, told[1].package.source_version) == ("glibc", "2.36-8")


def test_a_package_is_handed_on_as_dpkg_has_it(tree: Path):
    adduser = take_inventory(tree, "arm64").offers[0]
    lines = adduser.as_installed.splitlines()
    assert lines.count("Status: install ok installed") == 1
    assert " /etc/deluser.conf 773fb95e98a27947de4a95abb3d3f2a2" in lines


def test_the_release_is_known_by_its_name(tree: Path):
    assert take_inventory(tree, "arm64").suite == "trixie"
    (tree / "usr/lib/os-release").write_text("ID=arch\n")
    assert take_inventory(tree, "arm64").suite == "arch"


def test_the_version_of_python_is_known_where_there_is_one(tree: Path):
    (tree / "usr/bin/python3").unlink()
    assert take_inventory(tree, "arm64").python is None
    (tree / "usr/bin/python3").symlink_to("python3.9")
    assert take_inventory(tree, "arm64").python == (3, 9)


def test_a_system_for_another_architecture_is_refused(tree: Path):
    with pytest.raises(BadInput, match="arm64") as caught:
        take_inventory(tree, "amd64")
    assert caught.value.code == "architecture-differs"


# --- apt's sources ---------------------------------------------------------------------------


def test_sources_of_both_forms_are_asked_with_the_keys_of_the_tree(tree: Path):
    apt = tree / "etc/apt"
    (apt / "sources.list").write_text(
        "# old\ndeb http://deb.example.org/debian trixie main contrib # more\n"
        "deb-src http://deb.example.org/debian trixie main\n"
        "deb [arch=arm64 signed-by=/usr/share/keyrings/r.gpg] http://r.example.org/ trixie main\n"
    )
    (apt / "sources.list.d/x.sources").write_text(
        "Types: deb deb-src\nURIs: http://a.example.org/d http://b.example.org/d\n"
        "Suites: trixie trixie-updates\nComponents: main\n non-free\nSigned-By: /k/x.asc\n\n"
        "Types: deb\nURIs: http://off.example.org\nSuites: x\nEnabled: no\n"
    )
    told = TreeArchive(tree=tree, scratch=tree / "scratch").sources("any", "arm64").splitlines()
    signed = f"[signed-by={tree}/k/x.asc]"
    assert told == [
        "deb http://deb.example.org/debian trixie main contrib",
        f"deb [signed-by={tree}/usr/share/keyrings/r.gpg] http://r.example.org/ trixie main",
        f"deb {signed} http://a.example.org/d trixie main non-free",
        f"deb {signed} http://a.example.org/d trixie-updates main non-free",
        f"deb {signed} http://b.example.org/d trixie main non-free",
        f"deb {signed} http://b.example.org/d trixie-updates main non-free",
    ]


def test_a_key_that_stands_among_the_sources_is_written_out(tree: Path):
    (tree / "etc/apt/sources.list.d/k.sources").write_text(
        "Types: deb\nURIs: http://a.example.org\nSuites: ./\nSigned-By:\n"
        " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEY\n -----END PGP PUBLIC KEY BLOCK-----\n"
    )
    scratch = tree / "scratch"
    told = TreeArchive(tree=tree, scratch=scratch).sources("any", "arm64")
    assert told == f"deb [signed-by={scratch}/k-0.asc] http://a.example.org ./\n"
    assert (scratch / "k-0.asc").read_text().splitlines()[:3] == [
        "-----BEGIN PGP PUBLIC KEY BLOCK-----",
        "",
        "mDMEY",
    ]


def test_keys_trusted_for_all_are_those_of_the_tree(tree: Path):
    keys = tree / "etc/apt/trusted.gpg.d"
    keys.mkdir()
    for name in ("a.gpg", "b.asc", "c.txt"):
        (keys / name).touch()
    assert [path.name for path in TreeArchive(tree=tree).keyrings] == ["a.gpg", "b.asc"]
