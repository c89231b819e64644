"""Troubles of a first boot: the payload, what befalls the node, and what it must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from autosetup.settings import Health, Packages, Script, Wired
from tests.rehearsal.troubled_boots import NEW_HASH, NODE, payload, resealed
from tests.unit.autosetup.sample_payloads import GENERATION


def with_script(text: str, seconds: int = 60) -> dict[str, bytes]:
    settings = replace(NODE, scripts=(Script("scripts/10-trial", seconds),))
    return payload(settings, {"scripts/10-trial": f"#!/bin/sh\n{text}\n".encode()})


def with_check(text: str) -> dict[str, bytes]:
    settings = replace(NODE, health=Health(("health/10-camera",), seconds=2))
    return payload(settings, {"health/10-camera": f"#!/bin/sh\n{text}\n".encode()})


def without(name: str, raw: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in raw.items() if path != name}


@dataclass(frozen=True, slots=True)
class Failing:
    """A payload that fails.

    Attributes:
        code, step: of the failure.
        words: each is in the reason.
        again: whether the node tries again by itself.
        restarts: of the node, until it gives up.
    """

    name: str
    raw: Mapping[str, bytes]
    code: str
    step: str | None
    words: tuple[str, ...]
    again: bool = True
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Passing:
    """Trouble that passes while the node is on: it fails, tries again, and is done.

    Attributes:
        before, after: what befalls the node, and what ends that once it has failed: shell commands.
        begun: how often the node could begin with the payload.
    """

    name: str
    raw: Mapping[str, bytes]
    code: str
    step: str | None
    words: tuple[str, ...]
    before: str = ""
    after: str = ""
    begun: int = 2


GOOD = payload(generation=GENERATION + 1, password=NEW_HASH)
WELL = payload()
BROKEN = {
    "node.toml": "name = “cam-0101”\n".encode(),
    "secrets.toml": b'nonce = "00"\n[pass word]\n',
}
FUTURE = WELL["manifest.json"].replace(b'"format": 1', b'"format": 2')
HIDDEN = "sleep 987"
HANGS = f"setsid sh -c 'while :; do {HIDDEN}; done' & {HIDDEN}"
FAILING = (
    Failing(
        "invalid TOML",
        resealed(WELL, BROKEN),
        "payload-refused",
        None,
        ("node.toml:1:8", "curly quotes", "secrets.toml:2:"),
        again=False,
    ),
    Failing(
        "bad version",
        {**WELL, "manifest.json": FUTURE},
        "payload-refused",
        None,
        ("manifest.json:", "format 2", "knows up to 1"),
        again=False,
    ),
    Failing(
        "missing required",
        without("scripts/10-trial", with_script("exit 0")),
        "payload-refused",
        None,
        ("scripts/10-trial", "missing"),
        again=False,
    ),
    Failing(
        "helper failure",
        with_script("echo no such helper; exit 3"),
        "script-failed",
        "scripts",
        ("10-trial failed (3): no such helper",),
    ),
    Failing(
        "timeout",
        with_script(HANGS, seconds=2),
        "script-timeout",
        "scripts",
        ("10-trial was stopped after 2 s",),
    ),
    Failing(
        "no mirror",
        payload(replace(NODE, packages=Packages(("i2c-tools",), "http://192.0.2.1/debian"))),
        "archive-unreachable",
        "packages",
        ("192.0.2.1",),
    ),
    Failing(
        "missing camera",
        with_check("[ -e /dev/video0 ] || { echo no camera is connected; exit 1; }"),
        "unhealthy",
        "health",
        ("10-camera failed (1)", "no camera is connected"),
    ),
    Failing(
        "script that restarts the node",
        with_script("systemctl reboot; sleep 60"),
        "script-reboots",
        "scripts",
        ("10-trial restarts the node",),
        again=False,
        restarts=2,
    ),
)
FILL = """mkdir -p /var/filler
for size in 64M 8M 1M 64K 4K; do
n=0
while fallocate -l $size /var/filler/$size.$n; do n=$((n+1)); done
done 2>/dev/null
"""
PASSING = (
    Passing(
        "retry",
        with_script("[ -e /etc/tried ] || { touch /etc/tried; echo not yet; exit 1; }"),
        "script-failed",
        "scripts",
        ("not yet",),
    ),
    Passing(
        "network partition",
        payload(replace(NODE, wired=Wired(("192.168.40.7/24",)))),
        "no-cable",
        "network",
        ("No cable is connected, so 192.168.40.7/24 is not in use.",),
        before="ip address del 2001:db8::2/128 dev lo",
        after="ip address add 192.168.40.7/32 dev lo",
    ),
    Passing(
        "full disk",
        WELL,
        "no-space",
        None,
        ("The file system of / is full: 0.0 MB of 8",),
        before=FILL,
        after="rm -r /var/filler",
        begun=1,
    ),
)
