"""What is released for a card that its node has: newer, of the same card, and without its keys."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Callable
from dataclasses import replace

import pytest

from autosetup.secrets_file import SECRETS
from autosetup.settings import Secrets, User
from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.test_trusting import HIDDEN, SETTINGS, bake, edit, made, run
from tests.unit.autosetup.sample_payloads import (
    CARD_ID,
    GENERATION,
    OTHER_KEY,
    USER_KEY,
    packed,
    sealed,
)

SEALING, REPORT = f"{'A' * 42}E=", f"{'B' * 42}E="
WITH_KEYS = replace(HIDDEN, host_key=USER_KEY, sealing_key=SEALING, report_key=REPORT)
PLAIN = replace(SETTINGS, wifi=(), users=(User("scan"),))
STATE = "var/lib/autosetup"
CAME = "/tmp/came"
POLICIES = ("refuse", "network-only", "allow")


def first() -> dict[str, bytes]:
    """What the card was written with."""
    settings = replace(SETTINGS, users=(User("scan"),))
    return sealed(packed(settings, WITH_KEYS, {}))


def release(number: int, name: str) -> dict[str, bytes]:
    """A newer generation for the same card, with fewer secrets."""
    settings, bare = replace(PLAIN, name=name), Secrets(bytes(32))
    return sealed(packed(settings, bare, {}, generation=GENERATION + number))


def bring(node: Node, raw: dict[str, bytes]) -> None:
    """The payload comes another way than by the card."""
    folder = node.upper / CAME.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in raw.items():
        (folder / name).write_bytes(data)


def receive(node: Node, raw: dict[str, bytes]) -> None:
    """It comes, and is applied."""
    bring(node, raw)
    told = run(node, "apply", CAME)
    assert told.returncode == 0, told.stdout + told.stderr


def keys(node: Node, card: str = CARD_ID) -> dict[str, str]:
    found: dict[str, str] = json.loads((node.upper / STATE / "keys" / f"{card}.json").read_bytes())
    return found


@pytest.fixture
def started(fresh: Callable[[], Node]) -> Callable[[str], Node]:
    """A node that its card set up, with an image of this policy."""

    def make(policy: str) -> Node:
        node = bake(fresh(), policy=policy)
        node.insert(first())
        assert run(node).returncode == 0
        return node

    return make


def test_the_keys_of_a_card_outlive_its_secrets_for_root_alone(
    started: Callable[[str], Node],
) -> None:
    node = started("refuse")
    assert SEALING.encode() not in (node.card / SECRETS).read_bytes()
    assert keys(node) == {"host_key": USER_KEY, "report_key": REPORT, "sealing_key": SEALING}
    path = node.upper / STATE / "keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((path / f"{CARD_ID}.json").stat().st_mode) == 0o600
    for text in (SEALING, REPORT):
        assert text not in (node.card / "log.txt").read_text()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_release_for_the_same_card_is_applied_whole_and_stays(
    started: Callable[[str], Node], policy: str
) -> None:
    node = started(policy)
    host_key = node.read("/etc/ssh/ssh_host_ed25519_key")
    receive(node, release(10, "cam-0202"))
    assert (node.status.state, node.status.trust) == ("done", "baked")
    assert (node.status.generation, node.status.card_id) == (GENERATION + 10, CARD_ID)
    assert node.read("/etc/hostname") == "cam-0202\n"
    connections = node.upper / "etc/NetworkManager/system-connections"
    assert not list(connections.glob("autosetup-*"))
    assert node.read("/etc/ssh/ssh_host_ed25519_key") == host_key
    assert keys(node)["sealing_key"] == SEALING
    before = made(node)
    for _ in range(2):
        assert run(node).returncode == 0
        assert node.status.generation == GENERATION + 10
        assert made(node) == before
    receive(node, release(20, "cam-0101"))
    assert node.read("/etc/hostname") == "cam-0101\n"
    assert node.read("/etc/ssh/ssh_host_ed25519_key") == host_key


@pytest.mark.parametrize("policy", POLICIES)
def test_a_release_of_a_stranger_is_not_applied_whole(
    started: Callable[[str], Node], policy: str
) -> None:
    node = started(policy)
    settings = replace(PLAIN, name="evil")
    raw = packed(settings, Secrets(bytes(32)), {}, generation=GENERATION + 10)
    bring(node, sealed(raw, OTHER_KEY))
    run(node, "apply", CAME)
    assert (node.read("/etc/hostname") == "evil\n") == (policy == "allow")


@pytest.mark.parametrize("policy", ["network-only", "allow"])
def test_only_what_is_changed_on_the_card_after_a_release_is_an_edit(
    started: Callable[[str], Node], policy: str
) -> None:
    node = started(policy)
    edit(node, "Europe/Berlin", "Asia/Tokyo")
    assert run(node).returncode == 0
    assert node.read("/etc/timezone") == "Asia/Tokyo\n"
    receive(node, release(10, "cam-0202"))
    assert run(node).returncode == 0
    assert node.read("/etc/timezone") == "Europe/Berlin\n"
    assert node.read("/etc/hostname") == "cam-0202\n"
    edit(node, 'ssid = "Studio"', 'ssid = "Attic"')
    edit(node, "Asia/Tokyo", "Asia/Seoul")
    (node.card / SECRETS).write_text(
        f'nonce = "{"0" * 64}"\n[wifi_passphrases]\nAttic = "up the stairs"\n'
    )
    assert run(node).returncode == 0
    assert node.read("/etc/timezone") == "Asia/Seoul\n"
    assert keys(node)["report_key"] == REPORT


def test_who_goes_back_to_another_card_is_known_by_its_keys_again(
    started: Callable[[str], Node],
) -> None:
    node = started("refuse")
    other = replace(WITH_KEYS, sealing_key=f"{'C' * 42}E=", report_key="")
    raw = packed(SETTINGS, other, {}, generation=GENERATION + 5, card_id="f" * 32)
    node.insert(sealed(raw))
    assert run(node).returncode == 0
    assert node.status.card_id == "f" * 32
    assert keys(node, "f" * 32)["report_key"] == ""
    assert keys(node) == {"host_key": USER_KEY, "report_key": REPORT, "sealing_key": SEALING}
    assert run(node, "rollback").returncode == 0
    assert node.status.card_id == CARD_ID
    receive(node, release(20, "cam-0303"))
    receive(node, release(30, "cam-0404"))
    kept = {path.stem for path in (node.upper / STATE / "keys").iterdir()}
    assert kept == {CARD_ID}


@pytest.mark.parametrize("first_kill", [1, 2])
def test_a_power_cut_while_a_release_is_taken_in_loses_nothing(
    started: Callable[[str], Node], first_kill: int
) -> None:
    undisturbed, node = started("refuse"), started("refuse")
    receive(undisturbed, release(10, "cam-0202"))
    bring(node, release(10, "cam-0202"))
    moment = first_kill
    while run(node, "apply", CAME, kill_at=moment).returncode == 128 + signal.SIGKILL:
        moment += 2
    assert moment > first_kill
    assert (node.status.state, node.status.node) == ("done", "cam-0202")
    assert node.tree() == undisturbed.tree()
