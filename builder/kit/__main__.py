"""What people get who have no shell: the Debian package, and the offline kit for a USB stick."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from builder.kit.package import installed, package_name, write_package
from builder.kit.stick import make_stick
from builder.kit.wheels import PROJECT, fetch_wheels, update_lock
from flasher.errors import FlasherError
from flasher.images import image_folder
from flasher.process import run


def main() -> int:
    """Make what is asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m builder.kit", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(".kit"), help="folder for both")
    parser.add_argument("--images", type=Path, default=image_folder(), help="of release sets")
    parser.add_argument("--profile", type=Path, action="append", default=[], help="goes along")
    parser.add_argument("--no-stick", action="store_true", help="the package alone")
    parser.add_argument("--update-lock", action="store_true", help="resolve the libraries anew")
    try:
        for made in _make(parser.parse_args()):
            sys.stdout.write(f"{made}\n")
    except FlasherError as error:
        sys.stderr.write(f"kit: {error.message}\n{error.hint}\n")
        return int(error.exit_code)
    return 0


def _make(args: argparse.Namespace) -> Iterator[Path]:
    if args.update_lock:
        update_lock()
    args.out.mkdir(parents=True, exist_ok=True)
    package, epoch = args.out / package_name(), source_date()
    write_package(installed(fetch_wheels(), epoch), package, epoch)
    yield package
    if not args.no_stick:
        yield make_stick(args.out, package, args.images, args.profile)


def source_date() -> int:
    """The time that all files bear: seconds since 1970.

    ``SOURCE_DATE_EPOCH``; without it that of the last commit, or of pyproject.toml where none is.
    """
    if told := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(told)
    if not (PROJECT / ".git").exists():
        return int((PROJECT / "pyproject.toml").stat().st_mtime)
    git = ["git", "-c", "safe.directory=*", "-C", str(PROJECT)]  # under sudo it is another's
    return int(run([*git, "log", "-1", "--format=%ct"]).text)


if __name__ == "__main__":
    sys.exit(main())
