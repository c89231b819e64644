"""The files of a release set: one image in all its forms, and what tells about it.

<name>.img                   the raw image, sparse; not where only the packed one is wanted
<name>.img.zst|.img.xz|.zip  the same, compressed
<name>.bmap                  its block map
<name>.packages.tsv          its packages
<name>.spdx.json .cdx.json   its bills of materials
<name>.os_list.json          its entry for Raspberry Pi Imager
<name>.manifest.json         what it was made from, and the digests of all these
<name>.build.log             the words of the build that made it: the one file that differs
SHA256SUMS  SHA256SUMS.sig   of all sets in the folder
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Form = Literal["zst", "xz", "zip"]
FORMS: tuple[Form, ...] = get_args(Form)
_SUFFIXES: dict[Form, str] = {"zst": ".img.zst", "xz": ".img.xz", "zip": ".zip"}


@dataclass(frozen=True, slots=True)
class Release:
    """The files of one image in one folder.

    Attributes:
        form: how the compressed one is compressed.
        packed_only: whether the set has no raw image.
    """

    out: Path
    name: str
    form: Form = "zst"
    packed_only: bool = False

    @property
    def image(self) -> Path:
        """The raw image."""
        return self._path(".img")

    @property
    def compressed(self) -> Path:
        """The image, compressed."""
        return self._path(_SUFFIXES[self.form])

    @property
    def bmap(self) -> Path:
        """The block map."""
        return self._path(".bmap")

    @property
    def packages(self) -> Path:
        """Every package, a line each: name, version, architecture, layer, parted by tabs."""
        return self._path(".packages.tsv")

    @property
    def spdx(self) -> Path:
        """Bill of materials, SPDX 2.3."""
        return self._path(".spdx.json")

    @property
    def cyclonedx(self) -> Path:
        """Bill of materials, CycloneDX 1.6."""
        return self._path(".cdx.json")

    @property
    def os_list(self) -> Path:
        """A list with one image, as Raspberry Pi Imager reads it."""
        return self._path(".os_list.json")

    @property
    def manifest(self) -> Path:
        """What the set was made from; a set with a manifest is whole."""
        return self._path(".manifest.json")

    @property
    def log(self) -> Path:
        """The log of the build that made the set; no part of what is reproducible."""
        return self._path(".build.log")

    @property
    def sums(self) -> Path:
        """Checksums of all sets in the folder, as sha256sum writes them."""
        return self.out / "SHA256SUMS"

    @property
    def signature(self) -> Path:
        """Ed25519 signature (64 bytes) of the checksums."""
        return self.out / "SHA256SUMS.sig"

    @property
    def described(self) -> tuple[Path, ...]:
        """What the manifest speaks of."""
        papers = (self.packages, self.spdx, self.cyclonedx, self.os_list)
        images = (self.compressed,) if self.packed_only else (self.image, self.compressed)
        return (*images, self.bmap, *papers)

    @property
    def summed(self) -> tuple[Path, ...]:
        """What the checksums speak of."""
        return (*self.described, self.manifest)

    @property
    def other_forms(self) -> tuple[Path, ...]:
        """Where a set of the same name but another form would have other images."""
        packed = tuple(self._path(_SUFFIXES[form]) for form in FORMS if form != self.form)
        return (self.image, *packed) if self.packed_only else packed

    def _path(self, suffix: str) -> Path:
        return self.out / f"{self.name}{suffix}"
