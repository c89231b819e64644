from pathlib import Path

import pytest

from builder.archive import Archive
from builder.recipe import (
    BootSettings,
    ImageSettings,
    RecipeFile,
    UserRecipe,
    load_recipe,
    load_shipped_layer,
)
from flasher.errors import BadDocument, BadInput
from flasher.paths import assets

HEAD = 'format = 1\nname = "tiny"\nfrom = "debian:trixie"\n'


@pytest.fixture
def write(tmp_path: Path):
    def write_recipe(text: str) -> Path:
        path = tmp_path / "tiny.toml"
        path.write_text(HEAD + text, encoding="utf-8")
        return path

    return write_recipe


def test_the_shipped_recipe_makes_a_bootable_generic_debian():
    recipe = load_recipe(assets() / "recipes" / "base.toml")
    packages = {package for layer in recipe.layers for package in layer.packages}
    assert (recipe.name, recipe.suite, recipe.architecture) == ("base", "trixie", "arm64")
    assert {"linux-image-arm64", "raspi-firmware", "network-manager", "openssh-server"} <= packages


@pytest.mark.parametrize(
    ("architecture", "kernel"),
    [
        ("arm64", "linux-image-arm64"),
        ("armhf", "linux-image-armmp"),
        ("amd64", "linux-image-amd64"),
    ],
)
def test_the_shipped_recipe_brings_each_architecture_its_own_kernel(architecture, kernel):
    recipe = load_recipe(assets() / "recipes" / "base.toml", architecture)
    packages = [package for layer in recipe.layers for package in layer.packages]
    assert [name for name in packages if name.startswith("linux-image-")] == [kernel]
    paths = [file.path for layer in recipe.layers for file in layer.files]
    assert len(paths) == len(set(paths))


def test_packages_and_files_for_some_architectures_are_in_their_images_only(write):
    path = write(
        '[[layer]]\nname = "x"\npackages = ["a1"]\n'
        'packages_for.armhf = ["b2", "c3"]\npackages_for.arm64 = ["d4"]\n'
        '[[layer.file]]\npath = "/old"\nlines = []\narchitectures = ["armhf", "amd64"]\n'
        '[[layer.file]]\npath = "/all"\nlines = []\n'
    )
    found = {
        name: (layer.packages, [file.path for file in layer.files])
        for name in ("arm64", "armhf", "amd64")
        for layer in load_recipe(path, name).layers
    }
    assert found == {
        "arm64": (("a1", "d4"), ["/all"]),
        "armhf": (("a1", "b2", "c3"), ["/old", "/all"]),
        "amd64": (("a1",), ["/old", "/all"]),
    }
    assert load_recipe(path).layers[0].packages == ("a1", "d4")


def test_the_firmware_settings_come_before_the_package_that_reads_them():
    recipe = load_recipe(assets() / "recipes" / "base.toml")
    written = [any(f.path == "/etc/default/raspi-firmware" for f in x.files) for x in recipe.layers]
    installed = ["raspi-firmware" in layer.packages for layer in recipe.layers]
    assert written.index(True) < installed.index(True)


def test_the_agents_layer_installs_its_package_and_enables_its_units():
    layer = load_shipped_layer("agent", "arm64")
    assert layer.python == ("autosetup",)
    assert layer.enable == (
        "autosetup-neighbours.timer",
        "autosetup-report.service",
        "autosetup.service",
    )
    assert {file.path: oct(file.mode) for file in layer.files} == {
        "/usr/bin/autosetup": "0o755",
        "/usr/lib/systemd/system/autosetup.service": "0o644",
        "/usr/lib/systemd/system/autosetup-neighbours.service": "0o644",
        "/usr/lib/systemd/system/autosetup-neighbours.timer": "0o644",
        "/usr/lib/systemd/system/autosetup-report.service": "0o644",
    }


def test_what_is_not_said_has_a_default(write):
    recipe = load_recipe(write(""))
    assert recipe.architecture == "arm64"
    assert recipe.image == ImageSettings("bootfs", "rootfs", 256, 400)
    assert recipe.layers == ()
    assert recipe.updates


