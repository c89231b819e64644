"""Questions to a node, which change nothing: how it is, and whether a payload has faults."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from autosetup.card import find_card
from autosetup.faults import Fault, Faulty
from autosetup.manifest import MANIFEST, read_manifest
from autosetup.outlets import RUNNING
from autosetup.payload import FOLDER, STATUS, read_folder, unpack
from autosetup.secrets_file import SECRETS, is_redacted
from autosetup.status import Status, lines_of
from autosetup.system import System
from autosetup.terminal import DONE, FAILED, code_of, refuse, say

_ENDED = ("waiting", "done", "failed", "rolled-back")
_POLL_SECONDS = 0.5


def tell_status(*, as_json: bool, wait: bool) -> int:
    """Print how the node is; `wait` until this boot's run is done or has failed."""
    status = last_said() if wait else last_said() or _on_card()
    while wait and (status is None or status.state not in _ENDED):
        time.sleep(_POLL_SECONDS)
        status = last_said()
    status = status or Status("waiting")
    text = "\n".join(lines_of(status))
    say(status.to_json().decode() if as_json else f"{text}\n")
    return code_of(status)


def last_said() -> Status | None:
    """What the agent said last in this boot; what the card says may be of an earlier one."""
    return _read(RUNNING)


def _on_card() -> Status | None:
    return _read(find_card(System()))


def _read(folder: Path | None) -> Status | None:
    with suppress(OSError, Faulty):
        return Status.from_json((folder / STATUS).read_bytes()) if folder else None
    return None


def check(folder: Path | None) -> int:
    """Print what is wrong with a payload, by default the card's."""
    from autosetup.trust import look_if_possible

    place = folder or find_card(System())
    try:
        # the card itself is not its payload
        is_payload = place and place.is_dir() and not (place / FOLDER).is_dir()
        raw = read_folder(place) if place and is_payload else {}
    except OSError as error:
        return refuse(error)
    if not raw:
        where = f"in {folder}" if folder else "here"
        sys.stderr.write(f"There is no payload {where}. Give the folder {FOLDER} of a card.\n")
        return FAILED
    if faults := _faults(raw):
        sys.stderr.write("".join(f"{fault}\n" for fault in faults))
        return FAILED
    signature = look_if_possible(raw)
    if signature.kind == "wrong":
        sys.stderr.write(f"{signature}. Prepare the card again.\n")
        return FAILED
    manifest = read_manifest(raw[MANIFEST])
    used = " · its secrets were used and erased" if is_redacted(raw[SECRETS]) else ""
    generation = f"generation {manifest.generation}"
    say(f"{manifest.node} · {generation} · no faults · {signature}{used}\n")
    return DONE


def _faults(raw: Mapping[str, bytes]) -> list[Fault]:
    """All of them, but that secrets were erased after use, as they shall be."""
    used = SECRETS if is_redacted(raw.get(SECRETS, b"")) else ""
    try:
        unpack(raw)
    except Faulty as faulty:
        return [fault for fault in faulty.faults if fault.file != used]
    return []
