"""Which files of a card are a system's, and which somebody would miss."""

from __future__ import annotations

import pytest

from flasher.drives.boot_files import is_systems


@pytest.mark.parametrize(
    "path",
    [
        "autosetup/scripts/10-camera.py",
        "bcm2712-rpi-5-b.dtb",
        "cmdline.txt",
        "fixup4cd.dat",
        "initrd.img-6.12.117+deb13-arm64",
        "kernel_2712.img",
        "overlays/README.md",
        "overlays/vc4-kms-v3d.dtbo",
        "System Volume Information/IndexerVolumeGuid",
        ".fseventsd/fseventsd-uuid",
        "._config.txt",
    ],
)
def test_what_the_system_puts_on_a_card_of_ours_is_nobodys(path: str) -> None:
    assert is_systems(path)


@pytest.mark.parametrize(
    "path",
    [
        "DCIM/100CANON/IMG_1.JPG",
        "WEDDING.JPG",
        "notes.txt",
        "overlays/WEDDING.JPG",
        "kernels/thesis.doc",
        ".Trashes/501/thesis.doc",
        "$RECYCLE.BIN/desktop.ini",
    ],
)
def test_all_other_files_on_a_card_of_ours_are_somebodys(path: str) -> None:
    assert not is_systems(path)
