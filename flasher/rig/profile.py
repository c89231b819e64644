"""The scanner profile: which nodes a kind of rig has, how they are named, what each role runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flasher import paths
from flasher.kits import kits
from flasher.rig.documents import (
    NAME,
    find_document,
    list_documents,
    read_bytes,
    reading_document,
)
from flasher.rig.own_script import OwnScript
from flasher.rig.own_scripts import load_own
from flasher.rig.role import Role, read_roles
from flasher.rig.sources import Sources

FILE = "profile.toml"


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of rig.

    Attributes:
        digest: sha256 of all that its developer made of it.
        files: what it consists of: paths relative to its folder.
        own: the scripts that were added to it on this computer, in their order.
    """

    name: str
    title: str
    description: str
    roles: tuple[Role, ...]
    digest: str
    path: Path
    files: tuple[str, ...] = ()
    own: tuple[OwnScript, ...] = ()


def shelves() -> list[Path]:
    """Folders that hold profiles: the user's own, those that ship, those of kits plugged in."""
    own = [paths.data() / "profiles", paths.assets() / "profiles"]
    return [*own, *(kit / "profiles" for kit in kits())]


def list_profiles() -> list[str]:
    """Names of all profiles on this computer."""
    return list_documents(FILE, shelves())


def load_profile(name_or_path: str) -> Profile:
    """Read a profile and every file it names.

    Raises:
        BadInput: there is none of that name.
        BadDocument: it has faults, all listed; or the list of the scripts added to it has.
    """
    path = find_document("profile", name_or_path, FILE, shelves())
    raw, sources = read_bytes("profile", path), Sources(path.parent)
    with reading_document("scanner profile", path, raw) as top:
        name = top.string("name", form=NAME)
        if name != path.parent.name and _is_brought(path):
            what = f"name is {name!r} in the folder {path.parent.name} of a kit."
            top.fault("name", what, "Give the folder this name, so that it stands for no other.")
        title = top.string("title")
        description = top.string("description", default="")
        roles = read_roles(top.tables("role"), sources)
        if not roles:
            top.fault("role", "No role is described.", "Add at least one [[role]].")
    digest = hashlib.sha256(raw)
    for role in roles:
        for source, content in sorted(role.contents.items()):
            digest.update(source.encode() + b"\0" + content)
    files = (path.name, *sorted(sources.names))
    own = load_own(name)
    return Profile(name, title, description, roles, digest.hexdigest(), path, files, own)


def _is_brought(path: Path) -> bool:
    return any(path.resolve().is_relative_to(kit.resolve()) for kit in kits())
