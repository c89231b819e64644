"""Whose payload a node takes, from its first boot on: the real agent, with keys, pins and policies.

`tests/unit/autosetup/test_weigh.py` has the whole table; these are lives of nodes.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cryptography
import pytest

from autosetup.faults import Faulty
from autosetup.manifest import SIGNATURE, SITE_KEY
from autosetup.secrets_file import SECRETS
from autosetup.settings import InstalledFile, Locale, NodeSettings, Script, Secrets, Wifi
from tests.integration.autosetup.conftest import DRIVER, Node
from tests.unit.autosetup.sample_payloads import (
    GENERATION,
    OTHER_KEY,
    SITE_SIGNER,
    packed,
    sealed,
    site_key,
)

# On a node it is Debian's package.
_LIBRARIES = Path(cryptography.__file__).parent.parent
SETTINGS = NodeSettings(
    "cam-0101",
    "camnode",
    country="DE",
    wifi=(Wifi("Studio"),),
    locale=Locale(timezone="Europe/Berlin"),
)
# As far as an agent without updates looks at it.
ROOT = b'{"signed": {"_type": "root", "roles": {"root": {"keyids": ["x"]}}}}'
HIDDEN = Secrets(bytes(32), wifi_passphrases={"Studio": "correct horse"})
KEYFILE = "etc/NetworkManager/system-connections/autosetup-1.nmconnection"


def payload(number: int = 0, **changes: object) -> dict[str, bytes]:
    """A small payload; each number is a generation of its own."""
    settings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    return packed(settings, HIDDEN, {}, generation=GENERATION + number)


def run(node: Node, *arguments: str, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
    """The agent on an image that can check signatures."""
    argv = [sys.executable, "-I", "-S", "-B", "-c", DRIVER, f"/mnt:{_LIBRARIES}", str(kill_at)]
    return node.execute(*argv, *(arguments or ["run"]))


def bake(node: Node, *, policy: str = "", keys: bool = True) -> Node:
    """What an image brings that trusts one site."""
    folder = node.upper / "etc/autosetup/trusted.d"
    folder.mkdir(parents=True)
    if keys:
        (folder / "studio.pub").write_text(f"{site_key(SITE_SIGNER, 'studio').line}\n")
    if policy:
        (folder.parent / "policy").write_text(f"{policy}\n")
    return node


def replace_card(node: Node, raw: dict[str, bytes]) -> None:
    """As `flasher inspect --fix` would: nothing of the old payload stays."""
    for name in (SIGNATURE, SITE_KEY):
        (node.card / name).unlink(missing_ok=True)
    node.insert(raw)


def edit(node: Node, old: str, new: str) -> None:
    """Change a card's settings by hand."""
    path = node.card / "node.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def outcome(node: Node) -> tuple[str, str | None, str | None]:
    return node.status.state, node.status.code, node.status.trust


def made(node: Node) -> dict[str, tuple[object, ...]]:
    """What a node is made of, but for the card and what it says of itself."""
    told = "boot/firmware"
    return {path: facts for path, facts in node.tree().items() if not path.startswith(told)}


@pytest.fixture
def empty(fresh: Callable[[], Node]) -> Node:
    """A node without a payload on its card."""
    return fresh()


def test_the_first_signed_payload_decides_whose_come_after_it(empty: Node) -> None:
    empty.insert(sealed(payload()))
    assert run(empty).returncode == 0
    assert outcome(empty) == ("done", None, "pinned")
    assert empty.status.signer == str(site_key(SITE_SIGNER, "studio"))
    before = made(empty)
    for stranger in (sealed(payload(1, name="cam-6666"), OTHER_KEY), payload(1, name="cam-6666")):
        replace_card(empty, stranger)
        assert run(empty).returncode == 1
        assert outcome(empty) == ("failed", "untrusted", None)
        assert made(empty) == before
    replace_card(empty, sealed(payload(2, name="cam-0102")))
    assert run(empty).returncode == 0
    assert empty.read("/etc/hostname") == "cam-0102\n"


def test_an_unsigned_first_payload_pins_nothing(empty: Node) -> None:
    empty.insert(payload())
    assert run(empty).returncode == 0
    assert outcome(empty) == ("done", None, "unsigned")
    replace_card(empty, sealed(payload(1), OTHER_KEY))
    assert run(empty).returncode == 0
    assert outcome(empty) == ("done", None, "pinned")


