"""Cards that are files, made by the engine, and what their nodes said of themselves since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from autosetup.status import Status
from flasher.bench.model import Autopsy, Failed, Lane
from flasher.card.advice import advise
from flasher.card.inspect import inspect_card
from flasher.card.making import Making
from flasher.drives.files import create_virtual_card, file_drive
from flasher.drives.model import Drive
from flasher.drives.opening import drive_blocks
from flasher.errors import FlasherError
from flasher.events import CancelFlag, ignore
from flasher.image.source import open_image
from flasher.prepare import CardResult, plan_node_card, prepare_card
from flasher.process import run
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.site import load_site

NODE = "cam-0103"
SCRIPT_FAILED = Status(
    "failed",
    step="scripts",
    step_number=7,
    step_count=9,
    code="script-failed",
    reason="20-camera ended with 1: No camera found.",
    hint="Look in log.txt.",
)


def demo_rig() -> RigMap:
    return lay_out(load_profile("body-16x7"), *load_site("demo"))


def make_card(path: Path, image: Path, rig: RigMap, ledger: Ledger, node: str = NODE) -> CardResult:
    """A card of this node in a file of 16 MiB."""
    create_virtual_card(path, 16 << 20)
    source = open_image(image)
    source.prove(CancelFlag())
    card = plan_node_card(rig, rig.find(node), source)
    drive = file_drive(path)
    return prepare_card(
        card, drive, ledger, emit=ignore, cancel=CancelFlag(), making=Making(eject=False)
    )


def put(card: Path, files: Mapping[str, bytes]) -> None:
    """Files into the card's folder `autosetup`, as its node writes them."""
    for name, data in files.items():
        run(["mcopy", "-o", "-i", f"{card}@@1M", "-", f"::autosetup/{name}"], stdin=data)


def said(made: CardResult, status: Status, log: str = "") -> dict[str, bytes]:
    """The files in which the node of a card says this."""
    whole = replace(status, node=made.node.name, generation=made.generation, card_id=made.card_id)
    return {"status.json": whole.to_json(), "log.txt": log.encode()}


def autopsy_lane(card: Path, rig: RigMap) -> Lane:
    """A lane that looked at a card, and found that its node had failed."""
    with drive_blocks(card) as blocks:
        report = inspect_card(blocks)
    node = rig.find(report.node) if report.node else None
    return Lane("reader-1", file_drive(card), node, Autopsy(report, advise(report)))


def failed_lane(drive: Drive, rig: RigMap, code: str, *notes: str) -> Lane:
    """A lane whose card ended in an error with this code."""
    error = FlasherError(code, f"The engine says {code}.", "The engine's hint.")
    return Lane("reader-1", drive, rig.find(NODE), Failed(error, notes))
