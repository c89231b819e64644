"""What `release` and `rollout` are told of a repository and of its sealed keys."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_repository(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses one of several repositories."""
    parser.add_argument("--repository", default="", help="its name or folder, if there are several")


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Add the options for the sealed keys: where they lie, and what opens them."""
    parser.add_argument("--keys", type=Path, metavar="FOLDER", help="where the sealed keys lie now")
    add_passphrase(parser)


def add_passphrase(parser: argparse.ArgumentParser) -> None:
    """Add the option for the passphrase of the sealed keys; without it, the person is asked."""
    parser.add_argument(
        "--passphrase-fd", type=int, help="file descriptor to read the sealed keys' passphrase from"
    )
