"""What a script asks for is known before it runs: refused, told, or made part of the layer."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.formats.pi_image2.code import read_all
from builder.formats.pi_image2.compile import compile_layer
from builder.formats.pi_image2.conf import check_conf
from builder.formats.pi_image2.lint import lint, missing_user
from builder.formats.pi_image2.read import Customization, find_checkout
from builder.personal import Personal
from flasher.errors import BadInput
from tests.unit.builder.pi_image2.test_conf import GOOD

MINIMAL = "class customizeImage:\n\tdef execute_customizations(self):\n"


def customization(folder: Path, *body: str, before: str = "", **conf: object) -> Customization:
    """A script with these statements, read without being run."""
    script = folder / "customize_robot.py"
    script.write_text(before + MINIMAL + "".join(f"\t\t{line}\n" for line in body or ("pass",)))
    codes = read_all(script, folder)
    return Customization(codes, folder, check_conf({**GOOD, **conf}, script.name), ())


def told(folder: Path, *body: str, before: str = "", suite: str = "noble") -> list[str]:
    made = customization(folder, *body, before=before)
    return [each.what for each in lint(made, suite=suite, in_recipe=False)]


def refusal(folder: Path, *body: str, before: str = "") -> str:
    with pytest.raises(BadInput) as caught:
        compile_layer(customization(folder, *body, before=before), "robot")
    assert caught.value.code == "customization-refused"
    return caught.value.message


def test_packages_come_with_what_they_recommend_and_those_of_a_module_with_them(tmp_path: Path):
    layer = compile_layer(customization(tmp_path, apt_get_packages=["zip"]), "robot")
    assert layer.packages == ("--install-recommends", "zip")
    desktop = customization(
        tmp_path, before="from common_img_mods import gdm3_mod\n", apt_get_packages=[]
    )
    assert compile_layer(desktop, "robot").packages[1:] == ("gdm3", "gnome-terminal")
    assert compile_layer(customization(tmp_path, apt_get_packages=[]), "robot").packages == ()


def test_the_layer_names_the_computer(tmp_path: Path):
    files = {each.path: each.data for each in compile_layer(customization(tmp_path), "robot").files}
    assert files["/etc/hostname"] == b"ezrobot\n"
    assert b"127.0.1.1\tezrobot ezrobot.local\n" in files["/etc/hosts"]


@pytest.mark.parametrize(
    "line",
    [
        "run('git clone https://$GIT_TOKEN@example.org/a.git', shell=True)",
        "github_token = self.git_token",
        "os.environ['GIT_TOKEN']",
        "print(git_token)",
        "self.git_token",
    ],
)
def test_a_git_token_is_refused_with_the_line_that_uses_it(line: str, tmp_path: Path):
    assert "customize_robot.py:4 uses the git token" in refusal(tmp_path, "pass", line)


def test_a_token_that_is_only_kept_or_asked_for_is_no_use_of_it(tmp_path: Path):
    compile_layer(
        customization(
            tmp_path,
            "'GIT_TOKEN is not needed'",
            "self.git_token = git_token",
            "if self.git_token: run(self.git_token)",
            "else: run('GITHUB_TOKEN')",
        ),
        "robot",
    )


def test_disks_and_modules_that_are_nowhere_are_refused(tmp_path: Path):
    assert "customize_robot.py:4 makes a disk (image_util.create_image_file)" in refusal(
        tmp_path, "image_util.create_image_file('x', 1, 2)", before="import image_util\n"
    )
    lidar = "from common_img_mods import ur50lidar_mod\n"
    assert "common_img_mods.ur50lidar_mod" in refusal(tmp_path, before=lidar)
    (tmp_path / "common_img_mods").mkdir()
    (tmp_path / "common_img_mods/ur50lidar_mod.py").write_text("def install(): pass\n")
    compile_layer(customization(tmp_path, before=lidar), "robot")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("run('apt-get -y install zip', shell=True)", "lets apt fetch"),
        ("run(['apt-get', 'install', name, '-y'])", "lets apt fetch"),
        ("run('echo a:b | chpasswd', shell=True)", "sets a password"),
        ("run(['usermod', '-p', hashed, 'ada'])", "sets a password"),
        ("run(['ssh-keygen', '-A'])", "makes host keys"),
        ("run('systemctl restart ssh', shell=True)", "starts a service"),
        ("open('/boot/config.txt', 'a')", "updates of kernels"),
        ("run('swapon /swapfile', shell=True)", "wants disks"),
        ("run(f'wget {address}', shell=True)", "fetches something"),
        ("run('source /opt/ros/noetic/setup.bash')", "needs ROS"),
        ("shutil.copy('files/nothing', '/etc')", "reads files/nothing, which is not in"),
        ("linux_util.create_user('ubuntu', 'ubuntu')", "gives ubuntu a password"),
    ],
)
def test_what_will_not_do_as_its_author_thinks_is_told_with_its_line(
    line: str, what: str, tmp_path: Path
):
    found = told(tmp_path, "pass", line)
    assert any(each.startswith("customize_robot.py:4 ") and what in each for each in found), found


def test_a_script_that_does_nothing_odd_is_told_nothing(tmp_path: Path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a").touch()
    body = ("'''curl is not run by remarks'''", "shutil.copy('/files/a', '/etc')  # wget")
    assert told(tmp_path, *body, before="import shutil, linux_util, imp\n") == []


def test_a_suite_that_it_is_not_written_for_and_modules_of_others_are_told(tmp_path: Path):
    found = told(tmp_path, before="import yaml\n", suite="trixie")
    assert found == [
        "customize_robot.py is written for noble, and the image starts from trixie.",
        "customize_robot.py imports yaml, which is neither Python's own nor beside it.",
    ]


@pytest.mark.parametrize(
    ("line", "user"),
    [
        ("run('chown -R ubuntu:ubuntu /srv', shell=True)", "ubuntu"),
        ("os.chdir('/home/ubuntu')", "ubuntu"),
        ("linux_util.run_as_user('ubuntu', ['id'])", "ubuntu"),
        ("linux_util.run_as_user('ada', ['id'])", ""),
        ("create_user('ubuntu', 'x'); os.chdir('/home/ubuntu')", ""),
    ],
)
def test_the_user_of_pi_image2_is_made_where_a_script_counts_on_it(
    line: str, user: str, tmp_path: Path
):
    made = customization(tmp_path, line)
    assert missing_user(made) == user
    assert compile_layer(made, "robot").scripts[0].argv[7:] == ((user,) if user else ())


def test_a_password_of_its_own_goes_to_a_site_and_a_default_one_nowhere(tmp_path: Path):
    line = "linux_util.create_user('{}', password='{}')"
    own = compile_layer(customization(tmp_path, line.format("ada", "geheim")), "robot")
    assert own.personal == Personal(user="ada", password="geheim")
    default = compile_layer(customization(tmp_path, line.format("ubuntu", "ubuntu")), "robot")
    assert not default.personal


def test_the_checkout_is_the_nearest_folder_that_looks_like_one(tmp_path: Path):
    inner = tmp_path / "pi_image2/customizations"
    inner.mkdir(parents=True)
    assert find_checkout(inner / "a.py") == inner
    (tmp_path / "pi_image2/files").mkdir()
    assert find_checkout(inner / "a.py") == tmp_path / "pi_image2"


def test_python_that_does_not_parse_is_told_with_its_line(tmp_path: Path):
    (tmp_path / "a.py").write_text("class customizeImage:\n  print 'x'\n")
    with pytest.raises(BadInput, match=r"a\.py, line 2: ") as caught:
        read_all(tmp_path / "a.py", tmp_path)
    assert caught.value.code == "customization-unreadable"
    with pytest.raises(BadInput, match="No such file"):
        read_all(tmp_path / "b.py", tmp_path)
