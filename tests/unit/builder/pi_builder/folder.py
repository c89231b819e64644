"""Stages written for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from builder.formats.pi_builder.compile import Source
from builder.formats.pi_builder.context import open_context
from builder.formats.pi_builder.parse import Instruction, parse
from builder.formats.pi_builder.variables import settle
from builder.steps.script import Script


def write(base: Path, files: Mapping[str, str]) -> Path:
    """Write files below ``stages`` of a folder."""
    for name, text in files.items():
        path = base / "stages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return base


def source(base: Path, *stages: str, architecture: str = "arm64", **arguments: str) -> Source:
    settings = settle({}, arguments, architecture)
    return Source(settings, open_context([base], settings.system), stages)


def one(text: str) -> Instruction:
    """The only instruction of a text."""
    (instruction,) = parse(text, "part")
    return instruction


def scripts(layers: tuple[object, ...]) -> tuple[Script, ...]:
    """The steps of layers."""
    return tuple(each for layer in layers for each in layer.scripts)  # type: ignore[attr-defined]
