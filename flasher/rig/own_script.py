"""One script that a technician adds to a scanner on this computer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autosetup.payload import Script
from autosetup.strict import pattern
from flasher.errors import BadDocument, BadInput
from flasher.rig.script_check import MAX_BYTES, Examination, examine, mend

LIST = "scripts.toml"  # lies beside the scripts
USUAL_SECONDS, MAX_SECONDS = 600, 86_400
SCRIPT_NAME = pattern(
    rf"(?!(?i:{re.escape(LIST)})\Z)[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,58}}[A-Za-z0-9_-])?",
    "a name of at most 60 letters, digits, ., - and _, without a . at its end",
)


@dataclass(frozen=True, slots=True)
class OwnScript:
    """One script of the technician's.

    Attributes:
        file: its name beside the list; no two differ in case only.
        number: its place in the order, 1 to 99; 0 as long as it has none.
        title: what it does, in the technician's words; may be empty.
        roles, nodes: for whom it is, by name; every node where both are empty.
        timeout_seconds: 1 to 86400.
        enabled: whether it goes onto cards.
        content: its bytes; empty where the file is gone.
    """

    file: str
    content: bytes
    number: int = 0
    title: str = ""
    roles: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    timeout_seconds: int = USUAL_SECONDS
    enabled: bool = True

    @property
    def source(self) -> str:
        """Its path in the payload."""
        return f"scripts/99-{self.number:02}-{self.file}"

    @property
    def on_card(self) -> Script:
        """What the payload says of it."""
        return Script(self.source, self.timeout_seconds)

    def examine(self) -> Examination:
        """Whether Linux would run it."""
        return examine(self.file, self.content)

    def is_for(self, role: str, node: str) -> bool:
        """Whether it goes onto the card of this node of this role."""
        everyone = not (self.roles or self.nodes)
        return self.enabled and (everyone or role in self.roles or node in self.nodes)


def draft_script(name: str, content: bytes, *, mending: bool = False) -> OwnScript:
    """A script for every node, not added anywhere yet.

    Args:
        name: of the file that it comes from; it is kept as far as a card can hold it.
        content: its bytes, see `read_file`.
        mending: whether line ends and the encoding may be mended.

    Raises:
        BadDocument: Linux would not run it.
    """
    content = mend(content) if mending else content
    found = examine(Path(name).name, content)
    if not found.runs:
        raise BadDocument("script", (*found.mendable, *found.faults))
    return OwnScript(plain_name(name), content)


def plain_name(name: str) -> str:
    """A name as a card can hold it, without a number: ``10-warm up.sh`` becomes ``warm-up.sh``."""
    bare = re.sub(r"^[0-9]+-", "", Path(name).name)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", bare).lstrip("._-")[:60].rstrip(".")
    return "script" if SCRIPT_NAME.complain(plain) else plain


def read_file(path: Path) -> bytes:
    """The bytes of a script to be added; no more than one more than a script may have.

    Raises:
        BadInput: ``unreadable-script``.
    """
    try:
        with path.expanduser().open("rb") as handle:
            return handle.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}."
        raise BadInput("unreadable-script", what, "Name the file of a script.") from error


def all_run(scripts: Iterable[OwnScript]) -> bool:
    """Whether Linux would run all of these that go onto cards."""
    return all(script.examine().runs for script in scripts if script.enabled)
