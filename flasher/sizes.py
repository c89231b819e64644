"""Sizes as people type them."""

from __future__ import annotations

import argparse
import re

_FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_LARGEST = 2 << 40
_FORM = re.compile(r"(\d+)\s*([KMGT]?)(i?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes for ``8G``, ``512M``, ``4096``: powers of two, as drives are cut; up to 2T.

    Raises:
        argparse.ArgumentTypeError: it is none of these.
    """
    found = _FORM.fullmatch(text.strip())
    size = int(found[1]) * _FACTORS[found[2].upper()] if found else 0
    if not 0 < size <= _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no size of a card; type one such as 8G")
    return size
