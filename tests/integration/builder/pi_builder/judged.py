"""What the tests and their judge share. The judge is buildah; what it made is in expected.json."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.builder.pi_gen.judged import make_tree

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.json"

# In this order; __init__ is left out for the judge, whose base stands in the Dockerfile itself.
STAGES = ("copies", "runs", "__cleanup__")
ARGUMENTS = {
    "OS": "rpios",
    "BOARD": "rpi4",
    "ARCH": "x86_64",
    "LOCALE": "en_US",
    "TIMEZONE": "UTC",
    "PLATFORM": "v2",
}


def make_bottom(root: Path) -> None:
    """A small tree with users, in which the programs of RUNs run."""
    make_tree(root, ("id", "setpriv"))
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:\n")
    (root / "etc/group").write_text("root:x:0:\nada:x:1000:\nvideo:x:44:ada\n")
    (root / "tmp").chmod(0o1777)
    (root / "usr/local/bin").mkdir(parents=True)


def load() -> tuple[str, ...]:
    """What the judge made: lines as `tests.integration.builder.pi_gen.judged.changes` has them."""
    return tuple(json.loads(EXPECTED.read_text(encoding="utf-8")))
