"""Cards that failed, mended by the program itself; mtools and fsck.fat look at them afterwards."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autosetup.payload import unpack
from autosetup.record import Record
from autosetup.status import Status
from flasher.process import run
from tests.integration.command_line import flasher

NODE = ("--scanner", "body-16x7", "--site", "demo")
BOOT, ROOT = 1 << 20, 41 << 20
LoopMaker = Callable[..., Path]
Result = dict[str, object]


def put(card: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        run(["mcopy", "-o", "-i", f"{card}@@1M", "-", f"::autosetup/{name}"], stdin=data)


def get(card: Path, name: str) -> bytes:
    return subprocess.run(
        ["mtype", "-i", f"{card}@@1M", f"::autosetup/{name}"], capture_output=True, check=True
    ).stdout


def outside(card: Path) -> tuple[bytes, bytes]:
    """All that is not the boot partition."""
    raw = card.read_bytes()
    return raw[:BOOT], raw[ROOT:]


def check_fat(card: Path, tmp_path: Path) -> None:
    (tmp_path / "boot").write_bytes(card.read_bytes()[BOOT:ROOT])
    run(["fsck.fat", "-n", str(tmp_path / "boot")])


@pytest.fixture
def card(tmp_path: Path, make_loop: LoopMaker, base_image: Path) -> Path:
    """A prepared card in a reader."""
    backing = tmp_path / "backing"
    backing.touch()
    os.truncate(backing, 64 << 20)
    loop = make_loop(backing)
    to = ("--node", "cam-0101", "--to", loop, "--image", base_image, "--yes")
    assert flasher("prepare", *NODE, *to)[0] == 0
    return loop


@pytest.fixture
def failed(card: Path) -> Status:
    """What the card's node said when it failed."""
    manifest = json.loads(get(card, "manifest.json"))
    status = Status(
        "failed",
        manifest["node"],
        manifest["generation"],
        manifest["card_id"],
        step="scripts",
        code="script-failed",
        reason="No camera found.",
        hint="Look in log.txt.",
    )
    put(card, {"status.json": status.to_json(), "log.txt": b"a log\n"})
    return status


def ledger() -> list[Result]:
    return flasher("ledger", "list")[1]["entries"]  # type: ignore[return-value]


def test_an_autopsy_names_node_step_cause_and_what_to_do(card: Path, failed: Status) -> None:
    _, report = flasher("inspect", card)
    assert report["summary"] == "cam-0101, failed"
    status = report["status"]
    assert isinstance(status, dict)
    assert (status["step"], status["reason"]) == (failed.step, failed.reason)
    assert "ended with an error" in str(report["cause"])
    assert "--fix" in str(report["todo"])


def test_what_the_node_said_last_is_told_when_it_is_wanted(card: Path) -> None:
    put(card, {"log.txt": b"first\ncam\x1b[2Jera\n"})
    assert flasher("inspect", card, "--log")[1]["log"] == ["first", "cam\\x1b[2Jera"]
    assert "log" not in flasher("inspect", card)[1]


def test_a_node_that_lives_is_told_to_the_ledger_once(card: Path, failed: Status) -> None:
    done = dataclasses.replace(failed, state="done", step=None, code=None, reason=None, hint=None)
    put(card, {"status.json": done.to_json()})
    for _ in range(2):
        flasher("inspect", card)
    first, *later = ledger()
    assert [line["result"] for line in (first, *later)] == ["verified", "alive"]
    assert [later[0][key] for key in ("card_id", "drive")] == [first["card_id"], str(card)]


def test_what_failed_is_tried_again_and_all_else_stays(
    card: Path, failed: Status, tmp_path: Path
) -> None:
    before, payload = outside(card), get(card, "secrets.toml")
    status, report = flasher("inspect", card, "--fix", "--yes")
    assert status == 0, report
    armed = Status.from_json(get(card, "status.json"))
    assert (armed.state, armed.node, armed.generation) == ("waiting", "cam-0101", failed.generation)
    assert (outside(card), get(card, "secrets.toml"), get(card, "log.txt")) == (
        before,
        payload,
        b"a log\n",
    )
    check_fat(card, tmp_path)
    first, second = ledger()
    assert [second[key] for key in ("card_id", "position", "result")] == [
        first["card_id"],
        first["position"],
        "verified",
    ]
    assert "script-failed" in str(second["reason"])
    assert flasher("inspect", card, "--fix", "--yes")[1]["mended"] is None


def test_a_corrected_payload_has_a_new_generation_and_no_byte_of_the_old_one_stays(
    card: Path, failed: Status, tmp_path: Path
) -> None:
    before = outside(card)
    old = unpack({name: get(card, name) for name in _names(card)})
    put(card, {"node.toml": b"name = cam-0101\n"})
    assert flasher("inspect", card, "--fix", "--yes")[1]["code"] == "needs-payload"
    status, report = flasher("inspect", card, "--fix", *NODE, "--yes")
    assert status == 0, report
    new = unpack({name: get(card, name) for name in _names(card)})
    assert failed.generation is not None
    assert new.manifest.generation > failed.generation
    assert (new.settings, new.manifest.image_digest) == (old.settings, old.manifest.image_digest)
    assert old.secrets.nonce.hex().encode() not in card.read_bytes()
    assert get(card, "log.txt") == b"a log\n"
    assert outside(card) == before
    check_fat(card, tmp_path)
    entry = ledger()[-1]
    assert (entry["generation"], entry["result"]) == (new.manifest.generation, "verified")
    assert flasher("inspect", card)[1]["summary"] == "cam-0101, not booted yet"