def test_an_image_with_keys_takes_nobody_elses_first_payload(empty: Node) -> None:
    bake(empty).insert(sealed(payload(), OTHER_KEY))
    before = made(empty)
    assert run(empty).returncode == 1
    assert outcome(empty) == ("failed", "untrusted", None)
    assert "this node trusts SHA256:" in (empty.status.reason or "")
    assert made(empty) == before
    empty.insert(sealed(payload()))
    assert run(empty).returncode == 0
    assert outcome(empty) == ("done", None, "baked")


def test_networks_edited_by_hand_reach_a_node_that_is_done_and_nothing_else_does(
    empty: Node,
) -> None:
    bake(empty, policy="network-only").insert(sealed(payload()))
    assert run(empty).returncode == 0
    assert b"correct horse" not in (empty.card / SECRETS).read_bytes()
    edit(empty, "Europe/Berlin", "Asia/Tokyo")
    edit(empty, 'name = "cam-0101"', 'name = "evil"')
    (empty.card / SECRETS).write_text('[wifi_passphrases]\nStudio = "moved to Tokyo"\n')
    told = run(empty)
    assert told.returncode == 0, told.stdout
    assert outcome(empty) == ("done", None, "network-only")
    assert "psk=moved to Tokyo" in empty.read(KEYFILE)
    assert empty.read("/etc/timezone") == "Asia/Tokyo\n"
    assert empty.read("/etc/hostname") == "cam-0101\n"
    assert b"Tokyo" not in (empty.card / SECRETS).read_bytes()
    assert "network-only lets in" in (empty.card / "log.txt").read_text()
    before = empty.stamps()
    assert run(empty).returncode == 0
    assert empty.stamps() == before


def test_a_bench_takes_every_edit_from_the_first_boot_on(empty: Node) -> None:
    bake(empty, policy="allow", keys=False).insert(payload())
    edit(empty, 'name = "cam-0101"', 'name = "cam-0202"')
    assert run(empty).returncode == 0
    assert outcome(empty) == ("done", None, "allow")
    edit(empty, 'name = "cam-0202"', 'name = "cam-0303"')
    assert run(empty).returncode == 0
    assert empty.read("/etc/hostname") == "cam-0303\n"
    assert "psk=correct horse" in empty.read(KEYFILE)


def test_without_its_program_a_node_with_keys_says_so_and_one_without_goes_on(
    fresh: Callable[[], Node],
) -> None:
    guarded, open_ = bake(fresh()), fresh()
    for node in (guarded, open_):
        node.insert(sealed(payload()))
        node.run()
    assert outcome(guarded) == ("failed", "no-verifier", None)
    assert "python3-cryptography" in (guarded.status.hint or "")
    assert outcome(open_) == ("done", None, "unsigned")
    assert "cannot check signatures" in (open_.card / "log.txt").read_text()


def test_the_pin_lies_where_a_root_that_is_never_written_keeps_things(empty: Node) -> None:
    (empty.folder / "data").mkdir()
    empty.insert(sealed(payload()))
    assert run(empty).returncode == 0
    kept = (empty.folder / "data/autosetup/site.pub").read_text()
    assert kept == f"{site_key(SITE_SIGNER, 'studio').line}\n"


def test_a_site_hands_its_nodes_over_to_the_next_key_by_a_file(empty: Node) -> None:
    empty.insert(sealed(payload()))
    assert run(empty).returncode == 0
    key = InstalledFile("/etc/autosetup/trusted.d/next.pub", "files/next.pub")
    files = {"files/next.pub": f"{site_key(OTHER_KEY, 'studio 2').line}\n".encode()}
    settings = replace(SETTINGS, files=(key,))
    handing_over = packed(settings, HIDDEN, files, generation=GENERATION + 1)
    replace_card(empty, sealed(handing_over))
    assert run(empty).returncode == 0
    replace_card(empty, sealed(payload(2)))
    assert run(empty).returncode == 1
    assert outcome(empty) == ("failed", "untrusted", None)
    (empty.card / "files/next.pub").unlink()
    for number in (3, 4):  # the profile needs to bring it only once
        replace_card(empty, sealed(payload(number), OTHER_KEY))
        assert run(empty).returncode == 0
        assert outcome(empty)[0] == "done"


