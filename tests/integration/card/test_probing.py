"""The probe on real block devices, and beside f3's."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flasher.card.probing.probe import examine
from flasher.cli import main
from tests.faults.disk import Fault
from tests.faults.faulty_card import faulty_card
from tests.simulated_card import Geometry, SimulatedCard

MIB, GIB = 1 << 20, 1 << 30
SIZE = 2 * GIB
SMALL = GIB // 4
Probed = tuple[int, list[dict[str, object]]]


@pytest.fixture
def probe(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], Probed]:
    """Exit status and results of `flasher probe`, without its progress."""

    def run(drive: Path) -> Probed:
        status = main(["probe", "--yes", "--json", str(drive)])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return status, [line for line in lines if line["kind"] != "progress"]

    return run


def test_a_good_card_is_as_it_was_and_hardly_larger(
    tmp_path: Path,
    make_loop: Callable[..., Path],
    probe: Callable[[Path], Probed],
) -> None:
    backing = tmp_path / "card"
    with backing.open("wb") as handle:
        for place in range(0, SMALL, SMALL // 64):
            handle.seek(place)
            handle.write(place.to_bytes(8, "little") * 8192)
        handle.truncate(SMALL)
    before, used = _digest(backing), backing.stat().st_blocks * 512
    status, (result,) = probe(make_loop(backing))
    assert (status, result["verdict"], result["real"]) == (0, "good", SMALL)
    assert _digest(backing) == before
    assert backing.stat().st_blocks * 512 - used < 24 * MIB


@pytest.mark.parametrize("real", [512 * MIB, 700 * MIB + 512 * 77])
def test_a_card_that_wraps_is_refused_with_its_real_size(
    real: int, tmp_path: Path, probe: Callable[[Path], Probed]
) -> None:
    backing = tmp_path / "card"
    with backing.open("wb") as handle:
        handle.write(b"what was there before" * MIB)
    before = _digest(backing, 16 * MIB)
    with faulty_card(backing, SIZE, Fault("wrap", length=real)) as card:
        status, (result, error) = probe(card.path)
    assert (status, error["code"]) == (1, "card-counterfeit")
    assert abs(int(str(result["real"])) - real) < 4096
    assert _digest(backing, 16 * MIB) == before


def test_a_card_whose_end_fails_is_called_defective(
    tmp_path: Path, probe: Callable[[Path], Probed]
) -> None:
    with faulty_card(tmp_path / "card", SIZE, Fault("fail", first=GIB)) as card:
        status, (result, error) = probe(card.path)
    assert (status, error["code"], result["real"]) == (1, "card-defective", GIB)


def test_a_card_that_forgets_is_refused(tmp_path: Path, probe: Callable[[Path], Probed]) -> None:
    with faulty_card(tmp_path / "card", SIZE, Fault("lose", "write", first=GIB)) as card:
        status, (result, error) = probe(card.path)
    assert (status, error["code"], result["real"]) == (1, "card-counterfeit", GIB)


def test_who_interrupts_it_finds_the_card_as_it_was(tmp_path: Path) -> None:
    backing = tmp_path / "card"
    with backing.open("wb") as handle:
        handle.truncate(SMALL - 32 * MIB)
        handle.seek(0, os.SEEK_END)
        handle.write(b"what was there before!" * (32 * MIB // 22))
    with faulty_card(backing, SMALL, Fault("slow", "write", length=40_000_000)) as card:
        before = _digest(backing)
        command = [sys.executable, "-m", "flasher", "probe", "--yes", str(card.path)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as probing:
            card.wait("written", 8 * MIB)
            assert _digest(backing) != before
            probing.send_signal(signal.SIGINT)
            assert probing.wait() == 130
        assert _digest(backing) == before


@pytest.mark.parametrize("options", [[], ["--no-probe"]])
def test_nothing_is_written_well_to_a_card_that_lies(
    options: list[str], base_image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with faulty_card(tmp_path / "card", SMALL, Fault("wrap", length=40 * MIB)) as card:
        words = ["write", str(base_image), str(card.path), "--yes", "--json", *options]
        assert main(words) == 1
    told = capsys.readouterr().out
    assert options or "card-counterfeit" in told
    assert (tmp_path / "card").read_bytes()[:512] == bytes(512)


# Real, announced, order of the module.
@pytest.mark.parametrize(
    ("real", "announced", "order"),
    [
        (2 * MIB, 2 * MIB, 21),
        (0, 256 * MIB, 28),
        (32 * MIB, 64 * MIB, 25),
        (64 * MIB, 512 * MIB, 27),
        (77 * MIB + 512, 512 * MIB, 29),
    ],
)
def test_f3_comes_to_the_same_verdict(
    real: int, announced: int, order: int, tmp_path: Path
) -> None:
    told = _f3(tmp_path / "emulated", real, announced, order)
    module = 1 << order if 1 << order < announced else None
    ours = examine(SimulatedCard(Geometry(announced, real, module)), announced)
    words = {"good": "Good news", "bad": "damaged"}
    assert words.get(ours.kind, f"counterfeit of type {ours.kind}") in told
    usable = re.search(r"Usable\* size:.*\((\d+) blocks?\)", told)
    assert ours.kind == "good" or (usable and ours.real == int(usable[1]) * 512)


def _f3(path: Path, real: int, announced: int, order: int) -> str:
    sizes = {"real-size": real, "fake-size": announced, "wrap": order, "block-order": 9}
    options = [f"--debug-{name}={value}" for name, value in sizes.items()]
    command = ["f3probe", *options, "--debug-cache-order=-1", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # 101 to 105: fake
    return done.stdout


def _digest(path: Path, length: int = SMALL) -> str:
    with path.open("rb") as handle:
        digest = hashlib.sha256()
        while length:
            part = handle.read(min(MIB, length))
            if not part:
                break
            digest.update(part)
            length -= len(part)
        return digest.hexdigest()
