"""`manifest.json`: what was put on the card, with size and digest of every other file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping

from autosetup import forms
from autosetup.faults import Fault
from autosetup.settings import FileRecord, Manifest
from autosetup.strict import Table
from autosetup.strict_json import reading_json

FORMAT = 1
MANIFEST = "manifest.json"
# The signature over its bytes (Ed25519, 64 bytes), and whose it is. They vouch for the list of
# files, so they are not in it.
SIGNATURE, SITE_KEY = "manifest.sig", "site.pub"
SEAL = (SIGNATURE, SITE_KEY)
# JSON's numbers are exact up to here everywhere.
LARGEST = 2**53
_CHANGED = "Undo the change, or prepare the card again."
_ADDED = "Remove it, or prepare the card again with it."
_MISSING = "Prepare the card again."


def read_manifest(raw: bytes) -> Manifest:
    """Read the bytes of a manifest; raises `Faulty`."""
    with reading_json(MANIFEST, raw) as top:
        return Manifest(
            format=_format(top),
            generation=top.integer("generation", low=1, high=LARGEST),
            node=top.string("node", form=forms.HOSTNAME),
            card_id=top.string("card_id", form=forms.CARD_ID),
            profile_digest=top.string("profile_digest", form=forms.SHA256),
            site_digest=top.string("site_digest", form=forms.SHA256),
            flashed_at=_time(top, "flashed_at"),
            image_digest=top.string("image_digest", form=forms.SHA256),
            files=_files(top.table("files")),
        )


def write_manifest(manifest: Manifest) -> bytes:
    """The bytes of a manifest: JSON, keys sorted."""
    return (json.dumps(dataclasses.asdict(manifest), indent=2, sort_keys=True) + "\n").encode()


def record(data: bytes) -> FileRecord:
    """Size and digest of a file's bytes."""
    return FileRecord(len(data), hashlib.sha256(data).hexdigest())


def compare(manifest: Manifest, files: Mapping[str, bytes]) -> Iterator[Fault]:
    """Every difference between what the manifest promises and the other files that are there."""
    for name in sorted(manifest.files.keys() | (files.keys() - {MANIFEST, *SEAL})):
        if name not in files:
            yield Fault(name, 0, 0, "This file is missing from the card.", _MISSING)
        elif name not in manifest.files:
            yield Fault(name, 0, 0, "This file was added after the card was written.", _ADDED)
        elif record(files[name]) != manifest.files[name]:
            yield Fault(name, 0, 0, "This file was changed after the card was written.", _CHANGED)


def _format(top: Table) -> int:
    found = top.integer("format", low=1, high=LARGEST)
    if top.has("format") and found > FORMAT:
        what = f"This card is of format {found}; the image on it knows up to {FORMAT}."
        top.fault("format", what, "Prepare the card with a newer image.")
    return found


def _time(top: Table, key: str) -> str:
    text = top.string(key)
    if text and not forms.is_utc_time(text):
        top.fault(key, f"{key} is {text!r}.", "It must be a UTC time such as 2026-11-21T03:39:50Z.")
    return text


def _files(table: Table) -> dict[str, FileRecord]:
    records = {}
    for name in table.names():
        entry = table.table(name)
        if complaint := forms.payload_path_complaint(name):
            table.fault(name, f"files holds {name!r}.", complaint)
        records[name] = FileRecord(
            entry.integer("size", low=0, high=LARGEST),
            entry.string("sha256", form=forms.SHA256),
        )
    return records
