"""A site that is there becomes another: its settings and secrets, and how these rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from flasher import paths
from flasher.files import write_atomic
from flasher.rig.backups import exported_at, is_backed_up, note_export
from flasher.rig.site import FILE, own_site, read_kept_of, secrets_of
from flasher.rig.site_model import Site, SiteSecrets
from flasher.rig.site_secrets import SECRETS_FILE, Kept, Lock, Unlock, write_kept
from flasher.rig.site_text import read_secrets, read_site, secrets_text, site_text


def replace_site(
    site: Site,
    secrets: SiteSecrets,
    unlock: Unlock | None = None,
    *,
    rest: Lock | Literal["open"] | None = None,
) -> Path:
    """Change a site that is there, and how its secrets rest; it keeps its key.

    Its digest stays if nothing but secrets was changed; comments in a file that is changed go.

    Args:
        site: loaded before and changed; its name and path say which one it is.
        secrets: all of them; the signer is the site's own in any case.
        unlock: as for `load_site`.
        rest: locked so from now on, or open; None for as it is.

    Raises:
        BadInput: ``shipped-site``; there is none; it is locked.
        BadDocument: it could not be read back; nothing is written.
        EnvironmentLacks: ``no-keyring``; nothing is written.
    """
    before = own_site(str(site.path) if site.path.name == FILE else site.name)
    kept, path = read_kept_of(before, unlock), before.path
    same = replace(site, digest=before.digest, path=path) == before
    site_raw = path.read_bytes() if same else site_text(site).encode()
    new = secrets_text(secrets).encode()
    read_secrets(path.with_name(SECRETS_FILE), new, read_site(path, site_raw))
    if rest is not None:
        # On its own, as two states of one site are told apart only where the secrets are the same;
        # and first, as a keyring may refuse.
        kept = replace(kept, lock=None if rest == "open" else rest)
        _rest(before, kept)
    if same:
        write_kept(path.parent, site.name, replace(kept, secrets=new))
    else:
        _write_both(before, kept, site, secrets)
    return path


def lock_site(name_or_path: str, lock: Lock, unlock: Unlock | None = None) -> Site:
    """Seal the secrets of a site, or give a locked one another passphrase.

    Raises:
        BadInput: as `load_site`; ``shipped-site``.
        EnvironmentLacks: ``no-keyring``; the site is as it was.
    """
    site = own_site(name_or_path)
    kept = read_kept_of(site, unlock)
    secrets_of(site, kept)  # what has faults would be out of reach
    _rest(site, replace(kept, lock=lock))
    return site


def unlock_site(name_or_path: str, unlock: Unlock) -> Site:
    """Put a site's secrets into open files, for their owner alone; raises as `load_site`."""
    site = own_site(name_or_path)
    _rest(site, replace(read_kept_of(site, unlock), lock=None))
    return site


def _write_both(before: Site, kept: Kept, site: Site, secrets: SiteSecrets) -> None:
    """A power cut between the two files must leave a site that has all its passphrases."""
    path = before.path
    old = read_secrets(path.with_name(SECRETS_FILE), kept.secrets, before)
    all_phrases = old.wifi_passphrases | secrets.wifi_passphrases
    first = secrets_text(replace(secrets, wifi_passphrases=all_phrases)).encode()
    last = secrets_text(secrets).encode()
    write_kept(path.parent, site.name, replace(kept, secrets=first))
    write_atomic(path, site_text(site).encode())
    paths.hand_over(path)
    if first != last:
        write_kept(path.parent, site.name, replace(kept, secrets=last))


def _rest(site: Site, kept: Kept) -> None:
    """Nothing but how the secrets rest is changed: a site that was exported still is."""
    folder = site.path.parent
    exported = exported_at(folder) if is_backed_up(folder) else ""
    write_kept(folder, site.name, kept)
    if exported:
        note_export(folder, exported)
