"""Profiles: what ships checks, what is wrong is said in full, nothing is guessed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from autosetup.payload import Packages, Wired, unpack
from autosetup.settings import Health
from flasher.errors import BadDocument, BadInput
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.profile import list_profiles, load_profile
from flasher.rig.rigmap import lay_out
from flasher.rig.site import load_site, save_site
from tests.unit.rig.rigs import NOW, edited, new_site, rig

HEALTH = """[role.health]
checks = ["scripts/prepare-scanner.sh"]
seconds = 5

[[role.script]]"""


@pytest.mark.parametrize("name", list_profiles())
def test_every_shipped_profile_gives_every_node_a_payload_that_unpacks(name: str) -> None:
    laid_out = rig(name)
    for node in laid_out.nodes:
        payload = unpack(compose(laid_out, node, CardIdentity.fresh(NOW), "0" * 64))
        assert payload.settings.name == node.name
        assert payload.manifest.generation == int(NOW.timestamp())


def test_the_shipped_rigs_are_the_ones_they_say() -> None:
    assert len(rig("body-16x7").nodes) == 16 * 7 + 1
    assert len(rig("camnode-48").nodes) == 48 + 1


def test_a_node_is_found_by_name_or_position_in_any_case() -> None:
    laid_out = rig()
    assert laid_out.find("CAM-0407") is laid_out.find("seg4-cam7")
    assert laid_out.find("SEG4-CAM3").name == "cam-0403"
    assert laid_out.find("cam-0403").position == "SEG4-CAM3"


def test_an_unknown_node_names_the_nearest() -> None:
    with pytest.raises(BadInput) as caught:
        rig().find("cam-0409")
    assert "cam-040" in caught.value.hint
    with pytest.raises(BadInput) as caught:
        rig().find("SEG1-CAM9")
    assert "Did you mean SEG1-CAM" in caught.value.hint
    assert "from controller (CONTROL) to cam-1607 (SEG16-CAM7)" in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("columns = 16", 'columns = "16"', "a whole number"),
        ("rows = 7", "rows = 0", "from 1 to"),
        ("does =", "dose =", "Did you mean does?"),
        ("files/rig.conf", "../../../../etc/passwd", "outside the profile's folder"),
        ("files/rig.conf", "files/gone.conf", "No such file"),
        ("[[role.script]]", HEALTH.replace("prepare", "gone"), "No such file"),
        ("[[role.script]]", HEALTH.replace("= 5", "= 0"), "from 1 to 3600"),
        ('path = "/etc/scanner/rig.conf"', 'path = "etc/x"', "an absolute path"),
        ("{row:02}", "{rwo}", "{column}"),
        ('path = "/etc/scanner/rig.conf"', 'path = "/etc/../x"', "without //, . or .."),
        ('path = "/etc/scanner/rig.conf"', 'path = "/proc/x"', "Nothing can be installed there"),
        ('source = "files/rig.conf"', 'source = "files/rig.conf"\nmode = "0999"', "octal digits"),
        ("columns = 16", 'columns = 16\npackages = ["gone.deb"]', "gone.deb: No such file"),
        ("columns = 16", 'columns = 16\npackages = ["a b.deb"]', "packages/name.deb"),
        ("columns = 16", 'columns = 16\npackages = ["a b"]', "the name of a package"),
        (
            'source = "files/rig.conf"',
            'source = "files/rig.conf"\nrestarts = ["!"]',
            "systemd unit",
        ),
        ("format = 1", "format = 2", "from 1 to 1"),
        ('name = "camera"', 'name = "controller"', "Two roles are called 'controller'"),
    ],
)
def test_a_faulty_profile_says_where_and_what_to_type(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(BadDocument) as caught:
        load_profile(str(edited(tmp_path, old, new)))
    assert said in caught.value.message
    assert "profile.toml:" in caught.value.message


def test_a_profile_of_a_size_that_no_profile_has_is_not_read_whole(tmp_path: Path) -> None:
    path = edited(tmp_path, "format = 1", "format = 1")
    os.truncate(path, 900 << 20)
    with pytest.raises(BadInput, match="larger than 1 MiB"):
        load_profile(str(path))


def test_a_file_that_no_card_has_room_for_is_a_fault_of_its_line(tmp_path: Path) -> None:
    path = edited(tmp_path, "format = 1", "format = 1")
    os.truncate(path.parent / "files/rig.conf", 900 << 20)
    with pytest.raises(BadDocument, match=r"files/rig\.conf is larger than 64 MiB"):
        load_profile(str(path))


def test_two_files_of_one_name_keep_their_own_contents(tmp_path: Path) -> None:
    second = '[[role.file]]\npath = "/etc/b.conf"\nsource = "other/rig.conf"\n\n[[role.script]]'
    path = edited(tmp_path, "[[role.script]]", second)
    (path.parent / "other").mkdir()
    (path.parent / "other" / "rig.conf").write_bytes(b"other\n")
    laid_out = lay_out(load_profile(str(path)), *load_site("demo"))
    raw = compose(laid_out, laid_out.nodes[0], CardIdentity.fresh(NOW), "0" * 64)
    payload = unpack(raw)
    installed = {file.path: payload.files[file.source] for file in payload.settings.files}
    first = (path.parent / "files" / "rig.conf").read_bytes()
    assert installed == {"/etc/scanner/rig.conf": first, "/etc/b.conf": b"other\n"}


def test_health_checks_of_a_role_are_in_its_nodes_payloads(tmp_path: Path) -> None:
    path = edited(tmp_path, "[[role.script]]", HEALTH)
    laid_out = lay_out(load_profile(str(path)), *load_site("demo"))
    raw = compose(laid_out, laid_out.nodes[0], CardIdentity.fresh(NOW), "0" * 64)
    payload = unpack(raw)
    assert payload.settings.health == Health(("health/10-prepare-scanner.sh",), 5, 10)
    program = (path.parent / "scripts" / "prepare-scanner.sh").read_bytes()
    assert payload.files["health/10-prepare-scanner.sh"] == program


SETTINGS = """
[role.wired]
addresses = ["10.{column}.{row}.{number}/8"]
[role.time]
ntp = ["controller"]
[role.variables]
broker = "controller"
place = "{column}/{number}"

