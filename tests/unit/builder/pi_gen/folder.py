"""Stage folders and configs written for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from builder.formats.pi_gen.dialect import DIALECTS
from builder.formats.pi_gen.folders import Stage, read_stage
from builder.formats.pi_gen.variables import Settings


def write_stage(folder: Path, files: Mapping[str, str], *, plain: tuple[str, ...] = ()) -> Stage:
    """Write the files of a stage; scripts are executable, except those in `plain`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if name.endswith(".sh") and name not in plain else 0o644)
    return read_stage(folder)


def settings(dialect: str = "upstream", **given: str) -> Settings:
    return Settings(DIALECTS[dialect], given, frozenset())
