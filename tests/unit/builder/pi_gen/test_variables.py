"""The table of variables is whole, and the guide says what it says."""

import re
from pathlib import Path

import pytest

from builder.formats.pi_gen.compile import image_form, image_name
from builder.formats.pi_gen.dialect import DIALECTS, recognise
from builder.formats.pi_gen.variables import Variable, check, known_variables
from flasher.errors import BadInput

from .folder import settings

GUIDE = Path(__file__).parents[4] / "docs/pi-gen.md"

# What the documents of upstream and of the qcow2 fork list, and the wrappers of both.
DOCUMENTED = set(
    """
APT_PROXY ARCHIVE_FILENAME BASE_DIR BASE_QCOW2_SIZE BOOT_FSOPTIONS BOOT_FSTYPE COMPRESSION_LEVEL
CONTAINER_NAME CONTINUE DEPLOY_COMPRESSION DEPLOY_DIR DEPLOY_ZIP DISABLE_FIRST_BOOT_USER_RENAME
ENABLE_CLOUD_INIT ENABLE_SSH EXPORT_CONFIG_DIR FIRST_USER_NAME FIRST_USER_PASS GPT_BIOS_UEFI
IMG_DATE IMG_FILENAME IMG_NAME INSTALL_RECOMMENDS KEYBOARD_KEYMAP KEYBOARD_LAYOUT LOCALE_DEFAULT
PASSWORDLESS_SUDO PIGEN_DOCKER_OPTS PI_GEN PI_GEN_RELEASE PI_GEN_REPO PREFER_RASPI_SOURCE
PRESERVE_CONTAINER PUBKEY2_SSH_FIRST_USER PUBKEY_ONLY_SSH PUBKEY_SSH_FIRST_USER REDUCED_FOOTPRINT
RELEASE ROOTFS_RO ROOTFS_RO_OVERLAY_TMPFS_SIZE SETFCAP SKIP_IMAGES_LIST SKIP_STAGE_LIST STAGE_LIST
TARGET_ARCH TARGET_HOSTNAME TARGET_RASPI TEMP_REPO TIMEZONE_DEFAULT USE_QEMU WORK_DIR WPA_COUNTRY
WPA_ESSID WPA_PASSWORD
""".split()  # noqa: SIM905
)


def rows() -> dict[str, tuple[str, str]]:
    found = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", GUIDE.read_text(), re.MULTILINE)
    return {name: (fate, why) for name, fate, why in found}


def test_every_documented_variable_is_in_the_table():
    assert DOCUMENTED - set(known_variables()) == set()


@pytest.mark.parametrize("variable", known_variables().values(), ids=known_variables())
def test_the_guide_says_of_each_variable_what_becomes_of_it(variable: Variable):
    assert rows()[variable.name] == (variable.fate, variable.why)
    assert variable.fate in ("honoured", "translated", "refused")
    assert set(variable.dialects) | set(variable.default) <= set(DIALECTS)


def test_the_guide_lists_no_other():
    assert set(rows()) == set(known_variables())


@pytest.mark.parametrize(
    "variable", [v for v in known_variables().values() if v.fate == "refused"], ids=lambda v: v.name
)
def test_refused_variables_stop_the_build_and_their_harmless_values_do_not(variable: Variable):
    dialect = variable.dialects[0]
    with pytest.raises(BadInput, match=variable.name):
        check(settings(dialect, IMG_NAME="x", **{variable.name: "something"}))
    for value in variable.harmless:
        check(settings(dialect, IMG_NAME="x", **{variable.name: value}))


@pytest.mark.parametrize(
    "variable", [v for v in known_variables().values() if v.secret], ids=lambda v: v.name
)
def test_secrets_reach_no_script(variable: Variable):
    for dialect in variable.dialects:
        told = settings(dialect, **{variable.name: "geheimnis"})
        assert "geheimnis" not in told.environment.values()
        assert told.secrets == (variable.name,)


@pytest.mark.parametrize(
    "variable",
    [v for v in known_variables().values() if v.passed and v.forced is None and not v.secret],
    ids=lambda v: v.name,
)
def test_all_others_that_scripts_know_reach_them_as_they_are(variable: Variable):
    for dialect in variable.dialects:
        told = settings(dialect, **{variable.name: "own"}).environment
        assert told[variable.name] == "own"


def test_the_name_of_the_image_is_wanted_by_two_dialects():
    check(settings("upstream"))
    for dialect in ("qcow2", "westwork"):
        with pytest.raises(BadInput, match="IMG_NAME"):
            check(settings(dialect))


def test_a_default_can_name_other_variables():
    assert settings(RELEASE="bookworm", ARCH="arm64").value("IMG_NAME") == "raspios-bookworm-arm64"


def test_a_switch_set_to_nothing_has_its_default_and_a_script_can_tell_that_it_was_set():
    told = settings(ENABLE_SSH="", WPA_COUNTRY="")
    assert told.environment["ENABLE_SSH"] == "0"
    assert told.environment["WPA_COUNTRY"] == ""
    assert "WPA_COUNTRY" not in settings().environment


@pytest.mark.parametrize(
    ("dialect", "given", "form"),
    [
        ("upstream", {}, "zip"),
        ("upstream", {"DEPLOY_COMPRESSION": "xz"}, "xz"),
        ("upstream", {"DEPLOY_COMPRESSION": "gz"}, "zst"),
        ("upstream", {"DEPLOY_COMPRESSION": "zip", "DEPLOY_ZIP": "0"}, "zip"),
        ("upstream", {"DEPLOY_ZIP": "0"}, "zst"),
        ("qcow2", {}, "zip"),
        ("qcow2", {"DEPLOY_ZIP": "0"}, "zst"),
        ("westwork", {}, "zip"),
    ],
)
def test_the_image_is_handed_out_in_the_form_that_the_config_asks_for(dialect, given, form):
    assert image_form(settings(dialect, **given)) == form


def test_the_image_is_named_as_pi_gen_names_it_without_the_date():
    assert image_name(settings(IMG_NAME="my rig"), "-lite") == "my-rig-lite"
    assert image_name(settings(IMG_NAME="x", IMG_FILENAME="y 1"), "") == "y-1"


@pytest.mark.parametrize(
    ("variables", "names", "dialect"),
    [
        ([], ["00-packages", "00-run-chroot.sh"], "upstream"),
        (["TARGET_RASPI"], [], "qcow2"),
        ([], ["00-packages-sys-debian"], "qcow2"),
        ([], ["00-run-chroot"], "westwork"),
        ([], ["00-packages-ni"], "westwork"),
    ],
)
def test_a_dialect_is_known_by_what_only_it_has(variables, names, dialect):
    assert recognise(variables, names).name == dialect
