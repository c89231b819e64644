"""Stages are built as pi-gen's own engines build them: pi_gen/judge.py kept what these made."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from builder.bench import Bench, Step
from builder.build import LayerResult, Workshop, make_layers
from builder.diagnosis import StepFailed
from builder.emulation import Emulation
from builder.formats.pi_gen.compile import compile_stages, image_form, image_name
from builder.formats.pi_gen.config import read_suffixes
from builder.formats.pi_gen.plan import Action, Export, Packages, plan
from builder.formats.pi_gen.recipe import Asked, open_source, read_images
from builder.layers import Layer, Store
from builder.log import Log
from builder.recipe import load_recipe
from builder.sandbox import script
from flasher.errors import BadInput
from flasher.events import CancelFlag, Progress, ignore
from tests.integration.builder.bottom import EPOCH, Bottom
from tests.integration.builder.ordinary_user import as_user
from tests.integration.builder.pi_gen import judged
from tests.integration.builder.pi_gen.judged import DIALECTS, HERE, changes, load, make_tree


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for stages, and a store in which they are built."""

    folder: Path
    store: Store
    log: Log
    events: list[object]

    @property
    def workshop(self) -> Workshop:
        native = partial(nullcontext, Emulation())
        return Workshop(self.store, native, self.log, self.events.append, CancelFlag())

    def copy(self, dialect: str) -> Path:
        shutil.copytree(HERE / dialect, self.folder / dialect)
        return self.folder / dialect

    def write(self, name: str, text: str, mode: int = 0o755) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def build(self, asked: Asked) -> tuple[tuple[Layer, ...], tuple[LayerResult, ...]]:
        return make_layers(self.workshop, steps_of(asked))

    def read(self, layers: tuple[Layer, ...], *argv: str) -> str:
        """What a program says that sees the whole tree of these layers."""
        progress = Progress(ignore, "", "", None)
        bench = Bench(self.store, layers, None, Emulation(), self.log, progress, CancelFlag())
        return bench.run_host(tuple(a.replace("TREE", str(bench.merged)) for a in argv)).text

    def tell(self, layers: tuple[Layer, ...]) -> list[str]:
        return self.read(layers, *script(judged.__file__, "TREE")).split("\n")


def steps_of(asked: Asked) -> tuple[Step, ...]:
    """The steps of stages upon the small tree; lists of packages are left out."""
    layers = compile_stages(open_source(asked, "amd64"), "stages")
    scripts = [replace(each, epoch=EPOCH) for layer in layers for each in layer.scripts]
    return (Bottom(make_tree), *scripts)


@pytest.fixture
def place(tmp_path: Path, store: Store, log: Log) -> Place:
    return Place(tmp_path / "stages", store, log, [])


def asked_for(base: Path, *stages: str, network: bool = False) -> Asked:
    """A base folder with its config, if it has one."""
    config = base / "config"
    return Asked(
        base, (config,) if config.exists() else (), tuple(base / s for s in stages), "", network
    )


def order(actions: Sequence[Action]) -> tuple[str, ...]:
    return tuple("export" if isinstance(x, Export) else str(x.place) for x in actions)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_order_and_the_packages_are_those_of_the_dialects_own_engine(dialect: str):
    source = open_source(asked_for(HERE / dialect), "amd64")
    actions = plan(source.settings, source.stages)
    if dialect == "qcow2":  # whose exports need its disks
        actions = tuple(each for each in actions if not isinstance(each, Export))
    lists = [each for each in actions if isinstance(each, Packages)]
    expected = load(dialect)
    assert source.settings.dialect.name == dialect
    assert order(actions) == expected.order
    assert tuple((each.recommends, each.words) for each in lists) == expected.packages


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_tree_is_that_of_the_dialects_own_engine(dialect: str, place: Place, tmp_path: Path):
    layers, _ = place.build(asked_for(place.copy(dialect)))
    make_tree(tmp_path / "bottom")
    told = changes(judged.tell(tmp_path / "bottom"), place.tell(layers))
    assert told == load(dialect).changes


