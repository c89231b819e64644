"""Trees of software as tars, sound and crooked."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping


def tree(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A tar of files, those that begin with ``#!`` to be run, and of links by their targets."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755 if data.startswith(b"#!") else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
