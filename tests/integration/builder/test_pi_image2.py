"""Customisation scripts of pi_image2: read without being run, then run in a small Debian tree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest

from builder.diagnosis import StepFailed
from builder.emulation import Emulation
from builder.formats.pi_image2.compile import compile_layer
from builder.formats.pi_image2.conf import Conf
from builder.formats.pi_image2.read import open_customization
from builder.layers import Layer, Store, open_store
from builder.log import open_log
from builder.native_root import NativeRoot
from builder.steps.files import Files
from builder.workshop import Workshop, make_layers
from flasher.errors import BadInput
from flasher.events import CancelFlag, Event, Noted
from tests.integration.builder.bottom import EPOCH, Bottom, copy_system
from tests.integration.builder.ordinary_user import as_user

PACKAGES = ("bash", "coreutils", "dash", "libc-bin", "passwd", "python3", "util-linux")

CONF = """
		self.conf = {
			"hostname": "ezrobot",
			"rootfs_extra_space_mb": 300,
			"rootfs": "/image-builds/PiFlavourMaker/build",
			"flavour": NAME,
			"release": "noble",
			"imagedir": "/image-builds/final-images",
			"apt_get_packages": [],
		}
"""

# As its authors write them: tabs, modules that Python lost, files by both of their names.
ROBOT = f"""
import imp, crypt
import os, shutil, subprocess
import linux_util, image_util
from common_img_mods import udev, wheels

NAME = "robot"

class customizeImage:
	def __init__(self, git_token=None):
		self.git_token = git_token
{CONF}
	def execute_customizations(self):
		print("cwd is " + os.getcwd())
		shutil.copy("/files/tool.sh", "/usr/bin/tool")
		shutil.copy("files/tool.sh", "/usr/bin/again")
		linux_util.make_executable("/usr/bin/tool")
		shutil.copy("/device-tree/wheel.dts", "/etc/wheel.dts")
		os.makedirs("/etc/udev/rules.d", exist_ok=True)
		udev.add_rules()
		wheels.install()
		linux_util.create_user("ada", "geheim", display_name="Ada")
		linux_util.add_user_sudo("ada")
		hashed = crypt.crypt("x", crypt.mksalt(crypt.METHOD_SHA512))
		subprocess.run(["usermod", "-p", hashed, "ada"], check=True)
		linux_util.run_as_user(
			"ada",
			["bash", "-c", "id -un > who; echo $HOME >> who"],
			cwd="/home/ada",
			check=True,
		)
		subprocess.run("sudo bash -c 'id -un; pwd' > /etc/root", shell=True, check=True)
		subprocess.run("chown -R ubuntu:ubuntu /home/ubuntu", shell=True, check=True)
		os.chdir("/home/ubuntu")
		open("here", "w").write(str(linux_util.du_mb("/files")) + "\\n")
		loaded = imp.load_source("part", "/files/part.py")
		open("/etc/part", "w").write(loaded.WORD)
		return
"""

FILES = {
    "files/tool.sh": "#!/bin/sh\necho tool\n",
    "files/part.py": "WORD = 'loaded'\n",
    "device-tree/wheel.dts": "/dts-v1/;\n",
    "common_img_mods/wheels.py": "import linux_util\ndef install():\n\topen('/etc/wheels', 'w')\n",
}


def _grow(root: Path, tree: Path) -> None:
    """Debian's shell, tools and Python."""
    copy_system(root, ("dev", "etc", "home", "proc", "root", "run", "sys", "tmp"), tree)
    tables = {
        "passwd": "root:x:0:0:root:/root:/bin/bash\n",
        "shadow": "root:*:20000:0:99999:7:::\n",
        "group": "root:x:0:\nsudo:x:27:\nvideo:x:44:\n",
        "gshadow": "root:*::\nsudo:*::\nvideo:*::\n",
    }
    for name, text in tables.items():
        (tree / "etc" / name).write_text(text)


@pytest.fixture(scope="module")
def system(extract_native: Callable[..., NativeRoot]) -> Bottom:
    return Bottom(partial(_grow, extract_native("bookworm", *PACKAGES).folder))


