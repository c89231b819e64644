"""The files beside a profile, which it installs and runs."""

from __future__ import annotations

import re
from pathlib import Path

from autosetup.strict import Table

LARGEST = 64 << 20


class Sources:
    """Reads the files that a profile names, and keeps which they were.

    Args:
        folder: of the profile; what is outside of it is refused.

    Attributes:
        names: paths relative to the folder, as the profile has them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.names: set[str] = set()

    def read(self, table: Table, name: str, key: str = "source") -> bytes:
        """The bytes of a file; a fault at `key` where there is none, or a larger one."""
        folder = self._folder
        if not name or not (folder / name).resolve().is_relative_to(folder.resolve()):
            table.fault(key, f"{name} is outside the profile's folder.", "Put it beside the TOML.")
            return b""
        self.names.add(name)
        try:
            with (folder / name).open("rb") as file:
                content = file.read(LARGEST + 1)
        except OSError as error:
            table.fault(key, f"{name}: {error.strerror}.", f"Put the file into {folder}.")
            return b""
        if len(content) > LARGEST:
            what = f"{name} is larger than {LARGEST >> 20} MiB."
            table.fault(key, what, "Have the node fetch what is that large.")
            return b""
        return content

    def read_program(self, table: Table, name: str, key: str = "source") -> bytes:
        """The same, with a fault where Linux could not start it."""
        content = self.read(table, name, key)
        if content and not content.startswith(b"#!"):
            table.fault(key, f"{name} does not begin with #!.", "Begin it with #!/bin/sh.")
        if b"\r\n" in content:
            table.fault(key, f"{name} has Windows line ends.", "Save it with Unix line ends (LF).")
        return content


def numbered(number: int, name: str) -> str:
    """A name that tells the order, in place of a number that it has."""
    return f"{number * 10:02}-{re.sub(r'^[0-9]+-', '', Path(name).name)}"
