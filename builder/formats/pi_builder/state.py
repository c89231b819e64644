"""What instructions leave for those after them: variables, folder, user, shell."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.formats.pi_builder.parse import Instruction
from builder.formats.pi_builder.variables import is_secret, known_variables
from builder.formats.pi_builder.words import WordFault, expand, split
from builder.formats.scripts import names_in, reads_all_variables
from flasher.errors import BadInput

# What docker gives an image that says nothing.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(slots=True)
class State:
    """Changes with each instruction.

    Attributes:
        arguments: build arguments from outside, by name.
        declared: values of the ARGs so far.
        env: values of the ENVs so far.
        asked: names whose value an ARG takes from outside.
        known: arguments that files put into the tree so far name; `all_known` for all.
        user: as USER has it; "" for root.
    """

    arguments: Mapping[str, str]
    declared: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    env: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    all_known: bool = False
    folder: str = "/"
    user: str = ""
    shell: tuple[str, ...] = ("/bin/sh", "-c")

    @property
    def values(self) -> dict[str, str]:
        """What variables stand for: an ENV wins over an ARG."""
        return {**self.declared, **self.env}

    def expand(self, instruction: Instruction, word: str) -> str:
        """A word of an instruction with its variables replaced.

        Raises:
            BadInput: it cannot be read.
        """
        try:
            return expand(word, self.values, instruction.escape)
        except WordFault as fault:
            raise unreadable(instruction, fault) from None

    def words(self, instruction: Instruction) -> tuple[str, ...]:
        """The words of a COPY or ADD, by either form, with variables replaced.

        Blanks part words in quotes, too: only the JSON form can have names with blanks.
        """
        told = instruction.arguments or instruction.rest.split()
        return tuple(self.expand(instruction, word) for word in told)

    def declare(self, instruction: Instruction) -> None:
        """Do an ARG."""
        for word in split(instruction.rest, instruction.escape):
            name, sign, default = word.partition("=")
            if name in self.arguments:
                self.declared[name] = self.arguments[name]
            elif sign:
                self.declared[name] = self._public(instruction, name, default)
                continue
            self.asked.add(name)

    def assign(self, instruction: Instruction) -> None:
        """Do an ENV: ``NAME=VALUE …``, or ``NAME VALUE`` to the end of the line."""
        words = split(instruction.rest, instruction.escape)
        if not words:
            instruction.refuse("ENV names no variable.", "Write ENV NAME=VALUE.")
        if "=" not in words[0]:
            name, _, value = instruction.rest.partition(" ")
            words = (f"{name}={value.strip()}",)
        pairs = [word.partition("=") for word in words]
        new = {name: self._public(instruction, name, value) for name, _, value in pairs}
        self.env |= new

    def _public(self, instruction: Instruction, name: str, word: str) -> str:
        value = self.expand(instruction, word)
        if value and is_secret(name):
            instruction.refuse(
                f"{name} is a secret with a value, which would be the same on every node.",
                "Take the value out; a site gives the nodes' passwords.",
            )
        return value

    def enter(self, instruction: Instruction) -> str:
        """Do a WORKDIR, and give the folder."""
        word = self.expand(instruction, instruction.rest)
        self.folder = posixpath.normpath(posixpath.join(self.folder, word))
        return self.folder

    def learn(self, data: bytes) -> None:
        """Note what a file names that is put into the tree: programs may be among these."""
        if b"\0" not in data:
            self.known |= self._named(data)
            self.all_known = self.all_known or reads_all_variables(data)

    def seen_by(self, command: bytes) -> dict[str, str]:
        """What a RUN sees of all variables.

        Of those that come from outside only what the command names, or a file that was put into the
        tree: so that the rest changes no key. What parts set themselves is seen by all programs;
        pi-builder's own variables count as coming from outside, though they are ENVs.
        """
        if self.all_known or reads_all_variables(command):
            return self.values
        named = self.known | self._named(command)
        return {
            name: value
            for name, value in self.values.items()
            if name in named or not self._is_from_outside(name)
        }

    def _is_from_outside(self, name: str) -> bool:
        own = known_variables().get(name)
        return name in self.asked and (name not in self.env or bool(own and own.argument))

    def _named(self, data: bytes) -> set[str]:
        return names_in(data) & (self.arguments.keys() | known_variables().keys())


def unreadable(instruction: Instruction, fault: WordFault) -> BadInput:
    """The error for a word that cannot be read."""
    hint = "Correct it; docs/pi-builder.md tells which forms are known."
    return BadInput("part-refused", f"{instruction.place}: {fault}", hint)
