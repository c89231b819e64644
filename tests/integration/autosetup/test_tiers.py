"""SSH to a rig of two nodes, through real servers: who gets in where, and with which key."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autosetup.host_key import public_line
from autosetup.payload import Secrets, User
from flasher.rig.node_payload import CardIdentity
from tests.integration.autosetup.conftest import Node, make_node
from tests.integration.autosetup.rig_network import RigNetwork, rig_network, unpacked_inside
from tests.unit.autosetup.sample_payloads import GENERATION, SECRETS, SETTINGS, packed

CENTRAL, CAMERA = "192.168.7.1", "10.40.1.1"
PLAIN = replace(
    SETTINGS,
    wifi=(),
    wired=None,
    files=(),
    scripts=(),
    locale=replace(SETTINGS.locale, language="C.UTF-8"),
)
HASHES = Secrets(SECRETS.nonce, SECRETS.password_hashes)
_SSHD = f"""
cp -rn {unpacked_inside("lib/openssh")} /usr/lib/
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N "" -f /run/host-key
exec {unpacked_inside("sbin/sshd")} -D -e -h /run/host-key -o UsePAM=no -o PidFile=none \\
    -f {unpacked_inside("share/openssh/sshd_config")}
"""


def fresh_key() -> str:
    """A key of OpenSSH's, as payloads have it."""
    return CardIdentity.fresh(datetime.now(UTC)).host_key


@pytest.fixture(scope="module")
def developer(ground: Path) -> Path:
    """A developer's key on another computer; its public half lies beside it."""
    key = ground / "developer"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(argv, check=True)
    return key


def make_ready(node: Node, name: str, keys: tuple[str, ...], secrets: Secrets = HASHES) -> Node:
    """A node after its first boot, with an account for sshd."""
    accounts = node.upper / "etc/passwd"
    line = "sshd:x:199:65534::/run/sshd:/bin/false\n"
    accounts.write_text(Path("/etc/passwd").read_text() + line)
    user = User("scan", authorized_keys=keys)
    settings = replace(PLAIN, name=name, users=(user,), keys_only=name != "central")
    node.insert(packed(settings, secrets, {}))
    told = node.run()
    assert told.returncode == 0, told.stdout
    return node


@pytest.fixture(scope="module")
def central(ground: Path, developer: Path) -> Node:
    """The central node: a developer may come in, and it has a key of its own."""
    secrets = replace(HASHES, user_keys={"scan": fresh_key()})
    public = developer.with_name("developer.pub").read_text().strip()
    return make_ready(make_node(ground / "central"), "central", (public,), secrets)


@pytest.fixture(scope="module")
def camera(ground: Path, central: Node, developer: Path) -> Node:
    """A camera that the central node's key opens, and the developer's from there."""
    public = developer.with_name("developer.pub").read_text().strip()
    own = " ".join(central.read("/home/scan/.ssh/id_rig.pub").split()[:2])
    keys = (own, f'from="10.40.0.1" {public}')
    return make_ready(make_node(ground / "camera"), "cam-0101", keys)


@pytest.fixture(scope="module")
def rig(central: Node, camera: Node) -> Iterator[RigNetwork]:
    """Both at work, side by side."""
    with ExitStack() as stack:
        network = stack.enter_context(rig_network())
        for place, node in (("central", central), ("camera", camera)):
            argv = node.inside("sh", "-c", _SSHD)
            stack.enter_context(network.serving(place, *argv, ready="Server listening on ::"))
        yield network


@pytest.fixture
def config(developer: Path, tmp_path: Path) -> Path:
    """The developer's own settings of SSH."""
    file = tmp_path / "config"
    options = (
        "BatchMode yes\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
    )
    file.write_text(f"User scan\nIdentityFile {developer}\nIdentitiesOnly yes\n{options}")
    return file


@pytest.fixture
def ssh(rig: RigNetwork, config: Path) -> Callable[..., str]:
    """Logs in from the office; gives what is told."""

    def login(*argv: str) -> str:
        return rig.run("office", "ssh", "-q", "-F", str(config), *argv).stdout

    return login


def test_people_come_to_the_central_node_and_its_key_leads_to_the_others(
    ssh: Callable[..., str],
) -> None:
    assert ssh(CENTRAL, "cat", "/etc/hostname") == "central\n"
    on = ["ssh", "-q", "-o", "BatchMode=yes", CAMERA]
    assert ssh(CENTRAL, *on, "cat", "/etc/hostname") == "cam-0101\n"


def test_people_jump_through_the_central_node_with_their_own_key(ssh: Callable[..., str]) -> None:
    assert ssh("-J", CENTRAL, CAMERA, "cat", "/etc/hostname") == "cam-0101\n"


@pytest.mark.parametrize(("address", "told"), [("10.40.0.1", "cam-0101\n"), ("10.40.0.7", "")])
def test_people_come_to_the_others_from_the_central_node_only(
    rig: RigNetwork, config: Path, address: str, told: str
) -> None:
    rig.run("central", "ip", "address", "replace", "10.40.0.7/16", "dev", "rig0")
    login = ["ssh", "-q", "-F", str(config), "-b", address, CAMERA, "cat", "/etc/hostname"]
    assert rig.run("central", *login).stdout == told


def test_the_key_is_open_to_its_user_only_and_leaves_the_card(central: Node) -> None:
    key = central.upper / "home/scan/.ssh/id_rig"
    found, home = key.stat(), (central.upper / "home/scan").stat()
    assert (found.st_mode & 0o7777, found.st_uid) == (0o600, home.st_uid)
    assert key.read_text().splitlines()[1] not in (central.card / "secrets.toml").read_text()
    assert "b3BlbnNzaC1rZXktdjE" not in (central.card / "secrets.toml").read_text()


def test_sshd_lets_in_keys_only(fresh: Callable[[], Node]) -> None:
    """OpenSSH itself tells what its settings come to."""
    node = make_ready(fresh(), "cam-1", (public_line(fresh_key()) or "",))
    told = node.execute("sh", "-c", _SSHD.replace("-D -e", "-T")).stdout.splitlines()
    assert {
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "permitemptypasswords no",
        "authenticationmethods publickey",
    } <= set(told)


def test_what_an_older_payload_brought_goes_with_it(fresh: Callable[[], Node]) -> None:
    secrets = replace(HASHES, user_keys={"scan": fresh_key()})
    node = make_ready(fresh(), "cam-1", (public_line(fresh_key()) or "",), secrets)
    kept = ["home/scan/.ssh/id_rig", "etc/ssh/ssh_config.d/10-autosetup.conf"]
    kept.append("etc/ssh/sshd_config.d/10-autosetup.conf")
    assert all((node.upper / path).exists() for path in kept)
    node.insert(packed(replace(PLAIN, name="cam-1"), HASHES, {}, GENERATION + 1))
    assert node.run().returncode == 0
    assert not any((node.upper / path).exists() for path in kept)


def test_a_door_that_nobody_could_open_is_told_before_anything_is_changed(
    fresh: Callable[[], Node],
) -> None:
    node = fresh()
    node.insert(packed(replace(PLAIN, users=(User("scan"),), keys_only=True), HASHES, {}))
    assert node.run().returncode == 1
    assert "no user has one" in (node.status.reason or "")
    assert "etc/hostname" not in node.tree()
