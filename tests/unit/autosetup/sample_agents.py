"""Packages of agents, written by hand as deb(5) and ar(5) have them."""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Mapping

FOLDER = "./usr/lib/python3/dist-packages/autosetup/"
MODULES = {
    "__init__.py": b'"""An agent."""\n\n__version__ = "1.2"\n',
    "__main__.py": b"def main():\n    return 0\n",
    "steps/clock.py": b"NAME = 'clock'\n",
}


def deb(modules: Mapping[str, bytes], version: str) -> bytes:
    """A package, as dpkg-deb packs one."""
    control = f"Package: autosetup\nVersion: {version}\nArchitecture: all\n".encode()
    return in_ar(
        {
            "debian-binary": b"2.0\n",
            "control.tar.xz": lzma.compress(in_tar({}, content={"./control": control})),
            "data.tar.xz": lzma.compress(in_tar(modules)),
        }
    )


def in_tar(
    modules: Mapping[str, bytes], *more: tarfile.TarInfo, content: Mapping[str, bytes] | None = None
) -> bytes:
    """A tar with an agent's modules in their place, and other entries."""
    buffer = io.BytesIO()
    files = {f"{FOLDER}{name}": data for name, data in modules.items()} | dict(content or {})
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for entry in more:
            archive.addfile(entry)
    return buffer.getvalue()


def in_ar(members: Mapping[str, bytes]) -> bytes:
    """An archive of these members."""
    packed = b"!<arch>\n"
    for name, data in members.items():
        packed += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        packed += data + b"\n" * (len(data) % 2)
    return packed
