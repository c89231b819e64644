"""Who signed a payload, whom a node trusts, and what becomes of a payload that it does not trust.

Keys in the image are the only ones that count. Where there is none, the key of the first signed
payload that was accepted is pinned; before that, every payload counts as it comes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, get_args

from autosetup.errors import AgentError
from autosetup.faults import Fault, Faulty
from autosetup.manifest import MANIFEST, SIGNATURE, SITE_KEY
from autosetup.settings import NodeSettings
from autosetup.site_key import SiteKey, read_keys
from autosetup.system import System

_HOME = "/etc/autosetup"
TRUSTED = f"{_HOME}/trusted.d"
POLICY = f"{_HOME}/policy"
# The root of the repository whose releases a node takes: `build-base --update-root` bakes it in.
UPDATE_ROOT = f"{_HOME}/update/root.json"
_ROOT_HINT = "Take the root.json that `flasher release init` made."

# What becomes of a payload that is not trusted, or that was edited by hand after it was written:
# refused; its networks, country, locale and timezone alone taken over; taken as it is.
Policy = Literal["refuse", "network-only", "allow"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
# How the payload in force came to be trusted; the last two name the policy that let it in.
Trust = Literal["baked", "pinned", "unsigned", "network-only", "allow"]
TRUSTS: tuple[Trust, ...] = get_args(Trust)


@dataclass(frozen=True, slots=True)
class Signature:
    """What became of looking at a payload's signature.

    Attributes:
        kind: ``unchecked`` where this system lacks what checks it.
        key: that made it; None unless it is good.
    """

    kind: Literal["unsigned", "good", "wrong", "unchecked"]
    key: SiteKey | None = None

    def __str__(self) -> str:
        return {
            "good": f"signed by {self.key}",
            "wrong": f"{MANIFEST} is not what was signed",
            "unchecked": "its signature cannot be checked here",
        }.get(self.kind, "unsigned")


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whom a node trusts.

    Attributes:
        keys: the only ones that count; where there is none, everybody does.
        baked: whether they are the image's own.
    """

    keys: tuple[SiteKey, ...] = ()
    baked: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What an offer counts for.

    Attributes:
        trust: how it came to be trusted; None where nobody has looked, or where it is not.
        signer: fingerprint of the key that signed it, and whose it is; may be empty.
        pins: the key to trust from now on, where the image has none; None to leave it as it is.
        objection: why it must not be applied.
    """

    trust: Trust | None = None
    signer: str = ""
    pins: SiteKey | None = None
    objection: AgentError | Faulty | None = None


def look(raw: Mapping[str, bytes], known: Sequence[SiteKey] = ()) -> Signature:
    """Who signed a payload.

    Args:
        raw: its files by path.
        known: keys tried before the one that it brings, so that these say whose they are.

    Raises:
        AgentError: ``no-verifier``.
    """
    if SIGNATURE not in raw:
        return Signature("unsigned")
    brought: tuple[SiteKey, ...] = ()
    with suppress(Faulty):
        brought = read_keys(SITE_KEY, raw.get(SITE_KEY, b""))
    for key in (*known, *brought[:1]):
        if key.has_signed(raw.get(MANIFEST, b""), raw[SIGNATURE]):
            return Signature("good", key)
    return Signature("wrong")


def look_if_possible(raw: Mapping[str, bytes]) -> Signature:
    """Who signed a payload, by the key that it brings; ``unchecked`` where nobody can tell."""
    try:
        return look(raw)
    except AgentError:
        return Signature("unchecked")


def trusted_by(system: System, pinned: bytes) -> Trusted:
    """Whom a node trusts.

    Args:
        system: the node.
        pinned: what the agent kept of the first signed payload; may be empty.

    Raises:
        Faulty: a file of these keys is spoiled; nobody can be trusted then.
    """
    files = sorted(system.path(TRUSTED).glob("*.pub"))
    read = (read_keys(f"{TRUSTED}/{path.name}", path.read_bytes()) for path in files)
    baked = tuple(key for keys in read for key in keys)
    if baked:
        return Trusted(baked, baked=True)
    return Trusted(read_keys("the pinned key", pinned)) if pinned else Trusted()


def policy_of(system: System) -> Policy:
    """What the image says; ``refuse`` where it says nothing.

    Raises:
        Faulty: it says something that nobody knows.
    """
    raw = system.read(POLICY)
    return read_policy(POLICY, raw) if raw else "refuse"


def read_policy(file: str, raw: bytes) -> Policy:
    """The one word of a policy's file; raises `Faulty`."""
    word = raw.decode(errors="replace").strip()
    if word not in POLICIES:
        what = f"The policy is {word!r}."
        raise Faulty([Fault(file, 1, 1, what, f"Choose one of: {', '.join(POLICIES)}.")])
    return word


