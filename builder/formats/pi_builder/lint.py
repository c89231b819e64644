"""What in parts and config will not do what its author thinks, found before anything is built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from builder.formats.pi_builder.compile import Source
from builder.formats.pi_builder.parse import Instruction
from builder.formats.pi_builder.variables import is_secret, known_variables
from builder.lint.finding import Finding

_FETCHES = (
    (
        r"\bapt(?:-get)?\s+(?:-\S+\s+)*(?:install|update|dist-upgrade|full-upgrade|upgrade)\b",
        "apt fetches packages that no lock names",
        "Give them to a layer with `packages`; or allow this one the network.",
    ),
    (
        r"\b(?:wget|curl|git\s+clone|pip3?\s+install|npm\s+(?:i|install))\s+[^\\]",
        "something is fetched while the image is made",
        "Allow the layer the network, or keep the file in the stage: what it gets can change.",
    ),
)
_LINES = (
    (
        r"\b(?:pacman(?:-key)?|pkg-install|mkinitcpio)\s",
        "a program of Arch Linux is called",
        'It needs from = "rootfs:FILE" with a tree of Arch Linux ARM.',
    ),
    (
        r"\bssh-keygen\b.*(?:-A|ssh_host)",
        "host keys are made that all nodes would share",
        "They are taken out again, as each node makes its own; leave the stage out.",
    ),
    (
        r"\bchpasswd\b|\bpasswd\s+(?!-[ldS])\S|\b(?:kvmd-)?htpasswd\b",
        "a password is set that all nodes would share",
        "Those of the image's users are taken out again: a site gives the nodes theirs.",
    ),
    (
        r"authorized_keys",
        "somebody's key gets the right to enter every node",
        "It is taken out again: a site has the keys that open its nodes.",
    ),
    (
        r"systemctl\s+(?:re)?start\b|service\s+\S+\s+(?:re)?start\b",
        "a service is started; none runs while an image is made",
        "Enable it (systemctl enable): it starts on the node.",
    ),
    (
        r"\b(?:losetup|kpartx|parted|mkfs\.\w+|mkdosfs)\b",
        "disks or loop devices are wanted, which a build has not",
        "Leave disks to Flasher: it makes partitions and file systems after the last layer.",
    ),
    (
        r"/boot\b[^|]*/(?:config|cmdline)\.txt",
        "a file is changed that Debian's updates of kernels write anew",
        "Upon plain Debian, give the lines to [layer.boot]; Raspberry Pi OS keeps the file.",
    ),
)
_NAMED = 4


def lint(source: Source, config: Mapping[str, str]) -> tuple[Finding, ...]:
    """All findings: of the config, of arguments, and of lines, each kind with its places.

    Args:
        config: the variables that config files set.
    """
    instructions = [each for _, part in source.parts() for each in part]
    kinds = _LINES if source.network else (*_FETCHES, *_LINES)
    return (
        *_about_config(config),
        *_about_site(source),
        *_about_arguments(source, instructions),
        *(found for kind in kinds for found in _about(instructions, *kind)),
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


def _about(
    instructions: Sequence[Instruction], regex: str, what: str, remedy: str
) -> Iterator[Finding]:
    places = [each.place for each in instructions if re.search(regex, _text(each))]
    if places:
        more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
        yield Finding(f"{', '.join(places[:_NAMED])}{more}: {what}.", remedy)


def _text(instruction: Instruction) -> str:
    """What an instruction may do: nothing for those that do not change the tree."""
    if instruction.word not in ("ADD", "COPY", "RUN"):
        return ""
    return "\n".join((instruction.rest, *(each.text for each in instruction.heredocs)))
