"""Sizes as people type them."""

from __future__ import annotations

import argparse
import re

_FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_FORM = re.compile(r"(\d+)\s*([KMGT]?)(i?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes for ``8G``, ``512M``, ``4096``: powers of two, as drives are cut.

    Raises:
        argparse.ArgumentTypeError: it is none of these.
    """
    found = _FORM.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; type one such as 8G")
    return int(found[1]) * _FACTORS[found[2].upper()]
