"""FAT images made by mkfs.fat and filled by mtools, once a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.process import run

# As small as the kinds get, and nearly full: (image, file that fills it) in bytes.
SIZES = {"FAT16": (3 << 20, 0), "FAT32": (36 << 20, 32 << 20)}


@pytest.fixture(scope="session", params=sorted(SIZES))
def fat_image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FAT image in which mtools put ``cmdline.txt``, a long name and a folder; not to change."""
    kind: str = request.param
    folder = tmp_path_factory.mktemp(kind)
    image = folder / "fat.img"
    size, ballast = SIZES[kind]
    with image.open("wb") as handle:
        handle.truncate(size)
    run(["mkfs.fat", "-F", kind[3:], "-s", "1", "-n", "BOOTFS", str(image)])
    sources = [folder / "cmdline.txt", folder / "A long name, with spaces.text"]
    for source in sources:
        source.write_text(f"{source.name} as mtools wrote it\n")
    sources.append(folder / "ballast.bin")
    sources[-1].write_bytes(bytes(ballast))
    run(["mcopy", "-i", str(image), *map(str, sources), "::/"])
    run(["mmd", "-i", str(image), "::/overlays"])
    image.chmod(0o444)
    return image
