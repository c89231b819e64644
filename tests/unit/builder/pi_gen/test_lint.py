"""Every known trap is named before anything is built."""

from pathlib import Path

import pytest

from builder.formats.pi_gen.lint import lint

from .folder import settings, write_stage

FINE = {"prerun.sh": "copy_previous\n", "EXPORT_IMAGE": "IMG_SUFFIX=-x\n"}


def found(tmp_path: Path, files: dict[str, str], dialect: str = "upstream", *plain: str, **given):
    stage = write_stage(tmp_path / "s", {**FINE, **files}, plain=plain)
    return "\n".join(map(str, lint(settings(dialect, **given), [stage], "arm64")))


def test_a_stage_without_traps_has_no_findings(tmp_path: Path):
    files = {
        "0/00-packages": "less vim-tiny-\n",
        "0/00-patches/series": "a.diff\n",
        "0/00-patches/a.diff": "",
        "0/01-run.sh": '#!/bin/bash -e\ninstall -m 644 files/x "${ROOTFS_DIR}/etc/x"\n',
        "0/02-run-chroot.sh": "systemctl enable ssh\n",
        "0/files/x": "",
        "0/files/run.sh": "",
    }
    assert found(tmp_path, files) == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("00-run.sh", "s/00-run.sh is ignored: it lies in the stage itself"),
        ("0/run.sh", "s/0/run.sh is ignored: its name does not begin with two digits"),
        ("0/1-run.sh", "s/0/1-run.sh is ignored: its name does not begin with two digits"),
        ("0/00-run", "s/0/00-run is ignored: this dialect has no such kind of file"),
        ("0/00-run-chroot", "s/0/00-run-chroot is ignored: this dialect has no such kind"),
        ("0/00-packages-ni", "s/0/00-packages-ni is ignored: this dialect has no such kind"),
        ("0/00-packages-sys-raspi-x/a", "s/0/00-packages-sys-raspi-x is ignored"),
        ("00-x/01-y/01-run.sh", "s/00-x/01-y/01-run.sh is ignored: it lies one folder too deep"),
        ("EXPORT_IMAGES", "s/EXPORT_IMAGES is ignored: no tool reads it"),
    ],
)
def test_files_that_no_tool_reads_are_named(tmp_path: Path, name: str, said: str):
    assert said in found(tmp_path, {name: "x"}, "upstream" if "sys" not in name else "westwork")


@pytest.mark.parametrize(("dialect", "names"), [
    ("qcow2", ("SKIP", "SKIP_IMAGES")), ("westwork", ("SKIP_IMAGES",)), ("upstream", ()),
])  # fmt: skip
def test_a_skip_file_that_a_dialect_does_not_know_is_named(tmp_path: Path, dialect, names):
    said = found(tmp_path, {"SKIP": "", "SKIP_IMAGES": ""}, dialect)
    assert tuple(n for n in ("SKIP", "SKIP_IMAGES") if f"s/{n} is ignored" in said) == names


def test_scripts_that_are_not_executable_are_named(tmp_path: Path):
    said = found(tmp_path, {"0/00-run.sh": ""}, "upstream", "0/00-run.sh", "prerun.sh")
    assert "s/0/00-run.sh is ignored: it is not executable" in said
    assert "s/prerun.sh is not executable: for pi-gen the stage starts from an empty tree" in said


def test_a_missing_prerun_is_named(tmp_path: Path):
    stage = write_stage(tmp_path / "s", {"EXPORT_IMAGE": "IMG_SUFFIX=-x"})
    (finding,) = lint(settings(), [stage], "arm64")
    assert "s/prerun.sh is missing" in finding.what


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("systemctl restart ssh", "starts a service"),
        ("cp ../other/x y", "reaches outside its stage"),
        ('source "${BASE_DIR}/config"', "reaches outside its stage"),
        ("losetup -f x.img", "wants disks"),
        ("apt-get install -y foo", "lets apt fetch packages that no lock names"),
        ("curl -L http://x.invalid", "fetches something"),
        ("ssh-keygen -A", "makes host keys"),
    ],
)
def test_lines_of_scripts_that_cannot_work_are_named_with_their_place(tmp_path, line, said):
    told = found(tmp_path, {"0/00-run.sh": f"#!/bin/bash\n# {line}\n{line}\n"})
    assert f"s/0/00-run.sh:3 {said}" in told
    assert told.count("s/0/00-run.sh") == 1


@pytest.mark.parametrize("files", [{"0/00-patches/a": ""}, {"0/00-patches/series": " \n"}])
def test_patches_that_no_series_names_are_named(tmp_path: Path, files):
    assert "none of these patches is applied" in found(tmp_path, files)


def test_export_files_that_say_nothing_or_are_of_another_dialect_are_named(tmp_path: Path):
    assert "s/EXPORT_IMAGE is empty" in found(tmp_path, {"EXPORT_IMAGE": ""})
    assert "bare suffix" in found(tmp_path, {"EXPORT_IMAGE": "-lite\n"})
    assert "bare suffix" not in found(tmp_path, {"EXPORT_IMAGE": "-lite\n"}, "westwork")


def test_packages_that_debian_lacks_are_named_with_what_is_taken(tmp_path: Path):
    said = found(tmp_path, {"0/00-packages": "linux-image-rpi-v8 raspi-config\n"})
    assert "s/0/00-packages: not in Debian, linux-image-rpi-v8: linux-image-arm64 instead" in said
    assert "raspi-config: nothing instead" in said


def test_packages_that_are_to_go_again_or_come_from_elsewhere_are_named(tmp_path: Path):
    files = {"0/00-packages": "nano x -t backports\n", "0/01-packages": "nano-\n"}
    said = found(tmp_path, files)
    assert "s/0/01-packages takes nano away" in said
    assert "s/0/00-packages wants packages of backports" in said


@pytest.mark.parametrize(
    "name", ["WPA_ESSID", "WPA_PASSWORD", "FIRST_USER_PASS", "PUBKEY_SSH_FIRST_USER"]
)
def test_what_belongs_to_a_rig_is_named_without_its_value(tmp_path: Path, name: str):
    said = found(tmp_path, {}, **{name: "geheimnis"})
    assert f"{name} is not built into the image" in said
    assert "geheimnis" not in said


def test_a_variable_that_nothing_reads_is_named(tmp_path: Path):
    assert "HOSTNAEM is no variable of pi-gen" in found(tmp_path, {}, HOSTNAEM="x")


def test_a_skipped_stage_in_the_middle_and_one_name_twice_are_named(tmp_path: Path):
    stages = [
        write_stage(tmp_path / "a", {**FINE, "SKIP": ""}),
        write_stage(tmp_path / "b", FINE),
        write_stage(tmp_path / "c/b", FINE),
    ]
    said = "\n".join(map(str, lint(settings(), stages, "arm64")))
    assert "a is skipped, and b copies the stage before it" in said
    assert "Two stages are called b" in said
