"""A node that is done, and what comes next: a good payload, or a bad one that is taken back."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from autosetup.settings import Boot, InstalledFile, Services, User
from tests.integration.autosetup.conftest import Node, make_node
from tests.unit.autosetup.sample_payloads import (
    FILES,
    GENERATION,
    HASH,
    SECRETS,
    SETTINGS,
    packed,
    public_key,
)

_FIRST = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)
_NEXT = dataclasses.replace(
    _FIRST,
    name="cam-0102",
    wifi=_FIRST.wifi[:1],
    wired=None,
    users=(*_FIRST.users, User("guest", (), (public_key(),), passwordless_sudo=True)),
    files=(InstalledFile("/etc/issue", "files/motd"), InstalledFile("/rig/tool", "files/motd")),
    services=Services(("preview.service",), ("capture.service",)),
    boot=Boot(("dtparam=spi=on",), ("quiet",)),
)
_SECRETS = dataclasses.replace(
    SECRETS,
    password_hashes={**SECRETS.password_hashes, "guest": HASH},
    wifi_passphrases={"65;66;": "another passphrase"},
)
# One that a cut in the instant after its end makes run again must stand that.
_NAMED = b"#!/bin/sh\necho $NODE_NAME > /etc/named-by-script\n"
_FILES = {"files/motd": b"next\n", "scripts/10-hello": _NAMED + b"# once more\n"}
_BAD = {**_FILES, "scripts/10-hello": b"#!/bin/sh\nexit 3\n"}


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A payload for a node that is done, and the state in which it ends."""

    payload: dict[str, bytes]
    ends: str


UPGRADES = {
    "good": Upgrade(packed(_NEXT, _SECRETS, _FILES, GENERATION + 1), "done"),
    "bad": Upgrade(packed(_NEXT, _SECRETS, _BAD, GENERATION + 1), "rolled-back"),
}


def done_node(folder: Path, project: Path | None = None) -> Node:
    """A node that is done with its first payload, on whose card nothing new is yet."""
    node = make_node(folder, project) if project else make_node(folder)
    (node.upper / "etc/issue").write_text("of the image\n")
    node.insert(packed(_FIRST, files={**FILES, "scripts/10-hello": _NAMED}))
    (node.card.parent / "config.txt").write_text("kernel=vmlinuz\n")
    (node.card.parent / "cmdline.txt").write_text("root=LABEL=rootfs rootwait\n")
    assert node.run().returncode == 0
    return node


def copied(node: Node, folder: Path, upgrade: Upgrade) -> Node:
    """The same node once more, with the next payload on its card."""
    folder.mkdir()
    for name in ("work", "merged"):
        (folder / name).mkdir()
    # Not shutil: what is removed in a layer is a character device.
    subprocess.run(["cp", "-a", str(node.upper), str(folder / "upper")], check=True)
    new = dataclasses.replace(node, folder=folder)
    shutil.rmtree(new.card)
    new.insert(upgrade.payload)
    return new


def outcome(node: Node) -> tuple[object, ...]:
    """All that the end of an upgrade consists of, but for times."""
    record = json.loads(node.read("/var/lib/autosetup/state.json"))
    remembered = [record.get(key) for key in ("digest", "scripts", "good", "fallen")]
    status = node.status
    told = (status.state, status.generation, status.failed_generation, status.code)
    return (node.tree(), remembered, told)


def differing(end: dict[str, tuple[object, ...]], wanted: object) -> set[str]:
    """The paths by which the tree of a node is not the one that was wanted."""
    assert isinstance(wanted, dict)
    return {path for path in end.keys() | wanted if end.get(path) != wanted.get(path)}
