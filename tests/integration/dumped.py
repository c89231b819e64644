"""What dumpe2fs says of a partition in an image."""

from __future__ import annotations

from pathlib import Path

from flasher.process import run


def dumped(image: Path, offset: int, *options: str) -> str:
    """Its words; of a copy, for newer ones take no ``?offset=``.

    Args:
        offset: bytes where the partition begins.
    """
    copy = image.with_name(f"{image.name}.partition")
    where = ("iflag=skip_bytes", f"skip={offset}", "bs=1M", "conv=sparse", "status=none")
    try:
        run(["dd", f"if={image}", f"of={copy}", *where])
        return run(["dumpe2fs", *options, str(copy)]).text
    finally:
        copy.unlink()
