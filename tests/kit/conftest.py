"""The package, built once, and bare Debians to install it in."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.kit.package import Entry, installed, package_name, write_package
from builder.kit.wheels import fetch_wheels
from flasher.process import run
from tests.kit.bare import BareDebian

EPOCH = 1_700_000_000


@pytest.fixture(scope="session")
def files() -> list[Entry]:
    """What the package has; the libraries are from this computer's own store."""
    return list(installed(fetch_wheels(), EPOCH))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory, files: list[Entry]) -> Path:
    made = tmp_path_factory.mktemp("package") / package_name()
    write_package(files, made, EPOCH)
    return made


@pytest.fixture(params=["bookworm", "trixie"])
def debian(request: pytest.FixtureRequest, tmp_path: Path) -> BareDebian:
    """Python and man, and nothing else that a bare system has not."""
    root = tmp_path / "root"
    wanted = ["--variant=minbase", "--include=python3,man-db"]
    run(["mmdebstrap", "--quiet", *wanted, request.param, str(root)])
    return BareDebian(root)