def test_a_change_is_built_again_from_there_on_and_a_setting_where_it_is_read(place: Place):
    base = place.copy("upstream")
    place.build(asked_for(base))

    def made() -> list[str]:
        return [each.name for each in place.build(asked_for(base))[1] if not each.reused]

    assert made() == []
    config = base / "config"
    config.write_text(config.read_text() + "TARGET_HOSTNAME=nobody-reads-it\n")
    assert made() == []
    config.write_text(config.read_text().replace("ada", "bob"))
    assert made()[0] == "stage1-02-functions-00-run.sh"
    (base / "stage1/02-functions/files/word").write_text("changed\n")
    assert made()[0] == "stage1-02-functions-00-run.sh"
    (base / "stage1/00-patch/00-patches/series").chmod(0o600)
    assert made()[0] == "stage1-00-patch-00-patches"


def test_password_and_key_of_a_config_are_never_seen(place: Place):
    place.write("config", "FIRST_USER_PASS=geheim\nPUBKEY_SSH_FIRST_USER='ssh-rsa x'\n", 0o644)
    place.write(
        "stage0/0/00-run.sh",
        'echo "<$FIRST_USER_PASS><$PUBKEY_SSH_FIRST_USER>" > "$ROOTFS_DIR/etc/seen"\n',
    )
    layers, _ = place.build(asked_for(place.folder))
    assert place.read(layers, "cat", "TREE/etc/seen") == "<><>\n"


def test_a_script_that_fails_is_named_with_its_line(place: Place):
    place.write("stage0/0/00-run.sh", "#!/bin/bash -e\ntrue\non_chroot << EOF\nls /nowhere\nEOF\n")
    with pytest.raises(StepFailed) as caught:
        place.build(asked_for(place.folder))
    assert "00-run.sh, line 3 (" in caught.value.message
    assert "/nowhere" in caught.value.message


def test_a_series_that_does_not_apply_fails(place: Place):
    diff = "--- a/rootfs/etc/hosts\n+++ b/rootfs/etc/hosts\n@@ -1 +1 @@\n-other\n+new\n"
    place.write("stage0/0/00-patches/a.diff", diff, 0o644)
    place.write("stage0/0/00-patches/series", "a.diff\n", 0o644)
    with pytest.raises(StepFailed, match="patches"):
        place.build(asked_for(place.folder))


def test_a_stage_that_fills_its_tree_by_itself_is_refused(place: Place):
    place.write("stage0/prerun.sh", '#!/bin/bash -e\nmkdir -p "$ROOTFS_DIR/etc"\n')
    with pytest.raises(StepFailed, match="copy_previous"):
        place.build(asked_for(place.folder))


def test_what_belongs_to_disks_is_left_to_the_image(place: Place):
    text = '#!/bin/bash -e\necho "ROOTDEV / ext4" > "$ROOTFS_DIR/etc/fstab"\n'
    place.write("stage0/0/00-run.sh", text)
    layers, _ = place.build(asked_for(place.folder))
    assert place.read(layers, "cat", "TREE/etc/fstab") == "LABEL=rootfs / ext4\n"
    assert place.read(layers, "ls", "-A", "TREE").split().count(".pi-gen") == 0


def test_the_suffix_of_an_export_leaks_into_an_empty_one_as_theirs_does(place: Place):
    first = place.write("a/EXPORT_IMAGE", 'IMG_SUFFIX="-lite"\n[ "$USE_QEMU" != 1 ] || '
                        'export IMG_SUFFIX="$IMG_SUFFIX-qemu"\n')  # fmt: skip
    second = place.write("b/EXPORT_IMAGE", "")
    config = place.write("config", "IMG_NAME='my rig'\nUSE_QEMU=1\nDEPLOY_ZIP=0\n")
    source = open_source(Asked(place.folder, (config,), (first.parent, second.parent)), "arm64")
    suffixes = read_suffixes(source.settings, source.base, (first, second))
    assert suffixes == ("-lite-qemu", "-lite-qemu")
    assert image_name(source.settings, suffixes[0]) == "my-rig-lite-qemu"
    assert image_form(source.settings) == "zst"


