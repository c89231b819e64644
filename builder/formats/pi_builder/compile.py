"""From parts to layers of ours: a step for each RUN, one for the COPYs and ADDs between two."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.formats.pi_builder.context import Context
from builder.formats.pi_builder.copying import Putting
from builder.formats.pi_builder.parse import Instruction, parse
from builder.formats.pi_builder.state import State
from builder.formats.pi_builder.variables import Settings
from builder.recipe import LayerRecipe
from builder.steps.carried import Carried
from builder.steps.script import Script

_INSIDE = Path(__file__).with_name("inside")
_TOOLS = "/flasher"

# What the present layout gives the first part; the old one's __init__ has it itself.
_GIVEN = (
    *("OS", "BOARD", "ARCH", "LOCALE", "TIMEZONE"),
    *("ARCH_DIST_REPO_URL", "ARCH_PIKVM_REPO_URL", "ARCH_PIKVM_REPO_KEY"),
)
# What the old layout replaces in the first part: the tree below, and an emulator in it.
_BASE = re.compile(r"%[A-Z_]+%$|(?:ADD|COPY)\b.*%(?:BASE_ROOTFS_TGZ|QEMU_\w+)%", re.IGNORECASE)
_OF_CONTAINERS = {
    *("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD"),
    *("STOPSIGNAL", "VOLUME"),
}
# What apt is told and tells lies in /run while a RUN has the network.
_EMPTIES_RUN = re.compile(rb"\brm\b[^|;&]*\s/run/\*")
_ROOT = ("", "0", "root", "0:0", "root:root")


@dataclass(frozen=True, slots=True)
class Source:
    """Parts with all that they are built with.

    Attributes:
        stages: names, in order.
        network: RUNs may use the network.
    """

    settings: Settings
    context: Context
    stages: tuple[str, ...]
    network: bool = False

    def parts(self) -> Iterator[tuple[str, tuple[Instruction, ...]]]:
        """Each stage with its instructions.

        Raises:
            BadInput: a part is missing or does not read.
        """
        for number, stage in enumerate(self.stages):
            text, file = self.context.part(stage)
            text = re.sub(r"^\s*%[A-Z_]+%[ \t]*$", "#", text, flags=re.MULTILINE)
            yield stage, parse(text, file, first=self.context.flat and number == 0)


def compile_parts(source: Source) -> tuple[LayerRecipe, ...]:
    """The layers of parts, lowest first.

    Raises:
        BadInput: an instruction cannot be done, with file and line.
    """
    machine = _Machine(source, State(source.settings.arguments))
    if not source.context.flat:
        machine.give(_GIVEN)
    for stage, instructions in source.parts():
        machine.stage(stage, instructions)
    return tuple(machine.layers)


@dataclass(slots=True)
class _Machine:
    """Goes through the instructions and makes steps of them."""

    source: Source
    state: State
    layers: list[LayerRecipe] = field(default_factory=list)
    _putting: Putting | None = None
    _stage: str = ""
    _number: int = 0
    _begun: bool = False

    def give(self, names: Sequence[str]) -> None:
        """What stands before the first part: each of these as ARG and ENV."""
        for name in names:
            self.state.declare(Instruction("", 0, "ARG", name))
            self.state.assign(Instruction("", 0, "ENV", f"{name}=${name}"))

    def stage(self, name: str, instructions: Sequence[Instruction]) -> None:
        """Do a part; what it says of variables, folder, user and shell holds for the next ones."""
        self._stage, self._number = name, 0
        for instruction in instructions:
            self._do(instruction)
        self._finish_putting()

    def _do(self, instruction: Instruction) -> None:
        doing: Mapping[str, Callable[[Instruction], None]] = {
            "FROM": self._from,
            "ARG": self.state.declare,
            "ENV": self.state.assign,
            "RUN": self._run,
            "COPY": self._put,
            "ADD": self._put,
            "WORKDIR": self._enter,
            "USER": self._be,
            "SHELL": self._use_shell,
        }
        if instruction.word in doing:
            doing[instruction.word](instruction)
        elif instruction.word not in _OF_CONTAINERS:
            instruction.refuse(
                f"{instruction.word} is no instruction of a Dockerfile.", "Correct the line."
            )
        self._begun = True

    def _from(self, instruction: Instruction) -> None:
        if self._begun or instruction.rest.lower() != "scratch" or instruction.flags:
            instruction.refuse(
                f"FROM {instruction.rest}: parts stand upon the recipe's lowest layer.",
                'Take the line out, and write from = "oci:FILE" or "rootfs:FILE" in the recipe.',
            )

    def _put(self, instruction: Instruction) -> None:
        if not _BASE.match(f"{instruction.word} {instruction.rest}"):
            self._putter().put(instruction, self.state)

    def _enter(self, instruction: Instruction) -> None:
        self._putter().make_folder(instruction, self.state.enter(instruction))

    def _be(self, instruction: Instruction) -> None:
        user = self.state.expand(instruction, instruction.rest)
        self.state.user = "" if user in _ROOT else user

    def _use_shell(self, instruction: Instruction) -> None:
        if not instruction.arguments:
            instruction.refuse("SHELL needs its JSON form.", 'Write SHELL ["/bin/bash", "-c"].')
        self.state.shell = instruction.arguments or self.state.shell

    def _putter(self) -> Putting:
        self._putting = self._putting or Putting(self.source.context)
        return self._putting

    def _finish_putting(self) -> None:
        if self._putting:
            name = self._name()
            self._add(name, self._putting.step(name))
            self._putting = None

    def _run(self, instruction: Instruction) -> None:
        self._finish_putting()
        command, files = _command(instruction, self.state.shell)
        text = b"\n".join((*(word.encode() for word in command), *(each.data for each in files)))
        env = self.state.seen_by(text)
        if b"systemctl" in text:
            env["PATH"] = f"{_TOOLS}:{self.state.values['PATH']}"
            files = (*files, _tool("systemctl", 0o755))
        if self.state.user:
            command = ("/bin/sh", f"{_TOOLS}/as_user.sh", self.state.user, *command)
            files = (*files, _tool("as_user.sh", 0o755))
        allowed = self.source.network and not _EMPTIES_RUN.search(text)
        name = self._name()
        script = Script(
            name=name,
            epoch=0,
            argv=command,
            env=dict(sorted(env.items())),
            cwd=self.state.folder,
            files=files,
            network=_network(instruction, allowed=allowed),
            keeps_tmp=True,
            origin=instruction.place,
        )
        self._add(name, script)

    def _name(self) -> str:
        self._number += 1
        return f"{self._stage}-{self._number:02}"

    def _add(self, name: str, script: Script) -> None:
        self.layers.append(LayerRecipe(name, scripts=(script,)))


def _tool(name: str, mode: int) -> Carried:
    return Carried(_TOOLS, name, mode, data=(_INSIDE / name).read_bytes())


def _command(
    instruction: Instruction, shell: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[Carried, ...]]:
    """What a RUN starts, and the file that it reads where it is a script of its own."""
    if not instruction.rest:
        instruction.refuse("RUN names no command.", "Write one, or take the line out.")
    alone = instruction.heredocs[0] if len(instruction.heredocs) == 1 else None
    if alone and alone.word == instruction.rest:
        if alone.text.startswith("#!"):
            script = Carried(_TOOLS, "run", 0o755, data=alone.text.encode())
            return (f"{_TOOLS}/run",), (script,)
        return (*shell, alone.text), ()
    if not instruction.heredocs and instruction.arguments:
        return instruction.arguments, ()
    below = "".join(f"\n{each.text}{each.closing}" for each in instruction.heredocs)
    return (*shell, instruction.rest + below), ()


def _network(instruction: Instruction, *, allowed: bool) -> bool:
    """Whether a RUN may use the network."""
    for flag in instruction.flags:
        name, _, value = flag.partition("=")
        if name != "--network":
            instruction.refuse(
                f"RUN {flag} is not known here.",
                "COPY what the command needs, and remove it in the same RUN.",
            )
        allowed = allowed and value != "none"
    return allowed
