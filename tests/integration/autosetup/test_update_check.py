"""`autosetup update --check` on a real agent: what there is, from whom; nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.launching import NEWER
from tests.integration.autosetup.releases import serving
from tests.integration.autosetup.updating import NEXT, Rig, make_rig, motd, run
from tests.unit.autosetup.sample_payloads import GENERATION

NEWS, FAILED = 100, 1


@pytest.fixture(scope="module")
def rig(ground: Path) -> Iterator[Rig]:
    (ground / "check").mkdir()
    (ground / "files").mkdir()
    with serving(ground / "files") as server:
        yield make_rig(ground / "check", ground / "files", server)


@pytest.fixture
def node(rig: Rig) -> Iterator[Node]:
    with rig.node() as node:
        yield node


def check(node: Node) -> tuple[int, str]:
    """Exit code, and what was printed, errors too."""
    ended = run(node, "update", "--check")
    return ended.returncode, ended.stdout + ended.stderr


def test_nothing_is_there_for_this_card(rig: Rig, node: Node) -> None:
    code, told = check(node)
    assert code == 0
    assert rig.server.address.rstrip("/") in told
    assert "nothing new" in told


def test_a_release_is_told_and_nothing_is_changed(rig: Rig, node: Node) -> None:
    rig.release_agent()
    code, told = check(node)
    assert code == NEWS
    assert f"Generation {NEXT} is there for it: 1 file, 1 kB to fetch" in told
    assert f"autosetup_{NEWER}_all.deb" in told
    assert motd(node) == "first\n"
    assert node.status.generation == GENERATION
    facts = json.loads(run(node, "update", "--check", "--json").stdout)
    assert (facts["generation"], facts["offered"], facts["newer"]) == (GENERATION, NEXT, True)
    assert facts["bytes"] > 0
    rig.release(paused=True)
    assert "paused" in check(node)[1]
    rig.release(withdrawn=(GENERATION,))
    assert "withdrawn" in check(node)[1]


def test_what_an_update_knows_and_fetches_meanwhile_is_left_alone(rig: Rig, node: Node) -> None:
    rig.release()
    run(node, "update")
    known = node.upper / "var/lib/autosetup/update"
    (known / "targets" / f"{64 * 'a'}.part").write_bytes(b"half of it")
    before = content(known)
    assert any(name.startswith("metadata/") for name in before)
    (metadata,) = (known / "metadata").iterdir()
    (metadata / "replaced.json").symlink_to("gone")  # listed, and away before it is read
    rig.release(rig.payload(NEXT + 1))
    assert check(node)[0] == NEWS
    assert content(known) == before


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_node_that_cannot_look_says_why(node: Node) -> None:
    (node.upper / "etc/autosetup/update/root.json").unlink()
    code, told = check(node)
    assert code == FAILED
    assert "knows no root" in told


def test_without_python3_tuf_the_node_says_so(node: Node) -> None:
    ended = node.execute("env", "LIBRARIES=", "/usr/bin/autosetup", "update", "--check")
    assert ended.returncode == FAILED
    assert "python3-tuf" in ended.stderr
    assert "Traceback" not in ended.stderr
