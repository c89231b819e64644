"""Layers of every format, alone and mixed, end in an image that boots to done.

All stand upon the layers of the image for PCs, which are built once and run without emulation. Each
format leaves its mark in one file; debugfs reads them on the card of the node that said done.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from flasher import paths
from flasher.events import CancelFlag, ignore
from flasher.rehearsal.run import rehearse
from tests.rehearsal.conftest import call

Run = Callable[..., list[dict[str, object]]]

pytestmark = pytest.mark.timeout(1800)

MARKS = "/opt/marks"
ROOT = 68 << 20  # behind the gap and the boot partition

FILES = {
    "plain.sh": f"#!/bin/sh -e\necho plain >> {MARKS}\n",
    "pi-gen/stage1/prerun.sh": '#!/bin/bash -e\n[ -d "${ROOTFS_DIR}" ] || copy_previous\n',
    "pi-gen/stage1/00-mark/00-packages": "hello\n",
    "pi-gen/stage1/00-mark/00-run.sh": (
        '#!/bin/bash -e\ninstall -m 755 files/said "${ROOTFS_DIR}/opt/said"\n'
    ),
    "pi-gen/stage1/00-mark/files/said": "#!/bin/sh\nhello --greeting=pi-gen\n",
    "pi-gen/stage1/00-mark/01-run-chroot.sh": f"/opt/said >> {MARKS}\n",
    "customize_mark.py": f"""\
import subprocess

class customizeImage():
    def __init__(self, git_token=None):
        self.conf = {{
            "hostname": "marked",
            "rootfs_extra_space_mb": 100,
            "rootfs": "/nowhere/rootfs",
            "flavour": "mark",
            "release": "trixie",
            "imagedir": "/nowhere/images",
            "apt_get_packages": ["bc"],
        }}

    def execute_customizations(self):
        two = subprocess.check_output(["bc"], input=b"1 + 1\\n").decode().strip()
        with open("{MARKS}", "a") as marks:
            marks.write("pi_image" + two + "\\n")
""",
    "pi-builder/stages/common/mark/Dockerfile.part": (
        f'ARG WORD\nCOPY stages/mark/word /opt/word\nRUN echo "$(cat /opt/word)-$WORD" >> {MARKS}\n'
    ),
    "pi-builder/stages/common/mark/word": "pi",
}
LAYERS = {
    "plain": 'scripts = ["plain.sh"]',
    "pi-gen": 'pi_gen = "pi-gen"\nstages = ["stage1"]',
    "pi-image2": 'pi_image2 = "customize_mark.py"',
    "pi-builder": 'pi_builder = "pi-builder"\nstages = ["mark"]\nargs = { WORD = "builder" }',
}
SAID = {"plain": "plain", "pi-gen": "pi-gen", "pi-image2": "pi_image2", "pi-builder": "pi-builder"}
AGENT = '[[layer]]\nuses = "agent"\n'


def write_recipe(folder: Path, formats: Sequence[str]) -> Path:
    """The recipe for PCs with layers of formats upon its own, in this order, below the agent."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    own = (paths.assets() / "recipes/pc.toml").read_text(encoding="utf-8")
    assert AGENT in own
    more = [f'[[layer]]\nname = "{name}"\n{LAYERS[name]}\n' for name in formats]
    text = own.replace(AGENT, "\n".join([*more, AGENT])).replace(
        'name = "pc"', 'name = "formats"', 1
    )
    recipe = folder / "formats.toml"
    recipe.write_text(text)
    return recipe


def boot(image: Path, flasher: Run, card: Path) -> str:
    """Make a card of the image, boot it to done, and read the marks on it."""
    to_card = ("--to", card, "--size", "2G", "--image", image)
    flasher("prepare", "--scanner", "body-16x7", "--site", "demo", "--node", "control", *to_card)
    rehearsal = rehearse(card, emit=ignore, cancel=CancelFlag(), keep=True)
    assert rehearsal.status is not None
    assert (rehearsal.status.state, rehearsal.status.node) == ("done", "controller")
    # -c: the plug was pulled, so the tables of free blocks may wait in the journal.
    argv = ["debugfs", "-c", "-R", f"cat {MARKS}", f"{card}?offset={ROOT}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def build(folder: Path, recipe: Path) -> Path:
    env = {"FLASHER_CACHE": str(paths.cache())}
    (built,) = call("build-base", recipe, "--out", folder / "out", env=env)
    return Path(str(built["image"]))


@pytest.mark.parametrize(
    "formats",
    [
        *([name] for name in LAYERS),
        ["pi-builder", "plain", "pi-gen", "pi-image2"],
        ["pi-gen", "pi-image2", "plain", "pi-builder"],
    ],
    ids="-then-".join,
)
def test_layers_of_formats_boot_to_done(formats: list[str], flasher: Run, tmp_path: Path) -> None:
    image = build(tmp_path, write_recipe(tmp_path, formats))
    marks = boot(image, flasher, tmp_path / "card.img")
    assert marks.splitlines() == [SAID[name] for name in formats]


def test_an_image_upon_an_image_of_ours_boots_to_done(
    pc_image: Path, flasher: Run, tmp_path: Path
) -> None:
    (tmp_path / "plain.sh").write_text(FILES["plain.sh"])
    recipe = tmp_path / "upon.toml"
    recipe.write_text(
        f'format = 1\nname = "upon"\nfrom = "image:{pc_image}"\narchitecture = "amd64"\n'
        "[image]\nboot_size_mib = 64\nroot_slack_mib = 400\n"
        f'[[layer]]\nname = "plain"\n{LAYERS["plain"]}\n{AGENT}'
    )
    marks = boot(build(tmp_path, recipe), flasher, tmp_path / "card.img")
    assert marks == "plain\n"
