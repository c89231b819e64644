"""Boot partitions held in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flasher.rehearsal.config_txt import BootFiles

MakeFiles = Callable[..., BootFiles]


class Files:
    """Boot files by path; cases do not count, as on FAT."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = {path.lower(): data for path, data in files.items()}

    def exists(self, path: str, /) -> bool:
        return path.lower() in self._files

    def read(self, path: str, /) -> bytes:
        return self._files[path.lower()]


@pytest.fixture
def make_files() -> MakeFiles:
    """Makes a boot partition from a config.txt, the names of other files, and files with text."""

    def make(config: str | bytes | None = None, *names: str, **texts: str) -> BootFiles:
        files = dict.fromkeys(names, b"")
        files |= {name.replace("__", "."): text.encode() for name, text in texts.items()}
        if config is not None:
            files["config.txt"] = config.encode() if isinstance(config, str) else config
        return Files(files)

    return make
