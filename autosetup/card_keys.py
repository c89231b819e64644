"""The private keys that a card brought, kept for as long as the node may be what that card made it.

They lie beside the agent's record, open to root alone: what is released for a card later brings
none, and the card's own copy is erased. A node that goes back to a payload of another card is known
by that card's keys again.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from autosetup.faults import Faulty
from autosetup.scrub import overwrite
from autosetup.settings import Secrets
from autosetup.strict_json import reading_json
from autosetup.system import replace_file, sync_folder

_FOLDER = "keys"


@dataclass(frozen=True, slots=True)
class CardKeys:
    """Private keys, as `Secrets` has them; empty for those that the card did not bring."""

    sealing_key: str = field(default="", repr=False)
    report_key: str = field(default="", repr=False)
    host_key: str = field(default="", repr=False)

    @classmethod
    def of(cls, secrets: Secrets) -> CardKeys:
        """Those that a payload has."""
        return cls(secrets.sealing_key, secrets.report_key, secrets.host_key)


def load(folder: Path, card_id: str) -> CardKeys:
    """The keys of a card; none where it brought none, or where the file is spoiled.

    Args:
        folder: of the agent's record.
    """
    try:
        raw = path_of(folder, card_id).read_bytes()
        with reading_json(_FOLDER, raw) as top:
            names = ("sealing_key", "report_key", "host_key")
            return CardKeys(*(top.string(name, default="") for name in names))
    except (OSError, Faulty):
        return CardKeys()


def completed(secrets: Secrets, folder: Path, card_id: str) -> Secrets:
    """The secrets of a payload, with the card's keys in place of those that it lacks."""
    kept = load(folder, card_id)
    return replace(
        secrets,
        sealing_key=secrets.sealing_key or kept.sealing_key,
        report_key=secrets.report_key or kept.report_key,
        host_key=secrets.host_key or kept.host_key,
    )


def keep(folder: Path, card_id: str, secrets: Secrets) -> None:
    """Keep the keys of a payload that is accepted, durably; those it lacks stay as they are."""
    keys = CardKeys.of(completed(secrets, folder, card_id))
    if keys == load(folder, card_id):
        return
    path = path_of(folder, card_id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(folder)
    replace_file(path, (json.dumps(asdict(keys)) + "\n").encode())


def forget(folder: Path, *, but: Collection[str]) -> None:
    """Erase the keys of all cards but these."""
    for path in (folder / _FOLDER).glob("*.json"):
        if path.stem not in but:
            overwrite(path, bytes(path.stat().st_size))
            path.unlink()


def path_of(folder: Path, card_id: str) -> Path:
    """Where the keys of a card lie."""
    return folder / _FOLDER / f"{card_id}.json"
