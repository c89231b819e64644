"""The package holds what is the project's, and nothing that merely lies about there."""

from __future__ import annotations

from pathlib import Path

from builder.kit.package import sources
from flasher.process import run


def test_what_the_repository_does_not_have_stays_out_of_the_package(tmp_path: Path) -> None:
    folder = tmp_path / "flasher"
    (folder / "__pycache__").mkdir(parents=True)
    for name in ("tracked.py", "grüße.toml", "notes.secret", "__pycache__/tracked.pyc"):
        (folder / name).write_text(name)
    without = {path.name for path in sources(folder, tmp_path)}
    assert without == {"tracked.py", "grüße.toml", "notes.secret"}
    run(["git", "init", "--quiet", str(tmp_path)])
    run(["git", "-C", str(folder), "add", "tracked.py", "grüße.toml"])
    assert {path.name for path in sources(folder, tmp_path)} == {"tracked.py", "grüße.toml"}