@dataclass(frozen=True, slots=True)
class Shop:
    """Where scripts are built upon the small tree; their packages are left out."""

    store: Store
    workshop: Workshop
    events: list[Event]
    system: Bottom

    def build(self, script: Path, checkout: Path | None = None) -> dict[str, Path]:
        """What the script adds to the tree, by path."""
        return self.grown(self.make(script, checkout)[0][-1])

    def make(self, script: Path, checkout: Path | None = None):
        layer = compile_layer(open_customization(script, checkout), "robot")
        (customise,) = layer.scripts
        files = Files("robot-files", layer.files, (), EPOCH)
        return make_layers(self.workshop, (self.system, files, replace(customise, epoch=EPOCH)))

    def grown(self, layer: Layer) -> dict[str, Path]:
        tree = self.store.root / layer.tree
        return {str(path.relative_to(tree)): path for path in tree.rglob("*")}

    @property
    def words(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Noted)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, system: Bottom) -> Iterator[Shop]:
    events: list[Event] = []
    emit, flag = events.append, CancelFlag()
    with (
        open_store(tmp_path_factory.mktemp("shop") / "store", emit=emit, cancel=flag) as store,
        open_log(store.root / "logs", emit) as log,
    ):
        native = partial(nullcontext, Emulation())
        yield Shop(store, Workshop(store, native, log, emit, flag), events, system)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like pi_image2's own."""
    for name, text in FILES.items():
        write(tmp_path / "checkout" / name, text)
    return tmp_path / "checkout"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def script(folder: Path, body: str, before: str = "", name: str = "customize_robot.py") -> Path:
    """A script of these statements."""
    indented = "".join(f"\t\t{line}\n" for line in dedent(body).strip().split("\n"))
    return write(
        folder / name,
        f"import os, shutil, subprocess\n{before}\nNAME = 'robot'\nclass customizeImage:\n"
        f"\tdef __init__(self):{CONF}\n\tdef execute_customizations(self):\n{indented}",
    )


def test_a_script_finds_all_that_pi_image2_gives_it(shop: Shop, checkout: Path):
    added = shop.build(write(checkout / "customizations/customize_robot.py", ROBOT))
    assert "cwd is /" in shop.words
    assert added["usr/bin/tool"].stat().st_mode & 0o777 == 0o755
    assert added["usr/bin/again"].read_text() == FILES["files/tool.sh"]
    assert added["etc/wheel.dts"].read_text() == "/dts-v1/;\n"
    assert 'ATTRS{idProduct}=="ea60", SYMLINK+="ldlidar"' in (
        added["etc/udev/rules.d/50-usb.rules"].read_text()
    )
    assert added["home/ada/who"].read_text() == "ada\n/home/ada\n"
    assert added["etc/root"].read_text() == "root\n/\n"
    assert added["home/ubuntu/here"].read_text() == "1\n"
    assert added["etc/part"].read_text() == "loaded"
    assert "etc/wheels" in added
    assert "sudo:x:27:ada" in added["etc/group"].read_text()
    assert "video:x:44:ada" in added["etc/group"].read_text()
    assert ":Ada:/home/ada:/bin/bash" in added["etc/passwd"].read_text()


def test_nothing_of_the_building_stays(shop: Shop, checkout: Path):
    own = write(checkout / "customizations/customize_robot.py", f"# its own layer\n{ROBOT}")
    added = shop.build(own)
    assert {name.split("/")[0] for name in added} == {"etc", "home", "usr"}
    assert not [name for name in added if "__pycache__" in name]


def test_the_name_of_the_computer_is_set_before_the_customisations(shop: Shop, checkout: Path):
    layers, _ = shop.make(script(checkout, "shutil.copy('/etc/hostname', '/etc/seen')"))
    assert shop.grown(layers[-1])["etc/seen"].read_text() == "ezrobot\n"
    hosts = shop.grown(layers[-2])["etc/hosts"].read_text()
    assert "127.0.1.1\tezrobot ezrobot.local\n" in hosts


def test_a_script_of_another_repository_runs_in_the_checkout_that_is_named(
    shop: Shop, checkout: Path, tmp_path: Path
):
    own = script(tmp_path / "other", "from common_img_mods import wheels\nwheels.install()")
    assert "etc/wheels" in shop.build(own, checkout)


def test_what_did_not_change_is_not_run_again(shop: Shop, checkout: Path):
    own = script(checkout, "shutil.copy('/files/tool.sh', '/etc')")

    def made() -> list[str]:
        return [each.name for each in shop.make(own)[1] if not each.reused]

    assert made()[-1] == "robot-customise"
    write(checkout / "common_img_mods/wheels.py", "# nobody imports it\n")
    write(checkout / "device-tree/wheel.dts", "nobody reads it\n")
    assert made() == []
    write(checkout / "files/tool.sh", "changed\n")
    assert made() == ["robot-customise"]