@pytest.mark.parametrize(("own", "size"), [("", 256), ("data_size_mib = 1024\n", 1024)])
def test_a_layer_may_ask_for_a_partition_for_data(write, own, size):
    recipe = load_recipe(write(f'[image]\n{own}[[layer]]\nuses = "read-only-root"\n'))
    assert recipe.image.data_size_mib == size
    assert "/data/autosetup/open" in {file.path for file in recipe.layers[0].files}


def test_a_recipe_may_take_the_suite_as_it_was_released(write):
    recipe = load_recipe(write("updates = false\n"))
    assert not recipe.updates
    mirror, security = "http://mirror.test/debian", "http://mirror.test/security"
    assert Archive(mirror, security).sources("trixie", "arm64").count("\n") == 3
    released = Archive(mirror, security, updates=recipe.updates)
    told = released.sources("trixie", "arm64")
    assert told == f"deb {mirror} trixie main non-free-firmware\n"


@pytest.mark.parametrize(
    ("architecture", "settings", "titles"),
    [
        ("arm64", "", {"3B", "3B+", "Zero 2 W", "4B", "400"}),
        ("armhf", "", {"2B", "3B", "3B+", "Zero 2 W", "4B", "400"}),
        ("amd64", "", set()),
        ("arm64", '[image]\nboards = ["pi3+", "pi4"]\n', {"3B+", "4B"}),
        ("arm64", "[image]\nboards = []\n", set()),
    ],
)
def test_an_image_is_for_all_boards_of_its_architecture_or_those_named(
    write, architecture, settings, titles
):
    recipe = load_recipe(write(settings), architecture)
    assert {board.title for board in recipe.boards} == {f"Raspberry Pi {t}" for t in titles}


def test_files_come_from_lines_or_from_a_source_beside_the_recipe(write, tmp_path):
    (tmp_path / "motd").write_bytes(b"raw\x00bytes")
    path = write(
        '[[layer]]\nname = "files"\n'
        '[[layer.file]]\npath = "/etc/motd"\nsource = "motd"\n'
        '[[layer.file]]\npath = "/usr/bin/hi"\nmode = "0755"\nlines = ["#!/bin/sh", "echo hi"]\n'
    )
    assert load_recipe(path).layers[0].files == (
        RecipeFile("/etc/motd", b"raw\x00bytes", 0o644),
        RecipeFile("/usr/bin/hi", b"#!/bin/sh\necho hi\n", 0o755),
    )


def test_an_asked_for_architecture_replaces_the_recipes_own(write):
    assert load_recipe(write(""), "armhf").architecture == "armhf"


