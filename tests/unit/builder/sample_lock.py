"""A lock of two packages."""

from __future__ import annotations

from dataclasses import replace

from builder.lock import Lock, LockedGroup, LockedPackage

BASH = LockedPackage(
    name="bash",
    version="5.2.37-2",
    architecture="arm64",
    source="bash",
    source_version="5.2.37-2",
    uri="http://deb.debian.org/debian/pool/main/b/bash/bash_5.2.37-2_arm64.deb",
    size=1_500_000,
    sha256="ab" * 32,
    section="shells",
    description='GNU "Bourne Again" SHell · ü',
)
EMPTY = LockedGroup("twins", 0, (), ())
LOCK = Lock(
    suite="trixie",
    architecture="arm64",
    sources="deb http://deb.debian.org/debian trixie main\n",
    layers=(LockedGroup("debian", 1_700_000_000, ("udev",), (BASH, replace(BASH, name="zsh"))),),
    native_architecture="amd64",
    twins=EMPTY,
    tools=replace(EMPTY, name="tools"),
)
