"""Software from git, as a profile pins it; the real git is asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from autosetup.software import read_tree
from flasher.errors import BadDocument, FlasherError
from flasher.rig.profile import load_profile
from flasher.rig.software import tar_of

PROFILE = """
format = 1
name = "studio"
title = "Studio"

[[role]]
name = "camnode"
title = "Camera"
node = "cam-{{number}}"
position = "CAM{{number}}"

[[role.software]]
git = "{url}"
tag = "{tag}"
commit = "{commit}"
path = "/opt/capture"
restarts = ["capture.service"]
"""


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    argv = ["git", "-C", str(folder), *who, *arguments]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=env)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHER_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the tag v1."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "run").write_text("#!/bin/sh\necho first\n")
    (folder / "run").chmod(0o755)
    git(folder, "add", "run")
    git(folder, "commit", "--quiet", "-m", "first")
    git(folder, "tag", "-a", "v1", "-m", "first")
    return folder


def commit(repository: Path) -> str:
    return git(repository, "rev-parse", "HEAD")


def url(repository: Path) -> str:
    return f"file://{repository}"


def test_a_pinned_tag_gives_its_files_and_needs_no_network_again(repository: Path) -> None:
    pinned = commit(repository)
    raw = tar_of(url(repository), "v1", pinned)
    (entry,) = read_tree(raw).items()
    assert (entry[0], entry[1].content, entry[1].mode) == (
        "run",
        b"#!/bin/sh\necho first\n",
        0o755,
    )
    repository.rename(repository.with_name("gone"))
    assert tar_of(url(repository), "v1", pinned) == raw


def test_a_tag_that_was_moved_is_refused(repository: Path) -> None:
    pinned = commit(repository)
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "second")
    git(repository, "tag", "-f", "v1")
    with pytest.raises(FlasherError, match="the profile pins") as raised:
        tar_of(url(repository), "v1", pinned)
    assert raised.value.code == "software-moved"


def load(folder: Path, **told: str) -> None:
    place = folder / "studio"
    place.mkdir()
    (place / "profile.toml").write_text(PROFILE.format(**told))
    role = load_profile(str(place / "profile.toml")).roles[0]
    (software,) = role.software
    assert (software.path, software.restarts) == ("/opt/capture", ("capture.service",))
    assert read_tree(role.contents[software.source]).keys() == {"run"}
    assert software.version == f"v1 ({told['commit'][:12]})"


def test_a_profile_brings_it(repository: Path, tmp_path: Path) -> None:
    load(tmp_path, url=url(repository), tag="v1", commit=commit(repository))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ext::sh -c touch"},
        {"url": "--upload-pack=touch"},
        {"tag": "--all"},
        {"tag": "no-such"},
        {"commit": "abc"},
        {"commit": "0" * 40},
    ],
    ids=str,
)
def test_what_cannot_be_had_is_a_fault_of_the_profile(
    repository: Path, tmp_path: Path, wrong: dict[str, str]
) -> None:
    told = {"url": url(repository), "tag": "v1", "commit": commit(repository)} | wrong
    with pytest.raises(BadDocument, match=r"git|tag|commit") as raised:
        load(tmp_path, **told)
    assert len(raised.value.faults) == 1
