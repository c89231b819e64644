"""Sites on this computer: found, loaded, saved.

A site is a folder with ``site.toml`` and its secrets, see `flasher.rig.site_secrets`; how one that
is there is changed, see `flasher.rig.site_changes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput
from flasher.files import write_atomic
from flasher.rig import signing
from flasher.rig.documents import find_document, list_documents, read_bytes
from flasher.rig.site_model import Site, SiteSecrets
from flasher.rig.site_secrets import (
    SECRETS_FILE,
    Kept,
    Lock,
    Unlock,
    has_secrets,
    in_keyring,
    is_sealed,
    public_line,
    read_kept,
    write_kept,
)
from flasher.rig.site_text import read_secrets, read_site, secrets_text, site_text

__all__ = [
    "FILE",
    "Site",
    "SiteSecrets",
    "add_key",
    "find_site",
    "has_keyring_entry",
    "is_locked",
    "list_sites",
    "load_site",
    "open_site",
    "own_site",
    "public_key_line",
    "read_kept_of",
    "save_site",
    "secrets_of",
    "shelves",
    "try_unlock",
]

FILE = "site.toml"


def shelves() -> list[Path]:
    """Folders that hold sites: the user's own before those that ship."""
    return [paths.data() / "sites", paths.assets() / "sites"]


def list_sites() -> list[str]:
    """Names of all sites on this computer."""
    return list_documents(FILE, shelves())


def find_site(name_or_path: str) -> Path:
    """The ``site.toml`` of a site, by name or path; raises `BadInput` where there is none."""
    return find_document("site", name_or_path, FILE, shelves())


def open_site(name_or_path: str) -> Site:
    """What is no secret of a site, whether it is locked or not; raises as `load_site`."""
    path = find_site(name_or_path)
    return read_site(path, read_bytes("site", path))


def is_locked(name_or_path: str) -> bool:
    """Whether a site's secrets are sealed with a passphrase."""
    return is_sealed(find_site(name_or_path).parent)


def has_keyring_entry(name_or_path: str) -> bool:
    """Whether the desktop's keyring keeps the passphrase of a site."""
    return in_keyring(find_site(name_or_path).parent)


def public_key_line(name_or_path: str) -> str:
    """The public half of a site's key, asked without a passphrase; empty where it has none."""
    site = open_site(name_or_path)
    return public_line(site.path.parent, site.name)


def load_site(name_or_path: str, unlock: Unlock | None = None) -> tuple[Site, SiteSecrets]:
    """Read a site and its secrets.

    Args:
        name_or_path: of the site, its folder or its ``site.toml``.
        unlock: asked for the passphrase of a locked site that the keyring does not know.

    Raises:
        BadInput: there is none of that name; ``site-locked``; ``wrong-passphrase``.
        BadDocument: one of its two files has faults, all listed.
    """
    site = open_site(name_or_path)
    return site, secrets_of(site, read_kept_of(site, unlock))


def try_unlock(name: str, passphrase: str) -> tuple[Site, SiteSecrets]:
    """Load a locked site with a passphrase; raises as `load_site`."""
    return load_site(name, lambda _: passphrase)


def save_site(site: Site, secrets: SiteSecrets, lock: Lock | None = None) -> Path:
    """Write a new site on the user's shelf, with a key of its own; the path of its ``site.toml``.

    Args:
        site, secrets: the site; a signer among the secrets is not taken over.
        lock: None leaves the secrets open, for their owner alone.

    Raises:
        BadInput: ``site-exists``, a site of that name is there already, or its locked key, which
            only the same passphrase takes over; nothing is touched.
        BadDocument: it could not be read back; nothing is written.
        EnvironmentLacks: ``no-keyring``.
    """
    folder = paths.data() / "sites" / site.name
    if (folder / FILE).exists():
        raise BadInput(
            "site-exists",
            f"A site {site.name!r} lies in {folder}.",
            "Choose another name, or edit its site.toml.",
        )
    left = _key_left(folder, site.name, lock)
    site_raw, secrets_raw = site_text(site).encode(), secrets_text(secrets).encode()
    read_secrets(folder / SECRETS_FILE, secrets_raw, read_site(folder / FILE, site_raw))
    with _new_folder(folder):
        write_kept(folder, site.name, Kept(secrets_raw, left or signing.new_key(), lock))
        write_atomic(folder / FILE, site_raw)
    paths.hand_over(folder / FILE)
    return folder / FILE


def add_key(name_or_path: str, unlock: Unlock | None = None) -> signing.SiteSigner:
    """Make the key of a site that has none; the key of a site that has one stays."""
    site = own_site(name_or_path)
    kept = read_kept_of(site, unlock)
    key = kept.key or signing.new_key()
    if kept.key is None:
        write_kept(site.path.parent, site.name, replace(kept, key=key))
    return signing.read_signer(key, site.path.with_name(signing.FILE), site.name)


def _key_left(folder: Path, name: str, lock: Lock | None) -> bytes | None:
    """The key in a folder without ``site.toml``: a power cut left it, or that file was lost."""
    if not is_sealed(folder):
        found = folder / signing.FILE
        return found.read_bytes() if found.exists() else None
    try:
        return read_kept(folder, name, lambda _: lock.passphrase if lock else None).key
    except BadInput:
        raise BadInput(
            "site-exists",
            f"The locked secrets and the key of a site {name!r} lie in {folder}, which this "
            "passphrase does not open.",
            "Choose another name, or lock the site with the passphrase of that one.",
        ) from None


def own_site(name_or_path: str) -> Site:
    """As `open_site`, for one that may be changed; raises `BadInput` ``shipped-site``, too."""
    site = open_site(name_or_path)
    if site.path.is_relative_to(paths.assets()):
        what = f"The site {site.name} ships with Flasher, and stays as it is."
        raise BadInput("shipped-site", what, "Make one of your own: flasher site new")
    return site


def read_kept_of(site: Site, unlock: Unlock | None) -> Kept:
    """What is kept beside a site; raises `BadInput` ``no-site-secrets`` and as `read_kept`."""
    folder = site.path.parent
    if not has_secrets(folder):
        raise BadInput(
            "no-site-secrets",
            f"The site {site.name} has no {SECRETS_FILE} beside it, in {folder}.",
            "Create it with `flasher site new`, or by hand after the one of the site demo.",
        )
    return read_kept(folder, site.name, unlock)


def secrets_of(site: Site, kept: Kept) -> SiteSecrets:
    """The secrets in what is kept; raises `BadDocument` where they have faults."""
    folder = site.path.parent
    secrets = read_secrets(folder / SECRETS_FILE, kept.secrets, site)
    if kept.key is None:
        return secrets
    return replace(secrets, signer=signing.read_signer(kept.key, folder / signing.FILE, site.name))


@contextmanager
def _new_folder(folder: Path) -> Iterator[None]:
    """A folder for a new site; where it could not be filled and was not there before, it goes."""
    was_there = folder.exists()
    paths.make_folder(folder)
    try:
        yield
    except BaseException:
        if not was_there and not any(folder.iterdir()):
            folder.rmdir()
        raise
