"""The update client as theupdateframework's tuf-conformance calls it (its CLIENT-CLI.md).

Only for that suite: ``python -m autosetup.update.conformance``. It is what a node uses, its floor
for the clock included, but for the places, which the suite chooses.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from autosetup.errors import AgentError
from autosetup.time_floor import TimeFloor, keep_floor, read_floor
from autosetup.update.client import ROOT, Client, opened, refused
from autosetup.update.fetch import Fetched
from autosetup.update.web import web_at


def main() -> int:
    """Do what the suite asks for; 0 if all of it was done, else 1."""
    chosen = _parser().parse_args()
    try:
        match chosen.command:
            case "init":
                shutil.copyfile(chosen.root, chosen.metadata_dir / ROOT)
            case "refresh":
                with _client(chosen):
                    pass
            case _:
                _download(chosen)
    except AgentError as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        return 1
    return 0


@contextmanager
def _client(chosen: argparse.Namespace) -> Iterator[Client]:
    """The client, with the newest metadata of the top."""
    folder: Path = chosen.metadata_dir
    now = read_floor(folder).now(time.time())
    anchor = (folder / ROOT).read_bytes()
    with (
        closing(web_at(chosen.metadata_url)) as store,
        opened(folder, anchor, store, now) as client,
    ):
        client.refresh()
        keep_floor(folder, TimeFloor(int(now)))
        yield client


def _download(chosen: argparse.Namespace) -> None:
    """Fetch the targets; the suite wants each under one name, whatever it holds."""
    fetched = Fetched(chosen.metadata_dir / "targets", pause=lambda _: None)
    with _client(chosen) as client, closing(web_at(chosen.target_base_url)) as store:
        for name in chosen.target_name:
            wanted = client.find(name)
            if wanted is None:
                raise refused(f"There is no target {name}.")
            content = fetched.fetch(store, wanted).read_bytes()
            place = chosen.target_dir / quote(name, "")
            if not place.exists() or place.read_bytes() != content:
                place.write_bytes(content)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metadata-dir", type=Path, required=True)
    parser.add_argument("--metadata-url")
    parser.add_argument("--target-name", action="append", default=[])
    parser.add_argument("--target-dir", type=Path)
    parser.add_argument("--target-base-url")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("root", type=Path)
    commands.add_parser("refresh")
    commands.add_parser("download")
    return parser


if __name__ == "__main__":
    sys.exit(main())
