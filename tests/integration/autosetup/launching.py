"""A node whose `/usr/bin/autosetup` is the launcher, as the layer of the agent makes it."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import autosetup
from autosetup.agents import Agents, agents_of
from autosetup.system import System
from tests.integration.autosetup.conftest import Node

NEWER = "9.1"
_PACKAGE = Path(autosetup.__file__).parent
_PARTS = ("steps", "imports", "update")
# The time after which a silent agent is given up, and the moment of a cut, are the test's to say.
_LAUNCHER = f"""#!{sys.executable} -ISB
import os, signal, sys
sys.path = ["/mnt", *sys.path, *filter(None, [os.environ.get("LIBRARIES")])]
left = int(os.environ.get("CUT_AT", "0"))
def watch(event, _):
    global left
    if event in ("os.rename", "os.remove", "subprocess.Popen"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
os.sync = lambda: None
from autosetup import launcher
launcher.SILENT_SECONDS = float(os.environ.get("SILENT_SECONDS", "60"))
sys.exit(launcher.main())
"""


def with_launcher(node: Node) -> Node:
    """The node, with its launcher in place."""
    place = node.upper / "usr/bin/autosetup"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(_LAUNCHER)
    place.chmod(0o755)
    return node


def another(node: Node, folder: Path) -> Node:
    """The same node once more, in an empty folder."""
    for name in ("work", "merged"):
        (folder / name).mkdir()
    # Not shutil: what is removed in a layer is a character device.
    for name in ("upper", "data"):
        if (node.folder / name).is_dir():
            argv = ["cp", "-a", str(node.folder / name), str(folder / name)]
            subprocess.run(argv, check=True)
    return dataclasses.replace(node, folder=folder)


def agents_on(node: Node) -> Agents:
    """The agents that the node has beside the image's own."""
    return agents_of(System(node.upper))


def agent(version: str = NEWER, **changed: str) -> dict[str, bytes]:
    """The modules of the real agent as another version; `changed` ones by their names."""
    paths = [
        *_PACKAGE.glob("*.py"),
        *(p for part in _PARTS for p in (_PACKAGE / part).glob("*.py")),
    ]
    files = {str(path.relative_to(_PACKAGE)): path.read_bytes() for path in paths}
    own = files["__init__.py"].decode()
    new = re.sub('__version__ = ".*"', f'__version__ = "{version}"', own)
    files["__init__.py"] = new.encode()
    return files | {f"{name}.py": text.encode() for name, text in changed.items()}
