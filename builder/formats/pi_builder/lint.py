"""What in parts and config will not do what its author thinks, found before anything is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from builder.formats.pi_builder.compile import Source
from builder.formats.pi_builder.parse import Instruction
from builder.formats.pi_builder.variables import is_secret, known_variables
from builder.formats.scripts import APT, FETCHES, TRAPS, Trap
from builder.lint.finding import Finding

_ARCH = Trap(
    r"\b(?:pacman(?:-key)?|pkg-install|mkinitcpio)\s",
    "calls a program of Arch Linux",
    'It needs from = "rootfs:FILE" with a tree of Arch Linux ARM.',
)
_NEEDS_NETWORK = (APT, FETCHES)
_NAMED = 4


def lint(source: Source, config: Mapping[str, str]) -> tuple[Finding, ...]:
    """All findings: of the config, of arguments, and of lines, each kind with its places.

    Args:
        config: the variables that config files set.
    """
    instructions = [each for _, part in source.parts() for each in part]
    allowed = _NEEDS_NETWORK if source.network else ()
    traps = (each for each in (*TRAPS, _ARCH) if each not in allowed)
    return (
        *_about_config(config),
        *_about_site(source),
        *_about_arguments(source, instructions),
        *(found for trap in traps for found in _about(instructions, trap)),
    )


def _about_config(config: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(config):
        if name not in known_variables():
            yield Finding(
                f"{name} is no variable of pi-builder; no part sees it.",
                "Give it in `args` of the recipe if a part is to; or correct its name.",
            )


def _about_site(source: Source) -> Iterator[Finding]:
    if source.settings.personal:
        yield Finding(
            "ROOT_PASSWD is not built into the image.",
            "`flasher build-base --site NAME` keeps it in a new site, for its first user.",
        )


def _about_arguments(source: Source, instructions: Sequence[Instruction]) -> Iterator[Finding]:
    asked = (each.rest.split() for each in instructions if each.word == "ARG")
    declared = {word.partition("=")[0] for words in asked for word in words}
    for name in source.settings.arguments:
        if name not in declared and name not in known_variables():
            yield Finding(f"No part has an ARG {name}.", "Correct its name, or leave it out.")
    for name in sorted(declared):
        if is_secret(name):
            yield Finding(
                f"{name} is a secret, and empty here.",
                "What is made with it must be made on the node; take these lines out.",
            )


def _about(instructions: Sequence[Instruction], trap: Trap) -> Iterator[Finding]:
    places = [each.place for each in instructions if trap.catches(_text(each))]
    if places:
        more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
        yield Finding(f"{', '.join(places[:_NAMED])}{more}: {trap.what}.", trap.remedy)


def _text(instruction: Instruction) -> str:
    """What an instruction may do: nothing for those that do not change the tree."""
    if instruction.word not in ("ADD", "COPY", "RUN"):
        return ""
    return "\n".join((instruction.rest, *(each.text for each in instruction.heredocs)))
