"""The sites of this computer as the wizard lists them, and how one of them is changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from flasher import paths
from flasher.errors import FlasherError
from flasher.rig.foreign_setup import SiteDraft, drafted_site
from flasher.rig.site import (
    Site,
    SiteSecrets,
    is_locked,
    list_sites,
    load_site,
    open_site,
    save_site,
)
from flasher.rig.site_changes import replace_site
from flasher.rig.site_secrets import Unlock
from flasher.rig.site_travel import needs_backup
from flasher.tui.attempt import attempt
from flasher.tui.keeping_form import Keeping
from flasher.tui.site_form import Answers, answers_of, make_site


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A site with its secrets: no `repr`.

    Attributes:
        passphrase: that opened it; None for one that is not locked, or that the keyring opened.
    """

    site: Site
    secrets: SiteSecrets
    passphrase: str | None = None

    @property
    def unlock(self) -> Unlock:
        """Answers for the person who typed the passphrase already."""
        return lambda _name: self.passphrase


@dataclass(frozen=True, slots=True, repr=False)
class Shelved:
    """A site as it lies there.

    Attributes:
        found: what is no secret of it, or why it cannot be used.
        opened: with its secrets, where they are not locked.
        locked: a passphrase is needed.
        lonely: it would be lost with this computer.
        shipped: it came with the program, and cannot be changed.
    """

    name: str
    found: Site | FlasherError
    opened: Opened | None = None
    locked: bool = False
    lonely: bool = False
    shipped: bool = False


def shelf() -> dict[str, Shelved]:
    """All sites by their names."""
    return {name: _shelved(name) for name in list_sites()}


def save(answers: Answers, keeping: Keeping, edited: Opened | None = None) -> Opened:
    """Save a new site, or what was changed of one; gives it as it lies there now.

    Args:
        answers, keeping: without complaints.
        edited: as it was before; None for a new one.

    Raises:
        FlasherError: what `save_site` and `replace_site` say; nothing is changed.
    """
    site, secrets = make_site(answers)
    if edited is None:
        path = save_site(site, secrets, keeping.lock)
        return open_again(path, keeping.passphrase or None)
    before = edited.site
    changed = replace(site, path=before.path, digest=before.digest)
    path = replace_site(changed, secrets, edited.unlock, rest=keeping.rest)
    return open_again(path, keeping.passphrase or edited.passphrase)


def open_again(path: Path, passphrase: str | None) -> Opened:
    """The site of a file, read with a passphrase that is known."""
    site, secrets = load_site(str(path), lambda _name: passphrase)
    return Opened(site, secrets, passphrase)


def answers_from(draft: SiteDraft) -> Answers:
    """The form filled in with what somebody's setup file says; the rest is as in an empty one."""
    no_password = bool(draft.keys) and not draft.password_hash
    return replace(answers_of(*drafted_site(draft)), no_password=no_password)


def _shelved(name: str) -> Shelved:
    found = attempt(lambda: open_site(name))
    if isinstance(found, FlasherError):
        return Shelved(name, found)
    shipped = found.path.is_relative_to(paths.assets())
    lonely = attempt(lambda: needs_backup(name)) is True
    if is_locked(name):
        return Shelved(name, found, locked=True, lonely=lonely)
    loaded = attempt(lambda: load_site(name))
    if isinstance(loaded, FlasherError):
        return Shelved(name, loaded)
    return Shelved(name, found, Opened(*loaded), lonely=lonely, shipped=shipped)
