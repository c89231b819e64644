"""Debian packages, made by Debian's own program."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_deb(folder: Path, name: str, version: str = "1.0", **fields: str) -> bytes:
    """The bytes of a package that brings one file, ``/usr/share/NAME``, which holds its version."""
    tree = folder / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share").mkdir(parents=True)
    (tree / f"usr/share/{name}").write_text(version)
    values = {"Package": name, "Version": version, "Architecture": "all", "Maintainer": "a <a@b>"}
    values |= {"Description": "for tests"} | fields
    text = "".join(f"{key}: {value}\n" for key, value in values.items())
    (tree / "DEBIAN/control").write_text(text)
    deb = folder / f"{name}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-b", tree, deb], check=True, capture_output=True
    )
    return deb.read_bytes()
