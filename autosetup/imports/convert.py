"""A payload from the files of other systems: the same files on the same node, the same bytes.

Where they say nothing, the node stays what it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from autosetup.faults import Fault, Faulty
from autosetup.imports.names import ARCHIVES, GROUPS, SSH, USERS
from autosetup.imports.seed_zip import SCRIPT, SeedZip, read_seed_zip
from autosetup.imports.userconf import read_userconf
from autosetup.imports.wpa_conf import read_wpa_conf
from autosetup.payload import (
    InstalledFile,
    NodeSettings,
    Payload,
    Script,
    Secrets,
    Services,
    User,
    pack,
)

# Of each, those that Debian has from the start are enough to work with the hardware of a Pi.
_GROUPS = ("sudo", "adm", "dialout", "video", "plugdev")
_SSH_UNIT = "ssh.service"
_SEED_USER = "pi"
_SEED_FOLDER = "/opt/autosetup"
_SEED_SECONDS = 3600
# It was written for Raspberry Pi OS, and asks this program of it for the camera.
_SEED_NEEDS = "raspi-config"
# The script works, and clones, in its own folder: each attempt begins with a new one.
_SEED_START = f"""\
#!/bin/sh
set -e
work={_SEED_FOLDER}/work
rm -rf "$work"
mkdir "$work"
cd "$work"
find {_SEED_FOLDER} -maxdepth 1 -type f -exec cp -p {{}} . \\;
cp -p /home/{_SEED_USER}/.ssh/id_rsa camnode.priv 2>/dev/null || true
status=0
./{SCRIPT} || status=$?
rm -f camnode.priv
exit $status
"""
_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class Here:
    """What the files themselves do not say.

    Attributes:
        generation: of the payload that they become.
        hardware: what tells this board from others, such as its MAC address without colons.
        past: a UTC time that is over for certain, such as 2026-11-21T03:39:50Z.
        programs: of those asked for here, the ones that the image has.
        before: the payload that the node was set up with, which stays where they say nothing.
    """

    generation: int
    hardware: str
    past: str
    programs: Collection[str]
    before: Payload | None = None


@dataclass(slots=True)
class _Draft:
    """A node as one file after the other describes it."""

    settings: NodeSettings
    secrets: Secrets
    files: dict[str, bytes]


def identity(files: Mapping[str, bytes]) -> str:
    """What tells these files from others: 32 hex digits, the id of the card that they make."""
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:32]


def convert(files: Mapping[str, bytes], here: Here) -> dict[str, bytes]:
    """Every file of a payload, by path, as `payload.pack` makes them.

    Args:
        files: at least one of `NAMES`, with its bytes.
        here: the node.

    Raises:
        Faulty: with every fault of every file.
    """
    faults: list[Fault] = []
    draft = _draft(here, identity(files))
    for group in GROUPS:
        found = [name for name in group if name in files]
        for other in found[1:]:
            what = f"It means the same as {found[0]}, which lies here too."
            faults.append(Fault(other, 0, 0, what, "Remove one of the two."))
        if found:
            try:
                _take(draft, found[0], files[found[0]], here)
            except Faulty as faulty:
                faults += faulty.faults
    if faults:
        raise Faulty(faults)
    return _pack(draft, files, here)


def _draft(here: Here, card_id: str) -> _Draft:
    """The node as it is; the nonce need not be random, as this payload never lies on a card."""
    nonce = hashlib.sha256(card_id.encode()).digest()
    if before := here.before:
        return _Draft(before.settings, replace(before.secrets, nonce=nonce), dict(before.files))
    return _Draft(NodeSettings(f"node-{here.hardware}", "node"), Secrets(nonce), {})


def _take(draft: _Draft, name: str, data: bytes, here: Here) -> None:
    if name in ARCHIVES:
        _take_seed(draft, read_seed_zip(name, data), here)
    elif name in SSH:
        _take_ssh(draft, name, here)
    elif name in USERS:
        user, hashed = read_userconf(name, data)
        _add_user(draft, User(user, _GROUPS))
        hashes = {**draft.secrets.password_hashes, user: hashed}
        draft.secrets = replace(draft.secrets, password_hashes=hashes)
    else:
        read = read_wpa_conf(name, data)
        country = read.country or draft.settings.country
        draft.settings = replace(draft.settings, wifi=read.wifi, country=country)
        draft.secrets = replace(draft.secrets, wifi_passphrases=read.passphrases)


def _take_ssh(draft: _Draft, name: str, here: Here) -> None:
    if "sshd" not in here.programs:
        what = "The image has no SSH server to switch on."
        raise Faulty([Fault(name, 0, 0, what, "Add openssh-server to the image, or remove it.")])
    services = draft.settings.services
    enable = tuple(dict.fromkeys((*services.enable, _SSH_UNIT)))
    disable = tuple(unit for unit in services.disable if unit != _SSH_UNIT)
    draft.settings = replace(draft.settings, services=Services(enable, disable))


def _take_seed(draft: _Draft, seed: SeedZip, here: Here) -> None:
    name = f"{seed.role}-{here.hardware}"
    draft.settings = replace(draft.settings, role=seed.role, name=name, keys_only=True)
    _add_user(draft, User(_SEED_USER, _GROUPS, (seed.authorized_key,), passwordless_sudo=True))
    if seed.private_key:
        _install(draft, f"/home/{_SEED_USER}/.ssh/id_rsa", seed.private_key, 0o600, _SEED_USER)
    if SCRIPT in seed.files and _SEED_NEEDS in here.programs:
        for name, data in seed.files.items():
            _install(draft, f"{_SEED_FOLDER}/{name}", data, 0o755 if name == SCRIPT else 0o644)
        start = Script("scripts/50-autosetup", _SEED_SECONDS)
        draft.files[start.source] = _SEED_START.encode()
        others = (s for s in draft.settings.scripts if s.source != start.source)
        draft.settings = replace(draft.settings, scripts=(*others, start))


def _add_user(draft: _Draft, user: User) -> None:
    """One more account; one that is there already keeps what it has."""
    known = {each.name: each for each in draft.settings.users}
    if old := known.get(user.name):
        keys = tuple(dict.fromkeys((*old.authorized_keys, *user.authorized_keys)))
        sudo = old.passwordless_sudo or user.passwordless_sudo
        user = replace(old, authorized_keys=keys, passwordless_sudo=sudo)
    draft.settings = replace(draft.settings, users=tuple({**known, user.name: user}.values()))


def _install(draft: _Draft, path: str, data: bytes, mode: int, owner: str = "root") -> None:
    source = f"files{path}".replace("/.", "/")  # hidden files are none of a payload's
    others = tuple(file for file in draft.settings.files if file.path != path)
    for file in draft.settings.files:
        if file.source not in {other.source for other in others}:
            draft.files.pop(file.source, None)
    draft.files[source] = data
    file = InstalledFile(path, source, mode, owner, owner)
    draft.settings = replace(draft.settings, files=(*others, file))


def _pack(draft: _Draft, files: Mapping[str, bytes], here: Here) -> dict[str, bytes]:
    origin = here.before.manifest if here.before else None
    return pack(
        draft.settings,
        draft.secrets,
        draft.files,
        generation=here.generation,
        card_id=identity(files),
        profile_digest=origin.profile_digest if origin else _NO_DIGEST,
        site_digest=origin.site_digest if origin else _NO_DIGEST,
        flashed_at=here.past,
        image_digest=origin.image_digest if origin else _NO_DIGEST,
    )