[[role.file]]
path = "/etc/broker.conf"
source = "broker.conf.mustache"
"""
CAMERA = 'groups = ["video"]\n'


def test_domain_time_and_templates_of_profile_and_site_reach_each_node(tmp_path: Path) -> None:
    save_site(*new_site())
    path = edited(tmp_path, CAMERA, CAMERA + SETTINGS)
    (path.parent / "broker.conf.mustache").write_text("{{broker}}.{{domain}} {{place}}")
    laid_out = lay_out(load_profile(str(path)), *load_site("studio"))
    raw = compose(laid_out, laid_out.find("cam-0203"), CardIdentity.fresh(NOW), "0" * 64)
    payload = unpack(raw)
    settings = payload.settings
    assert (settings.domain, settings.time.ntp) == ("studio.example", ("controller", "192.0.2.1"))
    assert settings.variables == {"broker": "controller", "place": "2/10"}
    assert settings.wired == Wired(("10.2.3.10/8",))
    (template,) = (file for file in settings.files if file.path == "/etc/broker.conf")
    assert template.source == "templates/10-broker.conf.mustache"
    assert payload.files[template.source] == b"{{broker}}.{{domain}} {{place}}"


def test_a_template_that_names_the_unknown_is_told_before_any_card_is_touched(
    tmp_path: Path,
) -> None:
    path = edited(tmp_path, CAMERA, CAMERA + SETTINGS)
    (path.parent / "broker.conf.mustache").write_text("x\n{{brokr}}")
    laid_out = lay_out(load_profile(str(path)), *load_site("demo"))
    with pytest.raises(BadDocument, match=r"broker\.conf\.mustache:2:1: brokr is not known here"):
        compose(laid_out, laid_out.find("cam-0101"), CardIdentity.fresh(NOW), "0" * 64)


def test_an_address_that_no_node_can_have_is_told_before_any_card_is_touched(
    tmp_path: Path,
) -> None:
    path = edited(
        tmp_path,
        CAMERA,
        CAMERA + '[role.wired]\naddresses = ["{row}.0/8"]\n',
    )
    with pytest.raises(BadDocument, match="address with its prefix"):
        lay_out(load_profile(str(path)), *load_site("demo"))


def test_packages_of_a_role_are_on_its_cards(tmp_path: Path) -> None:
    path = edited(tmp_path, "columns = 16", 'columns = 16\npackages = ["debs/tools_1.0_all.deb"]')
    (path.parent / "debs").mkdir()
    (path.parent / "debs/tools_1.0_all.deb").write_bytes(b"deb")
    laid_out = lay_out(load_profile(str(path)), *load_site("demo"))
    raw = compose(laid_out, laid_out.find("cam-0101"), CardIdentity.fresh(NOW), "0" * 64)
    assert unpack(raw).files["packages/tools_1.0_all.deb"] == b"deb"


def test_where_the_images_own_packages_are_kept_new_every_node_knows_the_mirror() -> None:
    site, secrets = new_site()
    update = replace(site.update, packages="security")
    save_site(replace(site, mirror="http://controller/debian", update=update), secrets)
    laid_out = lay_out(load_profile("body-16x7"), *load_site("studio"))
    raw = compose(laid_out, laid_out.find("cam-0101"), CardIdentity.fresh(NOW), "0" * 64)
    assert unpack(raw).settings.packages == Packages((), "http://controller/debian")


def test_two_nodes_never_share_a_name(tmp_path: Path) -> None:
    path = edited(tmp_path, "cam-{column:02}{row:02}", "cam-{column:02}")
    with pytest.raises(BadDocument) as caught:
        lay_out(load_profile(str(path)), *load_site("demo"))
    assert "7 nodes would be called cam-01" in caught.value.message


def test_many_nodes_of_one_name_are_told_by_the_first_few(tmp_path: Path) -> None:
    path = edited(tmp_path, "cam-{column:02}{row:02}", "cam-{column:02}")
    with pytest.raises(BadDocument, match="and 11 more") as caught:
        lay_out(load_profile(str(path)), *load_site("demo"))
    assert len(caught.value.faults) == 6


@pytest.mark.parametrize(
    "template", ["cam_{column:02}{row:02}", "{number}-", "c" * 60 + "{number:04}"]
)
def test_a_name_that_is_no_host_name_is_a_fault_of_its_template(
    tmp_path: Path, template: str
) -> None:
    path = edited(tmp_path, "cam-{column:02}{row:02}", template)
    with pytest.raises(BadDocument, match="a host name") as caught:
        lay_out(load_profile(str(path)), *load_site("demo"))
    assert template in caught.value.message
    assert len(caught.value.faults) == 6


def test_a_script_with_windows_line_ends_is_refused(tmp_path: Path) -> None:
    path = edited(tmp_path, "format", "format")
    script = path.parent / "scripts" / "prepare-scanner.sh"
    script.write_bytes(script.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(BadDocument, match="Windows line ends"):
        load_profile(str(path))
