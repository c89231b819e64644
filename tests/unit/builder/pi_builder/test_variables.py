"""The tables of variables and instructions are whole, and the guide says what they say."""

import re
import tomllib
from pathlib import Path

import pytest

from builder.formats.pi_builder import variables
from builder.formats.pi_builder.make_config import read_makefiles
from builder.formats.pi_builder.variables import known_variables, settle
from flasher.errors import BadInput

GUIDE = Path(__file__).parents[4] / "docs/pi-builder.md"
INSTRUCTIONS = tomllib.loads(variables.TABLE.with_name("instructions.toml").read_text())

# What the makefiles of both layouts and of their consumer let people set.
DOCUMENTED = set(
    """
PROJECT OS BOARD ARCH STAGES BUILD_OPTS HOSTNAME LOCALE TIMEZONE ARCH_DIST_REPO_URL
ARCH_PIKVM_REPO_URL ARCH_PIKVM_REPO_KEY RPIOS_IMAGES_URL QEMU_REPO_URL DISK CARD IMAGE IMAGE_XZ
REBUILD NC TAG PASS_ENSURE_BINFMT PASS_ENSURE_TOOLBOX SUDO DOCKER DOCKER_RUN_TTY DOCKER_RUN_INT
RUN_CMD RUN_OPTS CFG_FILE UBOOT REPO_URL PIKVM_REPO_URL PIKVM_REPO_KEY CARD_DATA_FS_TYPE
CARD_DATA_FS_FLAGS CARD_DATA_BEGIN_AT QEMU_PREFIX QEMU_RM PLATFORM SUFFIX VERSIONS OLED FAN
ROOT_PASSWD WEBUI_ADMIN_PASSWD IPMI_ADMIN_PASSWD DEPLOY_USER
""".split()  # noqa: SIM905
)
# https://docs.docker.com/reference/dockerfile/, "Overview".
WORDS = set(
    """
ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL
STOPSIGNAL USER VOLUME WORKDIR
""".split()  # noqa: SIM905
)


def rows() -> dict[str, tuple[str, str]]:
    found = re.findall(r"^\| `([^`]+)` \| (\w+) \| (.+) \|$", GUIDE.read_text(), re.MULTILINE)
    return {name: (fate, why) for name, fate, why in found}


def test_every_variable_and_instruction_is_in_the_tables():
    assert set(known_variables()) == DOCUMENTED
    assert {name.split()[0] for name in INSTRUCTIONS} == WORDS


def test_the_guide_says_of_each_what_becomes_of_it_and_lists_no_other():
    told = {name: (each.fate, each.why) for name, each in known_variables().items()}
    told |= {name: (each["fate"], each["why"]) for name, each in INSTRUCTIONS.items()}
    assert rows() == told
    assert {fate for fate, _ in told.values()} == {"honoured", "translated", "refused"}


@pytest.mark.parametrize(
    "name", [v.name for v in known_variables().values() if v.fate == "refused"]
)
def test_refused_variables_stop_the_build_and_empty_they_do_not(name: str):
    with pytest.raises(BadInput, match=f"{name}: "):
        settle({name: "hidden-value"}, {}, "arm64")
    settle({name: ""}, {}, "arm64")


def test_of_a_secret_the_value_is_not_shown_wherever_it_stands():
    for config, given in (
        ({"IPMI_ADMIN_PASSWD": "hunter2"}, {}),
        ({"BUILD_OPTS": "--build-arg API_TOKEN=hunter2"}, {}),
        ({}, {"WIFI_PSK": "hunter2"}),
    ):
        with pytest.raises(BadInput) as refused:
            settle(config, given, "arm64")
        assert "hunter2" not in str(refused.value)


def test_arguments_are_those_of_the_config_then_its_options_then_the_recipes():
    config = {
        "BOARD": "rpi2",
        "STAGES": "os  ro",
        "BUILD_OPTS": "--build-arg A=1 --build-arg=B='2 3'",
    }
    told = settle(config, {"B": "4", "LOCALE": "de_DE"}, "armhf")
    assert told.stages == ("os", "ro")
    assert told.arguments == {
        "OS": "rpios", "BOARD": "rpi2", "ARCH": "arm", "LOCALE": "de_DE", "TIMEZONE": "UTC",
        "A": "1", "B": "4", "REBUILD": "", "ROOT_PASSWD": "",
    }  # fmt: skip


def test_another_architecture_and_other_options_of_docker_are_refused():
    with pytest.raises(BadInput, match='ARCH="arm"'):
        settle({"ARCH": "arm"}, {}, "arm64")
    with pytest.raises(BadInput, match="BUILD_OPTS: --squash"):
        settle({"BUILD_OPTS": "--squash"}, {}, "arm64")


def test_a_makefile_of_assignments_is_read(tmp_path: Path):
    path = tmp_path / "config.mk"
    path.write_text(
        "# mine\nBOARD = rpi3 # the old one\nexport LOCALE ?= de_DE\nBOARD ?= rpi4\n"
        "STAGES := __init__ os \\\n\t$(MORE)\nMORE = ro\nSTAGES += ${LAST} $$x\n"
    )
    assert read_makefiles((path,)) == {
        "BOARD": "rpi3", "LOCALE": "de_DE", "MORE": "ro", "STAGES": "__init__ os ro  $x",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["include other.mk", "ifdef X", "all:\n\techo", "X = $(shell id)", "X = $(X) more"]
)
def test_what_only_make_knows_is_refused(text: str, tmp_path: Path):
    path = tmp_path / "config.mk"
    path.write_text(f"{text}\n")
    with pytest.raises(BadInput, match="config"):
        read_makefiles((path,))
