"""The order of everything, for each dialect."""

from pathlib import Path

import pytest

from builder.formats.pi_gen.plan import Action, Export, Packages, Patches, plan

from .folder import settings, write_stage

COPY = "#!/bin/bash -e\ncopy_previous\n"


def told(actions: tuple[Action, ...]) -> list[str]:
    return [f"{type(each).__name__} {each.place}" for each in actions]


def lists(actions: tuple[Action, ...]) -> list[tuple[str, tuple[str, ...], bool]]:
    found = [each for each in actions if isinstance(each, Packages)]
    return [(each.place.name, each.words, each.recommends) for each in found]


def test_upstream_goes_through_all_kinds_of_a_number_before_the_next(tmp_path: Path):
    names = ("run-chroot.sh", "run.sh", "packages", "packages-nr", "debconf")
    files = {f"00-all/0{number}-{name}": "x\n" for number in (1, 0) for name in names}
    files |= {"00-all/00-patches/series": "a\n", "prerun.sh": COPY, "EXPORT_IMAGE": ""}
    stage = write_stage(tmp_path / "stage7", files)
    assert told(plan(settings(), [stage])) == [
        "Prerun stage7/prerun.sh",
        "Debconf stage7/00-all/00-debconf",
        "Packages stage7/00-all/00-packages-nr",
        "Packages stage7/00-all/00-packages",
        "Patches stage7/00-all/00-patches",
        "HostScript stage7/00-all/00-run.sh",
        "ChrootScript stage7/00-all/00-run-chroot.sh",
        "Debconf stage7/00-all/01-debconf",
        "Packages stage7/00-all/01-packages-nr",
        "Packages stage7/00-all/01-packages",
        "HostScript stage7/00-all/01-run.sh",
        "ChrootScript stage7/00-all/01-run-chroot.sh",
        "Export stage7/EXPORT_IMAGE",
    ]


def test_sub_stages_come_in_the_order_of_a_shell_whatever_their_names(tmp_path: Path):
    stage = write_stage(
        tmp_path / "s", {f"{name}/00-run.sh": "" for name in ("b", "files", "10-x", "9-y", "A")}
    )
    order = [each.place.sub_stage for each in plan(settings(), [stage])]
    assert order == ["10-x", "9-y", "A", "b", "files"]


def test_prerun_and_run_want_the_execute_bit_and_chroot_scripts_do_not(tmp_path: Path):
    names = ("prerun.sh", "0/00-run.sh", "0/00-run-chroot.sh")
    stage = write_stage(tmp_path / "s", dict.fromkeys(names, ""), plain=names)
    assert told(plan(settings(), [stage])) == ["ChrootScript s/0/00-run-chroot.sh"]


def test_other_names_are_ignored(tmp_path: Path):
    names = ("0/run.sh", "0/0-run.sh", "0/00-x/01-run.sh", "0/100-run.sh", "00-run.sh", "0/00-foo")
    stage = write_stage(tmp_path / "s", dict.fromkeys(names, "x"))
    assert plan(settings(), [stage]) == ()


def test_a_skipped_stage_still_exports_unless_its_images_are_skipped(tmp_path: Path):
    run = {"0/00-run.sh": "", "EXPORT_IMAGE": "IMG_SUFFIX=-a\n"}
    stages = [
        write_stage(tmp_path / "a", {**run, "SKIP": ""}),
        write_stage(tmp_path / "b", {**run, "SKIP_IMAGES": ""}),
        write_stage(tmp_path / "c", {**run, "0/SKIP": "", "EXPORT_NOOBS": ""}),
    ]
    actions = plan(settings(), stages)
    assert told(actions) == ["HostScript b/0/00-run.sh", "Export a/EXPORT_IMAGE",
                             "Export c/EXPORT_IMAGE"]  # fmt: skip
    assert [each.noobs for each in actions if isinstance(each, Export)] == [False, True]


def test_the_qcow2_fork_skips_by_whole_words_and_by_no_file(tmp_path: Path):
    run = {"0/00-run.sh": "", "0/SKIP": "", "SKIP": "", "SKIP_IMAGES": "", "EXPORT_IMAGE": ""}
    stages = [write_stage(tmp_path / name, run) for name in ("stage1", "stage11", "stage2")]
    config = settings("qcow2", SKIP_STAGE_LIST="stage1\n stage3", SKIP_IMAGES_LIST="stage11")
    assert told(plan(config, stages)) == [
        "HostScript stage11/0/00-run.sh",
        "HostScript stage2/0/00-run.sh",
        "Export stage1/EXPORT_IMAGE",
        "Export stage2/EXPORT_IMAGE",
    ]


