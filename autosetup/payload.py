"""The payload: the folder on the boot partition that turns a base image into one node.

`pack` makes its files from values, `unpack` makes values from its files or says all that is wrong.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autosetup import forms, trust
from autosetup.faults import Fault, Faulty
from autosetup.manifest import (
    FORMAT,
    MANIFEST,
    SEAL,
    compare,
    read_manifest,
    record,
    write_manifest,
)
from autosetup.node_file import NODE, read_node, write_node
from autosetup.secrets_file import SECRETS, is_redacted, read_secrets, write_secrets
from autosetup.settings import (
    Boot,
    FileRecord,
    InstalledFile,
    Locale,
    Manifest,
    NodeSettings,
    Packages,
    Script,
    Secrets,
    Services,
    Time,
    User,
    Wifi,
    Wired,
)
from autosetup.templates import FOLDER as TEMPLATES
from autosetup.templates import fill, variables_of

__all__ = [
    "FOLDER",
    "FORMAT",
    "LOG",
    "MANIFEST",
    "NODE",
    "NO_AGENT",
    "SECRETS",
    "STATUS",
    "Boot",
    "FileRecord",
    "InstalledFile",
    "Locale",
    "Manifest",
    "NodeSettings",
    "Packages",
    "Payload",
    "Script",
    "Secrets",
    "Services",
    "Time",
    "User",
    "Wifi",
    "Wired",
    "is_litter",
    "pack",
    "read_folder",
    "unpack",
]

FOLDER = "autosetup"
NO_AGENT = "no-agent.txt"  # beside the folder, in images that have no agent to read it
STATUS = "status.json"
LOG = "log.txt"
_KINDS = {
    "files": "add [[file]] with this source",
    "templates": "add [[file]] with this source",
    "scripts": "add [[script]] with this source",
    "software": "add [[software]] with this source",
    "health": "add it to checks under [health]",
}
_NO_KIND = "move it into files/ and add [[file]] with it as source"
_DOCUMENTS = (MANIFEST, NODE, SECRETS)
# What Windows and macOS leave in folders that people open; names with a dot in front go as well.
_LITTER = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload that checks; `files` holds the rest, by path relative to the folder."""

    manifest: Manifest
    settings: NodeSettings
    secrets: Secrets
    files: Mapping[str, bytes]


def pack(
    settings: NodeSettings,
    secrets: Secrets,
    files: Mapping[str, bytes],
    *,
    generation: int,
    card_id: str,
    profile_digest: str,
    site_digest: str,
    flashed_at: str,
    image_digest: str,
) -> dict[str, bytes]:
    """Every file of the folder, by its path in it. The same values give the same bytes.

    Args:
        settings, secrets: the node.
        files: what settings name, by path: ``files/…``, ``templates/….mustache``,
            ``scripts/NN-name``, ``health/NN-name``.
        generation, card_id, profile_digest, site_digest, flashed_at, image_digest: see `Manifest`.

    Raises:
        Faulty: no node would accept this payload.
    """
    raw = {**files, NODE: write_node(settings), SECRETS: write_secrets(secrets)}
    manifest = Manifest(
        format=FORMAT,
        generation=generation,
        node=settings.name,
        card_id=card_id,
        profile_digest=profile_digest,
        site_digest=site_digest,
        flashed_at=flashed_at,
        image_digest=image_digest,
        files={name: record(data) for name, data in sorted(raw.items())},
    )
    packed = {MANIFEST: write_manifest(manifest), **dict(sorted(raw.items()))}
    unpack(packed)
    return packed


