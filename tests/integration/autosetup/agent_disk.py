"""A newer agent that is put down, wanted, tried and proven, recorded by a disk that forgets."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.disk import DRIVER, Disk, Tree, lay_down
from tests.integration.autosetup.launching import NEWER, agents_on, another, with_launcher
from tests.integration.autosetup.updating import run
from tests.integration.autosetup.upgrades import done_node

# One that proves itself at once: what it would do else is not what is tried here.
_AGENT = {
    "__init__.py": f'__version__ = "{NEWER}"\n'.encode(),
    "__main__.py": b"""
import os, pathlib, sys
def main():
    if "--version" in sys.argv:
        print("autosetup", sys.modules["autosetup"].__version__)
        return 0
    proof = pathlib.Path(os.environ["AUTOSETUP_PROOF"])
    proof.parent.mkdir(exist_ok=True)
    proof.touch()
    return 0
""",
}
_COME = f"""
from pathlib import Path
from autosetup import launcher
from autosetup.agents import Agents
agents = Agents(Path("/var/lib/autosetup-agents"))
agents.put({NEWER!r}, {_AGENT!r})
agents.want({NEWER!r})
sys.argv = ["autosetup", "run"]
sys.exit(launcher.main())
"""


def record_agent(ground: Path) -> Disk:
    """What every cut may leave while a newer agent comes."""
    node = with_launcher(done_node(ground / "done"))
    (ground / "recorded").mkdir()
    recorded = Disk(another(node, ground / "recorded"), driver=_driver())
    assert recorded.record() == 0
    assert agents_on(recorded.node).current() == NEWER
    return recorded


def _driver() -> str:
    start, found, _ = DRIVER.partition("from autosetup.__main__ import main\n")
    assert found
    return start + _COME


def versions_after(tree: Tree, ground: Path) -> tuple[str, str]:
    """The agent after the next start; and after the newer one came again, where it is not there."""
    with tempfile.TemporaryDirectory(dir=ground) as folder:
        node = Node(Path(folder))
        for name in ("upper", "work", "merged"):
            (node.folder / name).mkdir()
        lay_down(tree, node.upper)
        assert run(node, "run").returncode == 0
        first = run(node, "--version").stdout.split()[-1]
        agents = agents_on(node)
        if agents.current() != NEWER:
            agents.put(NEWER, _AGENT)
            agents.want(NEWER)
            assert run(node, "run").returncode == 0
        return first, agents.current() or ""
