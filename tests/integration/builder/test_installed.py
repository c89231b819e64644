"""What a tree holds is compared with its lock, by dpkg's own word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.layers import Layer
from builder.lock import LockedGroup, LockedPackage
from builder.steps.installed import auto_installed, require_exactly

BASH = LockedPackage("bash", "5.2-1", "arm64", "bash", "5.2-1", "", 1, "")
TZDATA = LockedPackage("tzdata", "1:2026", "all", "tzdata", "1:2026", "", 1, "")
STATUS = """\
Package: bash
Status: install ok installed
Maintainer: Nobody <nobody@example.org>
Architecture: arm64
Version: 5.2-1
Description: a shell

Package: tzdata
Status: install ok {state}
Maintainer: Nobody <nobody@example.org>
Architecture: all
Version: 1:2026
Description: time zones
"""

Grow = Callable[[Path], None]


@pytest.fixture
def bench_with(
    add_layer: Callable[[str, Grow], Layer], bench_of: Callable[..., Bench]
) -> Callable[[str], Bench]:
    def make(state: str) -> Bench:
        def grow(tree: Path) -> None:
            (tree / "var/lib/dpkg").mkdir(parents=True)
            (tree / "var/lib/dpkg/status").write_text(STATUS.format(state=state))

        return bench_of(add_layer("system", grow))

    return make


def test_a_tree_of_exactly_the_locked_packages_is_good(bench_with: Callable[[str], Bench]):
    require_exactly(bench_with("installed"), (BASH, TZDATA))


@pytest.mark.parametrize(
    ("locked", "state", "told"),
    [
        ((BASH,), "installed", "  tzdata 1:2026 all installed (in the tree)"),
        ((BASH, TZDATA), "unpacked", "  tzdata 1:2026 all unpacked (in the tree)"),
        ((replace(BASH, version="6"), TZDATA), "installed", "  bash 6 arm64 installed (locked)"),
    ],
)
def test_any_difference_is_named(
    bench_with: Callable[[str], Bench], locked: tuple[LockedPackage, ...], state: str, told: str
):
    with pytest.raises(StepFailed) as failed:
        require_exactly(bench_with(state), locked)
    assert failed.value.code == "packages-differ"
    assert told in failed.value.message.splitlines()


def test_apt_may_remove_only_what_nobody_asked_for():
    group = LockedGroup("system", 0, ("bash",), (BASH, TZDATA))
    text = b"Package: tzdata\nArchitecture: all\nAuto-Installed: 1\n"
    assert auto_installed((group,)).data == text