def test_a_config_is_bash_that_can_change_nothing_here(place: Place):
    config = place.write(
        "config",
        'export IMG_NAME="x-$(echo y)"\nRELEASE=$(cat "$BASE_DIR/suite")\nexport OWN=1\n'
        f"touch {place.folder}/written 2>/dev/null || NOTED=read-only\n",
    )
    place.write("suite", "bookworm\n")
    place.write("stage0/0/00-run.sh", "")
    settings = open_source(Asked(place.folder, (config,)), None).settings
    assert (settings.value("IMG_NAME"), settings.value("RELEASE")) == ("x-y", "bookworm")
    assert settings.given["NOTED"] == "read-only"
    assert settings.environment["OWN"] == "1"
    assert "NOTED" not in settings.environment
    assert not (place.folder / "written").exists()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("false\n", "config-failed"),
        ("exit 0\n", "config-ends"),
        ("TEMP_REPO='deb http://x y z'\n", "config-refused"),
        ("WPA_PASSWORD=short\n", "config-refused"),
        ("FIRST_USER_NAME=Ada\n", "config-refused"),
    ],
)
def test_a_config_that_cannot_be_built_is_refused_before_anything_is(place: Place, text, code):
    config = place.write("config", text)
    place.write("stage0/0/00-run.sh", "")
    with pytest.raises(BadInput) as caught:
        open_source(Asked(place.folder, (config,)), "arm64")
    assert caught.value.code == code
    assert "short" not in caught.value.message


def test_stages_are_found_by_words_and_patterns_in_the_order_given(place: Place):
    for name in ("stage1", "stage10", "stage2", "mine"):
        place.write(f"{name}/0/00-run.sh", "")
    config = place.write("config", 'STAGE_LIST="mine stage1* $BASE_DIR/stage2"\n')
    stages = open_source(Asked(place.folder, (config,)), "arm64").stages
    assert [stage.name for stage in stages] == ["mine", "stage1", "stage10", "stage2"]


RASPI_CONFIG = """#!/bin/bash -e
mkdir -p "$ROOTFS_DIR/boot/firmware"
echo "console=tty1 cfg80211.ieee80211_regdom=GB root=x" > "$ROOTFS_DIR/boot/firmware/cmdline.txt"
echo "dtparam=audio=on" > "$ROOTFS_DIR/boot/firmware/config.txt"
on_chroot << EOF
export SUDO_USER=ada
while read -r words; do raspi-config nonint \\$words; done << WORDS
do_net_names 1
do_wifi_country DE
do_sudo_pass 1
do_vnc 1
do_ssh 0
do_serial 0
do_serial_hw 0
do_i2c 0
do_spi 1
do_camera 0
do_boot_behaviour B2
WORDS
systemctl enable rpi-resize
systemctl enable rpi-resize.service own
EOF
"""


def test_the_words_of_raspi_config_that_stages_use_are_there(place: Place):
    place.write("stage0/0/00-run.sh", RASPI_CONFIG)
    layers, _ = place.build(asked_for(place.folder))
    lines = place.read(layers, "cat", "TREE/boot/firmware/config.txt").splitlines()
    words = place.read(layers, "cat", "TREE/boot/firmware/cmdline.txt").split()
    kept = place.read(layers, "cat", "TREE/etc/default/raspi-firmware-custom").splitlines()
    units = place.read(layers, "cat", "TREE/var/log/systemctl").splitlines()
    assert lines == ["dtparam=audio=on", *kept]
    assert kept == [
        "enable_uart=1",
        "dtparam=i2c_arm=on",
        "dtparam=spi=off",
        "camera_auto_detect=1",
    ]
    assert words == ["console=tty1", "root=x", "net.ifnames=0", "cfg80211.ieee80211_regdom=DE"]
    sudoers = place.read(layers, "cat", "TREE/etc/sudoers.d/010_ada-nopasswd")
    assert sudoers == "ada ALL=(ALL) NOPASSWD: ALL\n"
    assert units == ["enable ssh.service", "set-default multi-user.target", "enable own"]
    unit = "TREE/etc/systemd/system/getty@tty1.service.d/autologin.conf"
    assert "--autologin ada" in place.read(layers, "cat", unit)
    assert place.read(layers, "cat", "TREE/etc/modules-load.d/i2c-dev.conf") == "i2c-dev\n"