def test_a_payload_of_a_site_that_the_node_does_not_trust_is_doubted(
    card: Path, failed: Status
) -> None:
    known = "SHA256:abc studio"
    put(card, {"status.json": dataclasses.replace(failed, trust="pinned", signer=known).to_json()})
    status, told = flasher("inspect", card, "--fix", *NODE, "--dry-run")
    mended = told["mended"]
    assert isinstance(mended, dict)
    assert status == 0
    assert str(mended["doubt"]).endswith(f"it trusts {known}; the site demo does not sign.")


def _names(card: Path) -> list[str]:
    manifest = json.loads(get(card, "manifest.json"))
    return ["manifest.json", *manifest["files"]]


@pytest.mark.usefixtures("failed")
def test_what_a_node_took_back_is_not_tried_again_and_a_new_payload_is_newer(
    card: Path, failed: Status
) -> None:
    assert failed.generation
    higher = failed.generation + 10**6
    status = dataclasses.replace(failed, state="rolled-back", failed_generation=higher)
    put(card, {"status.json": status.to_json()})
    code, said = flasher("inspect", card, "--fix", "--yes")
    assert (code, said["code"]) == (2, "needs-payload")
    assert flasher("inspect", card, "--fix", *NODE, "--yes")[0] == 0
    assert json.loads(get(card, "manifest.json"))["generation"] > higher


@pytest.mark.usefixtures("failed")
def test_a_dry_run_and_a_missing_yes_write_nothing(card: Path) -> None:
    before, made = card.read_bytes(), ledger()
    for options in (("--dry-run",), ("--dry-run", *NODE)):
        status, report = flasher("inspect", card, "--fix", *options)
        assert (status, report["mended"] is not None) == (0, True)
    assert flasher("inspect", card, "--fix")[1]["code"] == "not-confirmed"
    assert (card.read_bytes(), ledger()) == (before, made)


@pytest.mark.usefixtures("failed")
def test_a_drive_in_use_and_what_is_no_card_of_ours_are_refused(
    card: Path, base_image: Path, tmp_path: Path
) -> None:
    with card.open("rb") as busy:
        descriptor = os.open(card, os.O_RDONLY | os.O_EXCL)
        status, error = flasher("inspect", card, "--fix", "--yes")
        os.close(descriptor)
        assert busy.readable()
    assert (status, error["code"]) == (3, "drive-busy")
    other = tmp_path / "other.img"
    other.write_bytes(base_image.read_bytes())
    run(["mdeltree", "-i", f"{other}@@1M", "::autosetup"])
    assert flasher("inspect", other, "--fix", "--yes")[1]["code"] == "no-payload"


@pytest.mark.parametrize("path", ["/var/lib/autosetup", "/autosetup"])
def test_a_node_that_said_nothing_on_fat_is_known_by_its_own_record(
    card: Path, failed: Status, tmp_path: Path, path: str
) -> None:
    run(["mdel", "-i", f"{card}@@1M", "::autosetup/status.json"])
    applying = dataclasses.replace(
        failed, state="applying", step="users", code=None, reason=None, hint=None
    )
    record = Record("0" * 64, applying)
    content = {
        "digest": record.digest,
        "status": json.loads(applying.to_json()),
        "scripts": [],
    }
    (tmp_path / "state").write_text(json.dumps(content))
    folders = [*reversed(Path(path).parents), Path(path)][1:]
    commands = [
        *(f"mkdir {folder}" for folder in folders),
        f"write {tmp_path / 'state'} {path}/state.json",
    ]
    root = f"{card}?offset={ROOT}"
    run(["debugfs", "-w", "-f", "-", root], stdin="\n".join(commands).encode())
    _, report = flasher("inspect", card)
    assert report["summary"] == "cam-0101, applying"
    assert report["from_record"] is True
    assert "users" in str(report["cause"])
    run(["mdeltree", "-i", f"{card}@@1M", "::autosetup"])
    _, report = flasher("inspect", card)
    assert (report["summary"], report["manifest"]) == ("cam-0101, applying", None)
    assert flasher("inspect", card, "--fix", *NODE, "--yes")[0] == 0
    assert "a newer one" in str(flasher("inspect", card)[1]["todo"])


def test_a_node_that_started_and_said_nothing_is_told_from_one_that_never_did(card: Path) -> None:
    assert flasher("inspect", card)[1]["started"] is False
    run(["tune2fs", "-C", "1", f"{card}?offset={ROOT}"])
    _, report = flasher("inspect", card)
    assert report["summary"] == "cam-0101, started, and its agent said nothing"
