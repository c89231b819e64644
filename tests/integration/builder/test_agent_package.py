"""The agent's Debian packages: read by the node, and by dpkg, whose they are not."""

from __future__ import annotations

from pathlib import Path

import autosetup
from autosetup import __version__
from autosetup.agent_package import NAME, read_agent
from builder.agent_package import make_agent_packages
from flasher.process import run

EPOCH = 1_790_000_000


def test_a_node_takes_the_agent_from_it_as_it_is_here(tmp_path: Path) -> None:
    package, _ = make_agent_packages(tmp_path, EPOCH)
    named = NAME.fullmatch(package.name)
    assert named
    files = read_agent(package.read_bytes(), named[1])

    here = Path(autosetup.__file__).parent
    assert files == {
        path.relative_to(here).as_posix(): path.read_bytes() for path in here.rglob("*.py")
    }


def test_dpkg_finds_both_sound(tmp_path: Path) -> None:
    packages = make_agent_packages(tmp_path, EPOCH)
    for package in packages:
        said = run(["dpkg-deb", "--field", str(package), "Version", "Architecture"]).text
        assert said.split() == ["Version:", __version__, "Architecture:", "all"]
    root = tmp_path / "root"
    run(["dpkg-deb", "--raw-extract", str(packages[0]), str(root)])
    run(["md5sum", "--check", "--quiet", "DEBIAN/md5sums"], cwd=root)
    launcher = root / "usr/bin/autosetup"
    assert launcher.stat().st_mode & 0o777 == 0o755


def test_the_same_program_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        [path.read_bytes() for path in make_agent_packages(tmp_path / name, EPOCH)] for name in "ab"
    )
    assert first == second
