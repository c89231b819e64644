"""The libraries of the package are those that the program asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.kit.wheels import LOCK, PROJECT, check_lock
from flasher.errors import BadInput


def test_the_lock_has_every_library_that_the_program_needs() -> None:
    check_lock(PROJECT / "pyproject.toml", LOCK)


def test_a_lock_that_is_behind_is_told_with_the_remedy(tmp_path: Path) -> None:
    project, lock = tmp_path / "pyproject.toml", tmp_path / "wheels.lock"
    project.write_text(
        '[project]\ndependencies = ["typing_extensions==4.16.0", "rich==15.0.0"]\n'
        "[project.optional-dependencies]\n"
    )
    lock.write_text("typing-extensions==4.16.0 \\\n    --hash=sha256:00\nrich==14.0.0\n")
    with pytest.raises(BadInput, match=r"does not name rich==15\.0\.0") as told:
        check_lock(project, lock)
    assert "--update-lock" in told.value.hint
