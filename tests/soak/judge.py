"""Says of a card what is on it, with other people's tools and a comparison of plain bytes."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

# As `flasher.practice.image` lays it out.
BOOT, ROOT = 4 << 20, 44 << 20
_AGENTS_OWN = {"manifest.json", "manifest.sig", "site.pub", "status.json", "log.txt"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a card is.

    Attributes:
        card_id: as its payload says; empty where none can be read.
        wrong: what is not as it must be, if it is a card of ours; empty for nothing.
    """

    card_id: str = ""
    wrong: str = ""


def judge(card: Path, image: Path) -> Verdict:
    """Look at a card that was made from an image."""
    with TemporaryDirectory() as folder:
        copied = subprocess.run(
            ["mcopy", "-s", "-n", "-i", f"{card}@@{BOOT}", "::/autosetup", folder],
            capture_output=True,
            check=False,
        )
        if copied.returncode or not _has_table(card):
            return Verdict()
        return _judge_payload(Path(folder, "autosetup"), _root_differs(card, image))


def _has_table(card: Path) -> bool:
    with card.open("rb") as handle:
        return handle.read(512)[510:] == b"\x55\xaa"


def _judge_payload(payload: Path, wrong: str) -> Verdict:
    manifest = json.loads((payload / "manifest.json").read_text())
    for name, record in manifest["files"].items():
        data = (payload / name).read_bytes()
        if (len(data), hashlib.sha256(data).hexdigest()) != (record["size"], record["sha256"]):
            wrong = f"{name} is not what the manifest says"
    there = {str(path.relative_to(payload)) for path in payload.rglob("*") if path.is_file()}
    if more := there - set(manifest["files"]) - _AGENTS_OWN:
        wrong = f"nobody knows {more}"
    return Verdict(manifest["card_id"], wrong)


def _root_differs(card: Path, image: Path) -> str:
    """A card with a boot partition alone was mended, not made."""
    with card.open("rb") as ours, image.open("rb") as base:
        if ours.read(512)[462:478] == bytes(16):
            return ""
        for handle in (ours, base):
            handle.seek(ROOT)
        while expected := base.read(4 << 20):
            if ours.read(len(expected)) != expected:
                return "its root partition is not the image's"
    return ""
