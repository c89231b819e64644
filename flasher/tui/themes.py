"""The product's colours, dark and light; both keep text at a contrast that tired eyes can read."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="flasher-dark",
    primary="#4fb3bf",
    secondary="#7a8fa6",
    accent="#f2b84b",
    warning="#f2a33c",
    error="#ef6461",
    success="#6fcf7f",
    foreground="#dfe6ec",
    background="#12171d",
    surface="#1a212a",
    panel="#232d38",
    dark=True,
)

LIGHT = Theme(
    name="flasher-light",
    primary="#0b6e7a",
    secondary="#51657a",
    accent="#9a5b00",
    warning="#9a5b00",
    error="#b3261e",
    success="#1d6f2f",
    foreground="#1b242c",
    background="#f4f6f8",
    surface="#ffffff",
    panel="#e3e9ee",
    dark=False,
)
