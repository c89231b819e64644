"""The step for boot settings, cut short after any of its writes."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path

import pytest

from autosetup.before import Before
from autosetup.payload import Boot
from autosetup.steps import boot
from autosetup.steps.context import Context
from autosetup.system import System
from tests.unit.autosetup.sample_payloads import GENERATION, SECRETS, SETTINGS

CONFIG, CMDLINE = "kernel=vmlinuz\n[pi3]\n", "root=LABEL=rootfs rw\n"
FIRST, SECOND = Boot(("gpu_mem=64",), ("one", "two")), Boot(("gpu_mem=128",), ("two", "three"))


def context(root: Path, wanted: Boot) -> Context:
    settings = dataclasses.replace(SETTINGS, boot=wanted)
    return Context(
        *(System(root), settings, SECRETS, {}, GENERATION, root, set()),
        finish_script=lambda _: None,
        log=lambda _: None,
        before=Before(System(root), root / "before"),
    )


def make_card(root: Path) -> Path:
    folder = root / "boot/firmware"
    folder.mkdir(parents=True)
    (folder / "config.txt").write_text(CONFIG)
    (folder / "cmdline.txt").write_text(CMDLINE)
    return folder


@pytest.mark.parametrize("writes", range(4))
def test_a_power_cut_forgets_no_word_and_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    folder = make_card(tmp_path)
    boot.apply(context(tmp_path, FIRST))
    left = iter(range(writes))
    replace = Path.replace

    def replace_or_end(path: Path, target: Path) -> Path:
        next(left)
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace_or_end)
        with suppress(StopIteration):
            boot.apply(context(tmp_path, SECOND))
    boot.apply(context(tmp_path, SECOND))
    assert boot.check(context(tmp_path, SECOND))
    assert (folder / "cmdline.txt").read_text() == "root=LABEL=rootfs rw two three\n"
    boot.apply(context(tmp_path, Boot()))
    assert (folder / "config.txt").read_text() == CONFIG
    assert (folder / "cmdline.txt").read_text() == CMDLINE


def test_a_word_that_was_there_before_is_never_taken_away(tmp_path: Path) -> None:
    folder = make_card(tmp_path)
    boot.apply(context(tmp_path, Boot((), ("rw", "quiet"))))
    boot.apply(context(tmp_path, Boot()))
    assert (folder / "cmdline.txt").read_text() == CMDLINE


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("lost", ["", "# autosetup ends", "# autosetup begins; words: one two"])
def test_what_people_do_to_the_lines_costs_none_of_theirs(
    tmp_path: Path, line_end: str, lost: str
) -> None:
    folder = make_card(tmp_path)
    boot.apply(context(tmp_path, FIRST))
    edited = (folder / "config.txt").read_text().replace(f"{lost}\n" if lost else "\0", "")
    edited = f"{edited}dtoverlay=mine\n".replace("\n", line_end)
    (folder / "config.txt").write_bytes(b"# f\xfcr uns" + line_end.encode() + edited.encode())
    for wanted in (SECOND, Boot()):
        boot.apply(context(tmp_path, wanted))
        assert boot.check(context(tmp_path, wanted))
        lines = (folder / "config.txt").read_bytes().splitlines()
        assert lines[0] == b"# f\xfcr uns"
        assert b"dtoverlay=mine" in lines
    assert (folder / "cmdline.txt").read_text().startswith("root=LABEL=rootfs rw")


def test_words_are_not_added_to_nothing(tmp_path: Path) -> None:
    (make_card(tmp_path) / "cmdline.txt").write_text("\n")
    (fault,) = boot.problems(context(tmp_path, FIRST))
    assert "cmdline.txt is missing or empty" in fault.what
    assert not list(boot.problems(context(tmp_path, Boot())))
