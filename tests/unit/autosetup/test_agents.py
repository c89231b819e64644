"""The agents beside the image's own: which one counts after each change, and what is no agent."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
from pathlib import Path

import pytest

from autosetup.agent_package import read_agent
from autosetup.agents import Agents, order_of
from autosetup.errors import AgentError
from tests.unit.autosetup.sample_agents import FOLDER, MODULES, deb, in_ar, in_tar


@pytest.fixture
def agents(tmp_path: Path) -> Agents:
    return Agents(tmp_path / "agents")


def versions(agents: Agents) -> set[str]:
    return {path.name for path in agents.folder.glob("[0-9]*")}


def test_without_any_the_images_own_counts(agents: Agents) -> None:
    assert agents.current() is None
    assert agents.bad() == {}


def test_one_that_lies_there_counts_only_once_it_is_wanted(agents: Agents) -> None:
    agents.put("1.2", MODULES)
    assert agents.current() is None
    agents.want("1.2")
    assert agents.current() == "1.2"
    assert agents.is_on_trial("1.2")


def test_one_that_is_proven_ends_the_trial_and_replaces_the_one_before(agents: Agents) -> None:
    for version in ("1.2", "1.3"):
        agents.put(version, MODULES)
        agents.want(version)
        assert agents.begin_try() == 1
        agents.prove(version)
    assert agents.current() == "1.3"
    assert not agents.is_on_trial("1.3")
    assert versions(agents) == {"1.3"}


def test_one_that_fails_its_trial_gives_way_to_the_good_one_and_is_remembered(
    agents: Agents,
) -> None:
    agents.put("1.2", MODULES)
    agents.want("1.2")
    agents.prove("1.2")
    agents.put("1.3", MODULES)
    agents.want("1.3")
    agents.give_up("1.3", "It hangs.")
    assert agents.current() == "1.2"
    assert agents.bad() == {"1.3": "It hangs.\n"}
    assert versions(agents) == {"1.2"}


def test_a_good_one_that_is_spoiled_is_gone_but_not_called_bad(agents: Agents) -> None:
    agents.put("1.2", MODULES)
    agents.want("1.2")
    agents.prove("1.2")
    agents.give_up("1.2", "It ended.")
    assert agents.current() is None
    assert (agents.bad(), versions(agents)) == ({}, set())


def test_starts_are_counted_until_the_next_one_is_wanted(agents: Agents) -> None:
    agents.put("1.2", MODULES)
    agents.want("1.2")
    assert [agents.begin_try() for _ in range(3)] == [1, 2, 3]
    agents.forgive(3)
    assert agents.begin_try() == 3
    agents.want("1.2")
    assert agents.begin_try() == 1


def test_a_link_to_elsewhere_counts_for_nothing(agents: Agents, tmp_path: Path) -> None:
    agents.put("1.2", MODULES)
    (tmp_path / "agents/current").symlink_to("../agents/1.2")
    assert agents.current() is None


def test_one_that_is_no_python_is_refused_and_leaves_nothing(agents: Agents) -> None:
    with pytest.raises(AgentError, match="no program"):
        agents.put("1.2", {**MODULES, "run.py": b"def ("})
    assert [*agents.folder.iterdir()] == []


def test_versions_are_compared_by_their_numbers() -> None:
    assert (order_of("1.10") or ()) > (order_of("1.9.9") or ())
    assert order_of("1.2") == order_of("1.2.0")
    assert [order_of(text) for text in ("", "1.", "v1", "1.2-3", "../1", "1\n")] == [None] * 6


@pytest.mark.parametrize(
    "packed",
    [
        deb(MODULES, "1.2"),
        in_ar({"debian-binary": b"2.0\n", "data.tar.gz": gzip.compress(in_tar(MODULES))}),
        in_ar({"debian-binary": b"2.0\n", "data.tar": in_tar(MODULES)}),
    ],
    ids=["xz", "gzip", "plain"],
)
def test_a_package_is_read_however_it_is_packed(packed: bytes) -> None:
    assert read_agent(packed, "1.2") == MODULES


def crooked(change: str) -> bytes:
    """A package with something in the agent's folder that no agent has."""
    entry = tarfile.TarInfo(f"{FOLDER}{'x.py' if change != 'outside' else '../x.py'}")
    if change == "link":
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/shadow"
    if change == "hard link":
        entry.type, entry.linkname = tarfile.LNKTYPE, "/etc/shadow"
    if change == "device":
        entry.type = tarfile.CHRTYPE
    return in_ar({"data.tar": in_tar(MODULES, entry)})


@pytest.mark.parametrize("change", ["link", "hard link", "device", "outside"])
def test_what_is_no_module_is_refused(change: str) -> None:
    with pytest.raises(AgentError, match="no module of an agent"):
        read_agent(crooked(change), "1.2")


@pytest.mark.parametrize("names", [("a", "a/b.py"), ("a/b/c.py", "a/b")])
def test_a_file_that_is_a_folder_too_is_refused(names: tuple[str, str]) -> None:
    modules = {**MODULES, **dict.fromkeys(names, b"")}
    with pytest.raises(AgentError, match="as a file and as a folder") as caught:
        read_agent(deb(modules, "1.2"), "1.2")
    assert caught.value.code == "agent-refused"


@pytest.mark.parametrize("name", [f"{'x' * 300}.py", "x/" * 2000 + "x.py"])
def test_a_name_that_no_file_system_takes_is_refused(name: str) -> None:
    with pytest.raises(AgentError, match="no module of an agent"):
        read_agent(deb({**MODULES, name: b""}, "1.2"), "1.2")


def test_a_version_that_is_no_text_is_told() -> None:
    modules = {**MODULES, "__init__.py": b'__version__ = "\xff"\n'}
    with pytest.raises(AgentError, match="says of itself"):
        read_agent(deb(modules, "1.2"), "1.2")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    for data in (lzma.compress(bytes(64 << 20)), gzip.compress(bytes(64 << 20))):
        with pytest.raises(AgentError, match="larger than any agent"):
            read_agent(in_ar({"data.tar": data}), "1.2")


def test_a_sparse_file_does_not_grow() -> None:
    entry = tarfile.TarInfo(f"{FOLDER}x.py")
    entry.type, entry.size = tarfile.GNUTYPE_SPARSE, 1
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(AgentError):
        read_agent(in_ar({"data.tar": buffer.getvalue()}), "1.2")


@pytest.mark.parametrize("cut", range(0, 700, 23))
def test_a_package_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(AgentError):
        read_agent(deb(MODULES, "1.2")[:cut], "1.2")


def test_it_must_be_the_version_that_it_is_called() -> None:
    with pytest.raises(AgentError, match=r"says of itself '1\.2'"):
        read_agent(deb(MODULES, "1.2"), "1.3")
