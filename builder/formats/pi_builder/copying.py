"""COPY, ADD and WORKDIR: orders for `inside/put.py`, and the files that it finds."""

from __future__ import annotations

import json
import posixpath
import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.formats.pi_builder.context import Context
from builder.formats.pi_builder.parse import Heredoc, Instruction
from builder.formats.pi_builder.state import State, unreadable
from builder.formats.pi_builder.words import WordFault, expand_text
from builder.steps.carried import Carried, carry_file
from builder.steps.script import Script

_INSIDE = Path(__file__).with_name("inside")
_TOOL, _CONTEXT = "/flasher", "/context"
_ADDRESS = re.compile(r"(?:https?|ftp|git|ssh)://|git@")
_ZSTD = b"\x28\xb5\x2f\xfd"
_READ_LIMIT = 1 << 20
_REFUSED = {
    "--from": "there is one image only, and no other to copy from.",
    "--checksum": "only addresses have one, and these are refused.",
}


@dataclass(slots=True)
class Putting:
    """Orders one after the other, to be done in one step."""

    context: Context
    orders: list[dict[str, object]] = field(default_factory=list)
    files: list[Carried] = field(default_factory=list)
    origin: str = ""
    _count: int = 0

    def make_folder(self, instruction: Instruction, path: str) -> None:
        """See that a folder is there."""
        self.origin = self.origin or instruction.place
        self.orders.append({"folder": path})

    def put(self, instruction: Instruction, state: State) -> None:
        """Do a COPY or ADD.

        Raises:
            BadInput: a source is missing, or the instruction cannot be done.
        """
        self.origin = self.origin or instruction.place
        owner, mode = _flags(instruction, state)
        *sources, target = state.words(instruction) or ("",)
        if not sources:
            instruction.refuse(
                f"{instruction.word} needs a source and a target.", "Write COPY SOURCE TARGET."
            )
        written = sources if instruction.arguments else instruction.rest.split()[:-1]
        pairs = zip(written, sources, strict=True)
        items = [item for pair in pairs for item in self._items(instruction, *pair, state)]
        into = target.endswith("/") or posixpath.basename(target) in (".", "..", "")
        if len(items) > 1 and not into:
            instruction.refuse(
                f"Several files cannot all become {target}.", f"Write {target}/ for a folder."
            )
        to = posixpath.normpath(posixpath.join(state.folder, target))
        self.orders.append({"to": to, "into": into, "owner": owner, "mode": mode, "items": items})

    def _items(
        self, instruction: Instruction, written: str, source: str, state: State
    ) -> list[tuple[str, str, str]]:
        """What one source comes to; a heredoc is known by its word as it is written."""
        heredoc = next((each for each in instruction.heredocs if each.word == written), None)
        if heredoc:
            return [self._heredoc(instruction, heredoc, state)]
        found = self._found(instruction, source)
        return [self._item(instruction, path, state) for path in found]

    def _found(self, instruction: Instruction, source: str) -> Sequence[str]:
        if _ADDRESS.match(source):
            instruction.refuse(
                f"{source} is an address; what is there can change.",
                "Keep the file in the stage, or fetch it in a RUN with `network = true`.",
            )
        found = self.context.match(source)
        if not found:
            instruction.refuse(f"There is no {source} in the stages.", "Correct the name.")
        return found

    def _item(self, instruction: Instruction, path: str, state: State) -> tuple[str, str, str]:
        at = self._next()
        name = posixpath.basename(path)
        if self.context.is_folder(path):
            self._take(self.context.carry(path, f"{_CONTEXT}/{at}", "folder"), state)
            return "folder", f"{at}/folder", name
        source = self.context.source(path)
        self._take((carry_file(f"{_CONTEXT}/{at}", name, source),), state)
        packed = instruction.word == "ADD" and _is_archive(instruction, source)
        return "archive" if packed else "file", f"{at}/{name}", name

    def _heredoc(
        self, instruction: Instruction, heredoc: Heredoc, state: State
    ) -> tuple[str, str, str]:
        text = heredoc.text
        if heredoc.expands:
            try:
                text = expand_text(text, state.values)
            except WordFault as fault:
                raise unreadable(instruction, fault) from None
        at = self._next()
        self._take((Carried(f"{_CONTEXT}/{at}", heredoc.closing, data=text.encode()),), state)
        return "file", f"{at}/{heredoc.closing}", heredoc.closing

    def _next(self) -> str:
        self._count += 1
        return str(self._count)

    def _take(self, files: Sequence[Carried], state: State) -> None:
        self.files += files
        for each in files:
            if each.source is None:
                state.learn(each.data)
            elif each.source.stat().st_size <= _READ_LIMIT:
                state.learn(each.source.read_bytes())

    def step(self, name: str) -> Script:
        """The step that does it all."""
        return Script(
            name=name,
            epoch=0,
            argv=("python3", "-I", "-S", f"{_TOOL}/put.py"),
            place="host",
            stdin=json.dumps(self.orders).encode(),
            files=(*self.files, carry_file(_TOOL, "put.py", _INSIDE / "put.py")),
            origin=self.origin,
        )


def _flags(instruction: Instruction, state: State) -> tuple[str, int | None]:
    """Owner and mode."""
    owner, mode = "", None
    for flag in instruction.flags:
        name, _, word = flag.partition("=")
        value = state.expand(instruction, word)
        if name == "--chown":
            owner = value
        elif name == "--chmod" and re.fullmatch(r"[0-7]{3,4}", value):
            mode = int(value, 8)
        elif name != "--link":
            why = _REFUSED.get(name, "this flag, or its value, is not known here.")
            instruction.refuse(f"{flag}: {why}", "Do it in a RUN, or keep the file in the stage.")
    return owner, mode


def _is_archive(instruction: Instruction, source: Path) -> bool:
    with source.open("rb") as stream:
        if stream.read(len(_ZSTD)) == _ZSTD:
            what = f"{source.name} is packed with zstd."
            instruction.refuse(what, "Pack it with xz or gzip, or COPY and unpack it in a RUN.")
    return tarfile.is_tarfile(source)
