"""An image in a .zip archive, as many vendors hand them out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO
from zipfile import ZipFile, ZipInfo

from flasher.errors import BadInput

_HINT = "Unpack it and name the .img file."


@contextmanager
def open_zipped(packed: BinaryIO) -> Iterator[IO[bytes]]:
    """The bytes of the one ``.img`` in an archive; what else lies in it is passed over.

    Raises:
        BadInput: there is none, or several, or it is locked or packed in an uncommon way.
        BadZipFile: it is damaged; at the last byte, if that is where it shows.
    """
    with ZipFile(packed) as archive:
        member = _the_image(archive)
        try:
            stream = archive.open(member)
        except RuntimeError as error:  # a password, or a method of compression that is not known
            what = f"{member.filename} cannot be read from the .zip: {error}."
            raise BadInput("zip-unreadable", what, _HINT) from None
        with stream:
            yield stream


def unpacked_size(packed: BinaryIO) -> int:
    """Bytes of the one ``.img`` in an archive, as it announces them; raises as `open_zipped`."""
    with ZipFile(packed) as archive:
        return _the_image(archive).file_size


def _the_image(archive: ZipFile) -> ZipInfo:
    images = [each for each in archive.infolist() if each.filename.lower().endswith(".img")]
    if len(images) != 1:
        what = f"The .zip holds {len(images) or 'no'} images, one is needed."
        raise BadInput("zip-without-image", what, _HINT)
    return images[0]