def faults_of(path: str, source: str, data: bytes) -> tuple[Fault, ...]:
    """What is wrong with a file that a payload puts where nodes learn whom to trust.

    A key or a policy that cannot be read would keep every later payload out, a root every release.

    Args:
        path: where it goes; any other place is none of our business.
        source: its name in the payload, for the faults.
        data: its bytes.
    """
    try:
        if path.startswith(f"{TRUSTED}/") and path.endswith(".pub"):
            read_keys(source, data)
        elif path == POLICY:
            read_policy(source, data)
        elif path == UPDATE_ROOT and not is_update_root(data):
            raise Faulty([Fault(source, 0, 0, "This is no root of updates.", _ROOT_HINT)])
    except Faulty as faulty:
        return faulty.faults
    return ()


def is_update_root(raw: bytes) -> bool:
    """Whether bytes look like the root metadata of a repository (The Update Framework, 4.3).

    Looked at so far as to tell it from other files; who takes updates checks it.
    """
    try:
        signed = json.loads(raw)["signed"]
        return signed["_type"] == "root" and bool(signed["roles"]["root"]["keyids"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def brought(settings: NodeSettings) -> dict[str, str]:
    """What a payload puts where nodes learn whom to trust: place, and source in the payload."""
    sources = {file.path: file.source for file in settings.files}
    sources |= {tree.path: tree.source for tree in settings.software}
    return {p: source for p, source in sources.items() if f"{p}/".startswith(f"{_HOME}/")}


def check_unsigned(system: System, settings: NodeSettings, files: Mapping[str, bytes]) -> None:
    """See that a payload whose signature counts for nothing leaves whom the node trusts as it is.

    Args:
        system: the node.
        settings, files: of the payload.

    Raises:
        AgentError: ``untrusted``.
    """
    for path, source in brought(settings).items():
        if system.read(path) != files[source]:
            what = f"The payload brings {path}, which is about whom this node trusts"
            hint = "Prepare it with a site that has a key: flasher site key NAME"
            raise AgentError("untrusted", f"{what}: only a signed payload may.", hint)


def judge(signature: Signature, trusted: Trusted, policy: Policy, *, edited: bool) -> Trust | None:
    """How a payload counts; None where it is refused for want of trust.

    An edited payload that would else be trusted counts as such under ``refuse``: that its files are
    not what its manifest says is one of its faults.
    """
    standing: Trust | None = None
    if signature.kind == "good" and (not trusted.keys or signature.key in trusted.keys):
        standing = "baked" if trusted.baked else "pinned"
    elif not trusted.keys and signature.kind in ("unsigned", "unchecked"):
        standing = "unsigned"
    if policy == "refuse" or (standing and not edited):
        return standing
    return policy


def untrusted(signature: Signature, trusted: Trusted) -> AgentError:
    """Why a payload is refused."""
    known = f"this node trusts {', '.join(map(str, trusted.keys))}" if trusted.keys else ""
    what = f"The payload is not trusted: {'; '.join(filter(None, (str(signature), known)))}."
    return AgentError("untrusted", what, "Prepare it with the site that this node knows.")
