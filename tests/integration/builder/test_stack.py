"""What is told of a stack of trees without mounting it is what the kernel shows."""

import os
from pathlib import Path

import pytest

from builder.sandbox import Plan, overlay, run_inside
from builder.stack import find_in_stack

PATHS = ("kept", "replaced", "gone", "folder/below", "folder/above", "fresh/below", "fresh/above")
LINKED = ("link/below", "file/below", "absent", "folder", "fresh", "link", "file")


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for folder in ("folder", "fresh", "link", "file"):
        (lower / folder).mkdir(parents=True)
        (lower / folder / "below").touch()
    for name in ("kept", "replaced", "gone"):
        (lower / name).touch()
    for folder in ("folder", "fresh"):
        (upper / folder).mkdir(parents=True)
        (upper / folder / "above").touch()
    os.setxattr(upper / "fresh", "user.overlay.opaque", b"y")
    (upper / "replaced").touch()
    (upper / "link").symlink_to("folder/none")
    (upper / "file").touch()
    os.mknod(upper / "gone", 0o020000, 0)
    return upper, lower


@pytest.mark.parametrize("path", [*PATHS, *LINKED])
def test_a_path_is_seen_exactly_where_the_kernel_shows_it(trees, tmp_path, path):
    (tmp_path / "merged").mkdir()
    stacked = overlay("merged", ("upper", "lower"))
    argv = ("sh", "-c", f"stat -c x merged/{path} || true")
    plan = Plan(argv, {"PATH": "/usr/bin:/bin"}, (stacked,), folder=str(tmp_path))
    assert (find_in_stack(trees, path) is not None) == bool(run_inside(plan).text)