def unpack(raw: Mapping[str, bytes]) -> Payload:
    """Values from the files of the folder, by path, as `read_folder` gives them.

    Raises:
        Faulty: with every fault of every file.
    """
    faults = [_missing(name) for name in _DOCUMENTS if name not in raw]
    files = {name: data for name, data in raw.items() if name not in (*_DOCUMENTS, *SEAL)}
    settings, found = read_node(raw[NODE], files) if NODE in raw else (None, ())
    faults += found
    secrets = manifest = None
    try:
        secrets = read_secrets(raw[SECRETS], settings) if SECRETS in raw else None
    except Faulty as faulty:
        faults += faulty.faults
    try:
        manifest = read_manifest(raw[MANIFEST]) if MANIFEST in raw else None
    except Faulty as faulty:
        faults += faulty.faults
    faults += _check_together(raw, files, manifest, None if found else settings)
    if faults or manifest is None or settings is None or secrets is None:
        raise Faulty(faults)
    return Payload(manifest, settings, secrets, files)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of a payload's folder by its path in it, without those that the agent writes.

    Raises:
        OSError: something in it, or the folder itself, cannot be read.
    """
    return {name: _read(path) for name, path in sorted(_walk(folder)) if name not in (STATUS, LOG)}


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "No plain file", str(path))
    return path.read_bytes()


def is_litter(path: str) -> bool:
    """Whether a file in the folder is none of the payload's: drafts, and what computers leave."""
    *folders, name = path.split("/")
    hidden = any(part.startswith(".") for part in (*folders, name))
    return hidden or name.lower() in _LITTER


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names):
            if not is_litter(name := path.relative_to(folder).as_posix()):
                yield name, path


def _raise(error: OSError) -> None:
    raise error


def _missing(name: str) -> Fault:
    return Fault(name, 0, 0, "This file is missing from the card.", "Prepare the card again.")


def _check_together(
    raw: Mapping[str, bytes],
    files: Mapping[str, bytes],
    manifest: Manifest | None,
    settings: NodeSettings | None,
) -> Iterator[Fault]:
    """Faults that no file shows on its own."""
    if manifest:
        erased = {SECRETS} if is_redacted(raw.get(SECRETS, b"")) else set()
        absent = {name for name in _DOCUMENTS if name not in raw}
        yield from (f for f in compare(manifest, raw) if f.file not in erased | absent)
    if settings:
        yield from _unused(files, settings)
        yield from _template_faults(files, settings)
        for file in settings.files:
            if file.source in files and not file.source.startswith(TEMPLATES):
                yield from trust.faults_of(file.path, file.source, files[file.source])
    if manifest and settings and manifest.node != settings.name:
        what = f"manifest.json is for {manifest.node}, but this file names {settings.name}."
        yield Fault(NODE, 0, 0, what, "Prepare the card again.")
    for name, data in files.items():
        if name.startswith(("scripts/", "health/")):
            yield from _script_faults(name, data)
    yield from _name_faults(files)


def _unused(files: Collection[str], settings: NodeSettings) -> Iterator[Fault]:
    used = {file.source for file in settings.files} | {s.source for s in settings.scripts}
    used |= {*settings.health.checks} | {s.source for s in settings.software}
    used |= {name for name in files if not forms.PACKAGE_SOURCE.complain(name)}
    for name in sorted(set(files) - used):
        use = _KINDS.get(name.partition("/")[0], _NO_KIND)
        what = "node.toml does not say what this file is for."
        yield Fault(name, 0, 0, what, f"Remove it, or {use}.")


def _template_faults(files: Mapping[str, bytes], settings: NodeSettings) -> Iterator[Fault]:
    values = variables_of(settings, 1)
    for name, data in files.items():
        if name.startswith(TEMPLATES):
            try:
                fill(name, data, values)
            except Faulty as faulty:
                yield from faulty.faults


def _name_faults(files: Collection[str]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for name in sorted(files):
        if complaint := forms.payload_path_complaint(name):
            yield Fault(name, 0, 0, f"The name {name!r} cannot be used.", complaint)
        if (other := seen.setdefault(name.lower(), name)) != name:
            what = f"FAT cannot tell this name from {other}."
            yield Fault(name, 0, 0, what, "Rename one of them.")


def _script_faults(name: str, data: bytes) -> Iterator[Fault]:
    """Why the kernel would not start a script, in words that its author knows."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        what = "The script begins with a byte order mark, so Linux cannot start it."
        yield Fault(name, 1, 1, what, "Save it as UTF-8 without BOM.")
    elif not data.startswith(b"#!"):
        what = "The first line does not say which program runs the script."
        yield Fault(name, 1, 1, what, "Begin it with #!/bin/sh or #!/usr/bin/python3.")
    first, _, _ = data.partition(b"\r\n")
    if len(first) < len(data):
        line, column = first.count(b"\n") + 1, len(first) - first.rfind(b"\n")
        what = "The lines end as on Windows (CRLF), so Linux cannot run the script."
        yield Fault(name, line, column, what, "Save it with Unix line ends (LF).")
