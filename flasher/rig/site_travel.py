"""A site on the road: the whole of it, its key included, in one sealed file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput
from flasher.files import write_atomic
from flasher.rig import signing
from flasher.rig.backups import is_backed_up, note_export
from flasher.rig.documents import NAME
from flasher.rig.site import FILE, Site, find_site, open_site
from flasher.rig.site_secrets import (
    SECRETS_FILE,
    Kept,
    Lock,
    Unlock,
    has_secrets,
    is_sealed,
    read_kept,
    write_kept,
)
from flasher.rig.site_text import read_secrets, read_site, site_text
from flasher.rig.vault import LARGEST, Vault, read_vault, seal

SUFFIX = ".flasher-site"
KIND = "site"
_NAME, _LOCKED = "site", "locked"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file.

    Attributes:
        site: as it is on this computer now.
        was_there: the same site was here already, and nothing was changed.
    """

    site: Site
    was_there: bool


def needs_backup(name_or_path: str) -> bool:
    """Whether a site of this computer would be lost with it: never exported, or changed since."""
    folder = find_site(name_or_path).parent
    return not folder.is_relative_to(paths.assets()) and not is_backed_up(folder)


def export_site(name_or_path: str, passphrase: str, unlock: Unlock | None = None) -> bytes:
    """All of a site in one sealed file; `mark_exported` when it is written.

    Args:
        name_or_path: of the site.
        passphrase: opens the file; it need not be that of the site.
        unlock: as for `load_site`.

    Raises:
        BadInput: as `load_site`.
        BadDocument: it has faults, which would travel.
    """
    site = open_site(name_or_path)
    folder = site.path.parent
    if not has_secrets(folder):
        what = f"The site {site.name} has no {SECRETS_FILE} beside it, in {folder}."
        raise BadInput("no-site-secrets", what, "Put it there first.")
    kept = read_kept(folder, site.name, unlock)
    read_secrets(folder / SECRETS_FILE, kept.secrets, site)
    about = {_NAME: site.name} | ({_LOCKED: "yes"} if is_sealed(folder) else {})
    return seal({FILE: site.path.read_bytes(), **kept.files}, passphrase, KIND, about)


def mark_exported(name_or_path: str) -> None:
    """Note that a site's export is written, so that it asks for none until it is changed."""
    folder = find_site(name_or_path).parent
    if not folder.is_relative_to(paths.assets()):
        note_export(folder)


def import_site(
    file: Path,
    passphrase: str,
    *,
    name: str | None = None,
    lock: Lock | None = None,
    stay_locked: bool = True,
    unlock: Unlock | None = None,
) -> Imported:
    """Put the site of a file on the user's shelf; a site that is there is never touched.

    Args:
        file: what `export_site` made.
        passphrase: of the file.
        name: else that which the site had.
        lock: how its secrets rest here.
        stay_locked: without `lock`, they are locked with this passphrase if they were before.
        unlock: for a site of that name that is here already, to see whether it is the same.

    Raises:
        BadInput: ``bad-value``, of the name; ``site-exists``, another one of that name is here;
            ``not-a-site``; what `read_vault` and `Vault.open` say.
        BadDocument: it has faults; nothing is written.
    """
    if name and (wanted := NAME.complain(name)):
        raise BadInput("bad-value", f"The new name is {name!r}.", f"It must be {wanted}.")
    vault = _exported(file)
    raw, kept = _unpacked(vault.open(passphrase), file)
    site = read_site(Path(FILE), raw)
    if name and name != site.name:
        raw = site_text(replace(site, name=name)).encode()
        site = read_site(Path(FILE), raw)
    _check(site, kept, file)
    folder = paths.data() / "sites" / site.name
    was_there = _is_there(folder, site, raw, kept, passphrase, unlock)
    if not was_there:
        rests = lock or (Lock(passphrase) if stay_locked and _LOCKED in vault.about else None)
        _put(folder, site.name, raw, replace(kept, lock=rests))
    return Imported(read_site(folder / FILE, raw), was_there)


def site_name_in(file: Path) -> str:
    """The name of the site in a file, known before it is opened; raises as `import_site`.

    Nothing vouches for it yet: what is no name at all is left out.
    """
    name = read_vault(_read(file), str(file)).about.get(_NAME, "")
    return "" if NAME.complain(name) else name


def _exported(file: Path) -> Vault:
    vault = read_vault(_read(file), str(file))
    if vault.kind != KIND:
        what = f"{file} is no exported site."
        raise BadInput("not-a-site", what, f"Name the file that ends in {SUFFIX}.")
    return vault


def _put(folder: Path, name: str, raw: bytes, kept: Kept) -> None:
    """The site's own file comes last: where it is, all is. Its backup is where it came from."""
    paths.make_folder(folder)
    write_kept(folder, name, kept)
    write_atomic(folder / FILE, raw)
    paths.hand_over(folder / FILE)
    note_export(folder)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as handle:
            return handle.read(LARGEST)
    except OSError as error:
        what = f"{file} cannot be read: {error.strerror}."
        raise BadInput("unreadable-site", what, "Check the path and your rights to it.") from None


def _unpacked(files: Mapping[str, bytes], file: Path) -> tuple[bytes, Kept]:
    known = {FILE, SECRETS_FILE, signing.FILE}
    if not {FILE, SECRETS_FILE} <= files.keys() <= known:
        what = f"{file} was made by another Flasher: it holds {', '.join(sorted(files))}."
        raise BadInput("not-a-site", what, "Bring this Flasher up to date, then try again.")
    return files[FILE], Kept(files[SECRETS_FILE], files.get(signing.FILE))


def _check(site: Site, kept: Kept, file: Path) -> None:
    read_secrets(Path(SECRETS_FILE), kept.secrets, site)
    if kept.key is not None:
        signing.read_signer(kept.key, file, site.name)


def _is_there(
    folder: Path, site: Site, raw: bytes, kept: Kept, passphrase: str, unlock: Unlock | None
) -> bool:
    """Whether the same site is there; one whose ``site.toml`` alone was lost is completed."""
    found = folder / FILE
    if not (found.exists() or (folder / signing.FILE).exists() or is_sealed(folder)):
        return False
    if has_secrets(folder) and (not found.exists() or found.read_bytes() == raw):
        here = _kept_here(folder, site.name, passphrase, unlock)
        if here.files == kept.files:
            return found.exists()
    what = f"Another site {site.name!r} lies in {folder}, and stays as it is."
    raise BadInput("site-exists", what, f"Give this one another name: --as {site.name}-2")


def _kept_here(folder: Path, name: str, passphrase: str, unlock: Unlock | None) -> Kept:
    """The site that is here often has the passphrase of its file."""
    try:
        return read_kept(folder, name, lambda _: passphrase)
    except BadInput as error:
        if error.code != "wrong-passphrase":
            raise
        return read_kept(folder, name, unlock)