def test_westwork_knows_skip_but_no_skip_images(tmp_path: Path):
    run = {"0/00-run.sh": "", "0/00-run-chroot": "", "0/01-run-chroot.sh": "", "EXPORT_IMAGE": "-x"}
    stages = [
        write_stage(tmp_path / "a", {**run, "SKIP_IMAGES": ""}),
        write_stage(tmp_path / "b", {**run, "SKIP": ""}),
    ]
    assert told(plan(settings("westwork"), stages)) == [
        "HostScript a/0/00-run.sh",
        "ChrootScript a/0/00-run-chroot",
        "Export a/EXPORT_IMAGE",
        "Export b/EXPORT_IMAGE",
    ]


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ({}, "00-packages-sys-raspi-bookworm"),
        ({"RELEASE": "trixie"}, "00-packages-sys-raspi"),
        ({"TARGET_RASPI": "0", "TARGET_ARCH": "amd64"}, "00-packages-sys-debian-bookworm-amd64"),
        ({"TARGET_RASPI": "0", "TARGET_ARCH": "i386"}, "00-packages-sys-debian-bookworm"),
        (
            {"TARGET_RASPI": "0", "TARGET_ARCH": "amd64", "RELEASE": "trixie"},
            "00-packages-sys-debian-amd64",
        ),
        ({"TARGET_RASPI": "0", "RELEASE": "trixie"}, "00-packages-sys-debian"),
    ],
)
def test_the_qcow2_fork_takes_the_most_special_list_of_a_kind_in_place_of_others(
    tmp_path: Path, given, chosen
):
    ends = ("sys-raspi", "sys-raspi-bookworm", "sys-debian", "sys-debian-amd64",
            "sys-debian-bookworm", "sys-debian-bookworm-amd64")  # fmt: skip
    stage = write_stage(tmp_path / "s", {f"0/00-packages-{end}": f"{end}\n" for end in ends})
    config = settings("qcow2", **{"RELEASE": "bookworm", **given})
    words = (chosen.removeprefix("00-packages-"),)
    assert lists(plan(config, [stage])) == [(chosen, words, False)]


@pytest.mark.parametrize(
    ("given", "recommends"),
    [
        ({}, False),
        ({"INSTALL_RECOMMENDS": "1"}, True),
        ({"INSTALL_RECOMMENDS": "1", "REDUCED_FOOTPRINT": "1"}, False),
    ],
)
def test_the_qcow2_fork_installs_system_lists_first_and_recommended_packages_when_asked(
    tmp_path: Path, given, recommends
):
    files = {"0/00-packages": "a", "0/00-packages-buster": "b", "0/00-packages-nr": "c",
             "0/00-packages-sys-raspi": "d"}  # fmt: skip
    stage = write_stage(tmp_path / "s", files)
    assert lists(plan(settings("qcow2", **given), [stage])) == [
        ("00-packages-sys-raspi", ("d",), False),
        ("00-packages-nr", ("c",), False),
        ("00-packages-buster", ("b",), recommends),
    ]


def test_westworks_ni_list_makes_the_other_one_be_installed_twice(tmp_path: Path):
    stage = write_stage(tmp_path / "s", {"0/00-packages": "a b\n", "0/00-packages-ni": "c\n"})
    found = lists(plan(settings("westwork"), [stage]))
    assert found == [("00-packages", ("a", "b"), True)] * 2


def test_a_list_without_words_installs_nothing(tmp_path: Path):
    stage = write_stage(
        tmp_path / "s", {"0/00-packages": "# only\n# remarks\n", "0/01-packages": ""}
    )
    assert plan(settings(), [stage]) == ()


def test_an_author_who_wants_a_shell_among_the_patches_is_noticed(tmp_path: Path):
    stage = write_stage(tmp_path / "s", {"0/00-patches/EDIT": "", "0/01-patches/series": "a"})
    found = plan(settings(), [stage])
    assert [each.edit for each in found if isinstance(each, Patches)] == [True, False]