def test_an_unknown_architecture_is_refused_with_the_known_ones(write):
    with pytest.raises(BadInput) as refused:
        load_recipe(write(""), "sparc")
    assert refused.value.code == "architecture-unknown"
    assert "arm64" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('architecture = "arm65"\n', "Did you mean arm64?"),
        ("[image]\nboot_size = 256\n", "Did you mean boot_size_mib?"),
        ("[image]\nboot_size_mib = 1\n", "from 64 to 2048"),
        ('[image]\nboards = ["pi9"]\n', "one of pi2, pi3, pi3+"),
        ('[image]\nboot_label = "much-too-long"\n', "up to 11 letters"),
        ('[[layer]]\nname = "x"\npackages = ["Tmux"]\n', "a Debian package name"),
        ('[[layer]]\nname = "x"\npackages_for.armhf = ["Tmux"]\n', "a Debian package name"),
        ('[[layer]]\nname = "x"\npackages_for.arm46 = ["a"]\n', "Did you mean arm64?"),
        (
            '[[layer]]\nname = "x"\n[[layer.file]]\npath = "/a"\nlines = []\n'
            'architectures = ["arm"]\n',
            "one of arm64, armhf, amd64",
        ),
        ('[[layer]]\nname = "x"\nenable = ["ssh"]\n', "a unit: ssh.service"),
        ('[[layer]]\nuses = "agnt"\n', "Did you mean agent?"),
        ('architecture = "amd46"\n[[layer]]\nname = "x"\n', "Did you mean amd64?"),
        ('[[layer]]\nname = "x"\n[[layer.file]]\npath = "/a"\n', "source or lines"),
        ('[[layer]]\nname = "x"\n[[layer.file]]\npath = "a"\nlines = []\n', "an absolute path"),
        ('[[layer]]\nname = "x"\n[[layer.file]]\npath = "/a/../b"\nlines = []\n', "absolute path"),
        ('[[layer]]\nname = "x"\n[[layer.file]]\npath = "/a"\nsource = "no"\n', "cannot be read"),
        (
            '[[layer]]\nname = "x"\n[[layer.file]]\npath = "/a"\nlines = []\nmode = "rwx"\n',
            "an octal mode",
        ),
    ],
)
def test_a_fault_is_told_with_its_place_and_remedy(write, text, told):
    with pytest.raises(BadDocument) as refused:
        load_recipe(write(text))
    assert told in refused.value.message
    assert "tiny.toml:" in refused.value.message


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput) as refused:
        load_recipe(tmp_path / "nowhere.toml")
    assert "nowhere.toml" in refused.value.message


def test_a_layer_has_users_boot_settings_and_units(write):
    path = write(
        '[[layer]]\nname = "x"\ndisable = ["a.timer"]\nmask = ["b.service"]\n'
        '[layer.boot]\nconfig = ["gpu_mem=128"]\ncmdline = ["quiet"]\n'
        '[[layer.user]]\nname = "scan"\ngroups = ["video"]\n'
        '[[layer.user]]\nname = "other"\nuid = 1200\nshell = "/bin/sh"\n'
    )
    (layer,) = load_recipe(path).layers
    assert (layer.disable, layer.mask) == (("a.timer",), ("b.service",))
    assert layer.boot == BootSettings(("gpu_mem=128",), ("quiet",))
    assert layer.users == (
        UserRecipe("scan", ("video",)),
        UserRecipe("other", (), 1200, "/bin/sh"),
    )


@pytest.mark.parametrize(
    ("first", "argv"),
    [
        ("#!/bin/bash -eu\n", ("/bin/bash", "-eu")),
        ("#!/usr/bin/env python3\n", ("/usr/bin/env", "python3")),
        ("true\n", ("/bin/bash", "-e")),
    ],
)
def test_a_script_is_run_by_what_its_first_line_names(write, first: str, argv: tuple[str, ...]):
    path = write('[[layer]]\nname = "x"\nscripts = ["bin/set-up.sh"]\nnetwork = true\n')
    (path.parent / "bin").mkdir()
    (path.parent / "bin/set-up.sh").write_text(f"{first}echo\n")
    (layer,) = load_recipe(path).layers
    (script,) = layer.scripts
    assert script.argv == (*argv, "/mnt/set-up.sh")
    assert (script.name, script.place, script.network) == ("x-set-up", "tree", True)


@pytest.mark.parametrize(
    "fault",
    [
        'scripts = ["absent.sh"]\n',
        'mask = ["ssh"]\n',
        '[[layer.user]]\nname = "Root"\n',
        '[[layer.user]]\nname = "scan"\npassword = "x"\n',
        f'[layer.boot]\nconfig = ["{"x" * 99}"]\n',
    ],
)
def test_faults_of_layers_are_told(write, fault: str):
    with pytest.raises(BadDocument):
        load_recipe(write(f'[[layer]]\nname = "x"\n{fault}'))


def test_files_are_found_from_the_recipes_folder_wherever_a_program_works(write, monkeypatch):
    path = write("")
    path.write_text(path.read_text().replace("debian:trixie", "build:base"))
    monkeypatch.chdir(path.parent)
    origin = load_recipe(Path(path.name)).origin
    assert origin is not None
    assert origin.folder == str(path.parent)
