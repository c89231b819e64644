"""Whether a site was exported as it is now: what was, is noted beside it in ``exported.json``."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from flasher import paths
from flasher.files import write_atomic
from flasher.rig import signing
from flasher.rig.site_secrets import SEALED_FILE, SECRETS_FILE

FILE = "exported.json"
_SITE = "site.toml"


def is_backed_up(folder: Path) -> bool:
    """Whether all of a site's folder is as it was when it was exported."""
    return _noted(folder).get("digest") == _digest(folder)


def exported_at(folder: Path) -> str:
    """When it was exported last, UTC, such as 2026-11-21T03:39:50Z; empty for never."""
    return _noted(folder).get("at", "")


def note_export(folder: Path, at: str | None = None) -> None:
    """Note that a site was exported as it is.

    Args:
        folder: of the site.
        at: when, in UTC; now by default.
    """
    told = at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    write_atomic(folder / FILE, json.dumps({"digest": _digest(folder), "at": told}) + "\n")
    paths.hand_over(folder / FILE)


def _digest(folder: Path) -> str:
    """Of the files as they rest, so that nothing is told of what is sealed."""
    whole = hashlib.sha256()
    for name in (_SITE, SECRETS_FILE, signing.FILE, SEALED_FILE):
        with suppress(FileNotFoundError):
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            whole.update(f"{name} {digest}\n".encode())
    return whole.hexdigest()


def _noted(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    noted = found if isinstance(found, dict) else {}
    return {str(name): value for name, value in noted.items() if isinstance(value, str)}