def test_a_word_of_raspi_config_that_is_not_there_fails(place: Place):
    place.write("stage0/0/00-run-chroot.sh", "raspi-config nonint do_overclock Turbo\n")
    with pytest.raises(StepFailed, match="do_overclock"):
        place.build(asked_for(place.folder))


AS_USER = """
import sys
from pathlib import Path
from builder.layers import open_store
from builder.log import open_log
from flasher.events import CancelFlag, ignore
from tests.integration.builder import test_pi_gen as own
folder = Path(sys.argv[1])
with open_store(folder / "layers", emit=ignore, cancel=CancelFlag()) as store:
    with open_log(store.root / "logs", ignore) as log:
        place = own.Place(folder / "stages", store, log, [])
        layers, _ = place.build(own.asked_for(place.copy("upstream")))
        print("\\n".join(place.tell(layers)))
"""


def test_an_ordinary_user_builds_the_same(tmp_path: Path):
    argv = as_user(tmp_path / "user", sys.executable, "-c", AS_USER, str(tmp_path / "user/home"))
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    make_tree(tmp_path / "bottom")
    told = changes(judged.tell(tmp_path / "bottom"), done.stdout.rstrip("\n").split("\n"))
    assert told == load("upstream").changes


BELOW = """format = 1
name = "below"
from = "debian:trixie"
architecture = "amd64"
[[layer]]
name = "lowest"
packages = ["less"]
[[layer]]
uses = "agent"
"""


def test_each_export_is_an_image_and_they_share_the_layers_they_have_in_common(place: Place):
    base = place.copy("upstream")
    (base / "stage2/SKIP").unlink()
    (base / "stage2/EXPORT_IMAGE").write_text("IMG_SUFFIX=-two\n")
    below = place.write("below.toml", BELOW)
    images = read_images([base / "config"], [], below)
    first, second = images.recipes
    assert [(each.name, each.architecture) for each in images.recipes] == [
        ("judged-one", "amd64"),
        ("judged-two", "amd64"),
    ]
    assert images.form == "zip"
    assert [each.layers[0].name for each in images.recipes] == ["lowest"] * 2
    assert [each.layers[-1].name for each in images.recipes] == ["agent"] * 2
    assert first.layers[:-2] == second.layers[: len(first.layers) - 2]
    assert second.layers[-3].name == "stage2-00-x-00-run.sh"
    assert "00-base/01-run.sh is ignored" in "\n".join(second.layers[-2].notes)


def test_exports_of_one_name_are_refused(place: Place):
    base = place.copy("upstream")
    with pytest.raises(BadInput, match="judged-one"):  # stage2's EXPORT_IMAGE is empty
        read_images([base / "config"], [], place.write("below.toml", BELOW))


def test_a_layer_of_a_recipe_can_be_stages(place: Place):
    place.copy("upstream")
    text = BELOW + '[[layer]]\nname = "own"\npi_gen = "upstream"\nconfig = ["config"]\n'
    recipe = load_recipe(place.write("rig.toml", f'{text}stages = ["stage1"]\n'))
    names = [layer.name for layer in recipe.layers]
    assert names[:3] == ["lowest", "agent", "stage1-prerun.sh"]
    assert names[-1] == "own-end"
    assert {layer.packages for layer in recipe.layers[2:]} == {()}
    whole = load_recipe(place.write("rig.toml", text))
    lists = [layer.packages for layer in whole.layers[2:] if layer.packages]
    place.write("upstream/stage1/00-patch/00-packages", "raspi-config\n")
    by_own_name = load_recipe(place.write("rig.toml", f"{text}substitutes = false\n"))
    assert ("--install-recommends", "raspi-config") in [x.packages for x in by_own_name.layers]
    assert lists == [("three", "four", "five"), ("--install-recommends", "one", "two")]