@pytest.mark.parametrize("policy", ["", "allow"])
@pytest.mark.parametrize(
    ("place", "data"),
    [
        ("trusted.d/next.pub", f"{site_key(OTHER_KEY, 'mine').line}\n".encode()),
        ("policy", b"refuse\n"),
        ("update/root.json", ROOT),
    ],
)
def test_nobody_changes_whom_a_node_trusts_without_a_signature(
    empty: Node, place: str, data: bytes, policy: str
) -> None:
    bake(empty, policy=policy, keys=False)
    settings = replace(SETTINGS, files=(InstalledFile(f"/etc/autosetup/{place}", "files/x"),))
    raw = packed(settings, HIDDEN, {"files/x": data}, generation=GENERATION)
    empty.insert(raw)
    assert run(empty).returncode == 1
    assert outcome(empty) == ("failed", "untrusted", None)
    assert f"brings /etc/autosetup/{place}" in (empty.status.reason or "")
    assert not (empty.upper / "etc/autosetup" / place).exists() or place == "policy"
    replace_card(empty, sealed(raw))
    assert run(empty).returncode == 0
    assert empty.read(f"/etc/autosetup/{place}") == data.decode()


@pytest.mark.parametrize("first", [1, 2])
def test_a_power_cut_while_an_edit_is_taken_over_loses_nothing(
    fresh: Callable[[], Node], first: int
) -> None:
    def edited() -> Node:
        node = bake(fresh(), policy="network-only")
        node.insert(sealed(payload()))
        assert run(node).returncode == 0
        (node.card / SECRETS).write_text('[wifi_passphrases]\nStudio = "moved to Tokyo"\n')
        edit(node, "Europe/Berlin", "Asia/Tokyo")
        return node

    undisturbed, node = edited(), edited()
    assert run(undisturbed).returncode == 0
    moment = first
    while run(node, kill_at=moment).returncode == 128 + signal.SIGKILL:
        moment += 2
    assert moment > first
    assert outcome(node) == ("done", None, "network-only")
    assert node.tree() == undisturbed.tree()


def test_a_node_that_goes_back_says_how_it_came_to_trust_what_is_in_force(empty: Node) -> None:
    empty.insert(sealed(payload()))
    assert run(empty).returncode == 0
    failing = replace(SETTINGS, scripts=(Script("scripts/10-fail"),))
    files = {"scripts/10-fail": b"#!/bin/sh\nexit 1\n"}
    bad = packed(failing, HIDDEN, files, generation=GENERATION + 1)
    replace_card(empty, sealed(bad))
    run(empty)
    assert outcome(empty) == ("rolled-back", "script-failed", "pinned")
    assert empty.status.signer == str(site_key(SITE_SIGNER, "studio"))


def test_check_says_who_signed(empty: Node) -> None:
    empty.insert(sealed(payload()))
    checked = run(empty, "check")
    assert checked.returncode == 0
    assert f"signed by {site_key(SITE_SIGNER, 'studio')}" in checked.stdout
    (empty.card / SIGNATURE).write_bytes(bytes(64))
    checked = run(empty, "check")
    assert checked.returncode == 1
    assert "is not what was signed" in checked.stderr
    for name in (SIGNATURE, SITE_KEY):
        (empty.card / name).unlink()
    assert "unsigned" in run(empty, "check").stdout


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/etc/autosetup/trusted.d/next.pub", b"no key\n"),
        ("/etc/autosetup/trusted.d/next.pub", b""),
        ("/etc/autosetup/policy", b"refuse all\n"),
        ("/etc/autosetup/update/root.json", b'{"signed": {"_type": "timestamp"}}'),
    ],
)
def test_no_site_locks_itself_out_by_a_file_that_nobody_can_read(path: str, data: bytes) -> None:
    settings = replace(SETTINGS, files=(InstalledFile(path, "files/x"),))
    with pytest.raises(Faulty, match="files/x"):
        packed(settings, HIDDEN, {"files/x": data})