@pytest.mark.parametrize(
    ("body", "line", "told"),
    [
        ("pass\nopen('/nowhere/x')", 18, "FileNotFoundError"),
        ("subprocess.run('ls /nowhere', shell=True, check=True)", 17, "No such file"),
        ("subprocess.run(['apt-get', 'install', 'x'], check=True)\n", 17, "apt-get"),
        ("exit(0)", 17, "ends Python (exit 0) before it is done"),
    ],
)
def test_what_goes_wrong_fails_the_build_with_file_and_line(
    body: str, line: int, told: str, shop: Shop, checkout: Path
):
    with pytest.raises(StepFailed) as caught:
        shop.build(script(checkout, body))
    assert f"customize_robot.py, line {line} (" in caught.value.message
    assert told in caught.value.message


def test_a_bash_that_fails_is_told_with_the_line_that_called_it(shop: Shop, checkout: Path):
    run = "subprocess.run('true\\nls /nowhere', shell=True, check=True, executable='/bin/bash')"
    with pytest.raises(StepFailed) as caught:
        shop.build(script(checkout, f"subprocess.run(['bash', '-c', 'false'])\n{run}"))
    assert "customize_robot.py, line 18 (" in caught.value.message
    assert "(ls /nowhere)" in caught.value.message


def test_a_module_that_fails_is_told_with_the_line_that_called_it(shop: Shop, checkout: Path):
    write(checkout / "common_img_mods/wheels.py", "def install():\n    1 / 0\n")
    with pytest.raises(StepFailed) as caught:
        shop.build(script(checkout, "wheels.install()", "from common_img_mods import wheels"))
    assert "customize_robot.py, line 17 (wheels.install())" in caught.value.message
    assert "common_img_mods/wheels.py, line 2: 1 / 0" in caught.value.message


def test_a_conf_is_what_the_script_says_and_nothing_is_customised_for_it(checkout: Path):
    own = script(
        checkout,
        "open('/etc/customised', 'w')",
        "import absent.part\nfrom missing import word\nfrom common_img_mods import gdm3_mod\n"
        "print('loud')\nopen('/tmp/mine', 'w')",
    )
    conf = open_customization(own).conf
    assert conf == Conf(
        "ezrobot", 300, "/image-builds/PiFlavourMaker/build", "robot", "noble",
        "/image-builds/final-images", (),
    )  # fmt: skip
    assert not Path("/etc/customised").exists()


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("open('/usr/touched', 'w')", "Read-only file system"),
        ("open('/pi_image2/customize_robot.py', 'a')", "Read-only file system"),
        ("open('/etc/passwd')", "No such file"),
        ("os.listdir('/home')", "No such file"),
        ("import urllib.request; urllib.request.urlopen('http://127.0.0.1:1')", "URLError"),
        ("import absent; absent.use()", "absent is not there while the conf is read"),
        ("exit(0)", "exit 0"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_conf_is_read_where_nothing_can_be_changed_or_learned(
    before: str, told: str, checkout: Path
):
    with pytest.raises(BadInput) as caught:
        open_customization(script(checkout, "pass", before))
    assert caught.value.code == "customization-failed"
    assert told in caught.value.message
    assert "customize_robot.py, line 2: " in caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("class other: pass", "There is no class customizeImage"),
        ("class customizeImage:\n  conf = {}", "no execute_customizations()"),
    ],
)
def test_a_script_without_its_class_is_told(text: str, told: str, tmp_path: Path):
    with pytest.raises(BadInput, match="does not tell its conf") as caught:
        open_customization(write(tmp_path / "a.py", text))
    assert told in caught.value.message


READ_AS_A_USER = """
import sys
from pathlib import Path
from builder.formats.pi_image2.read import open_customization
print(open_customization(Path(sys.argv[1])).conf.hostname)
"""


def test_an_ordinary_user_reads_a_conf_as_well(tmp_path: Path):
    place = tmp_path / "user"
    own = script(place / "home", "pass")
    done = subprocess.run(
        as_user(place, sys.executable, "-c", READ_AS_A_USER, str(own)),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "ezrobot\n"), done.stderr
