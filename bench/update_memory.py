"""What updates take of a node's memory: a look, and a release over one of the same size.

    sudo PYTHONPATH=. .venv/bin/python bench/update_memory.py [MB]

One node, as the tests have them: the agent that ships, in namespaces, and a repository that is
served on this computer. Told is the most that `autosetup update` had at once.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.integration.autosetup.releases import serving
from tests.integration.autosetup.updating import NEXT, make_rig, most_memory

MB = 1_000_000


def told(words: str) -> None:
    """A line at once: some take a while."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    """Make a node, and let it look and take."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        files = Path(folder, "files")
        files.mkdir()
        with serving(files) as server:
            rig = make_rig(Path(folder, "rig"), files, server)
            with rig.node() as node:
                told(f"a look, with little in force: {most_memory(node) / MB:.0f} MB")
                rig.release(rig.payload(NEXT, os.urandom(size * MB)))
                told(f"{size} MB taken over little: {most_memory(node) / MB:.0f} MB")
                told(f"a look, with {size} MB in force: {most_memory(node) / MB:.0f} MB")
                rig.release(rig.payload(NEXT + 1, os.urandom(size * MB)))
                told(f"{size} MB taken over {size} MB: {most_memory(node) / MB:.0f} MB")


if __name__ == "__main__":
    main()
