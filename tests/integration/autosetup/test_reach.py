"""What a kernel says of a node's radios and cables; joining is tried in tests/rehearsal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autosetup.air import Air, Block
from autosetup.reach import look
from autosetup.system import System

_ADDRESSES = "from autosetup.board import *; a = addresses(); print(*a, is_reachable(a))"


def write(root: Path, files: dict[str, str]) -> System:
    for name, text in files.items():
        path = root / "sys/class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return System(root)


RADIO = {"net/wlan0/phy80211/name": "phy0", "net/wlan0/device/uevent": "", "net/wlan0/carrier": "1"}


def test_a_radio_is_told_from_a_cable(tmp_path: Path) -> None:
    air = look(write(tmp_path, RADIO | {"net/lo/carrier": "1"}), 0)
    assert air == Air(has_radio=True, has_cable=False, heard=None)


@pytest.mark.parametrize("carrier", ["0", "1"])
def test_a_cable_counts_where_something_is_at_its_other_end(tmp_path: Path, carrier: str) -> None:
    system = write(tmp_path, {"net/eth0/device/uevent": "", "net/eth0/carrier": carrier})
    assert look(system, 0) == Air(has_radio=False, has_cable=carrier == "1", heard=None)


@pytest.mark.parametrize(
    ("soft", "hard", "block"), [("0", "0", ""), ("1", "0", "soft"), ("0", "1", "hard")]
)
def test_a_switched_off_radio_is_seen(tmp_path: Path, soft: str, hard: str, block: Block) -> None:
    switch = {"type": "wlan", "soft": soft, "hard": hard}
    others = {"rfkill0/type": "bluetooth", "rfkill0/soft": "1", "rfkill0/hard": "1"}
    files = others | {f"rfkill1/{name}": value for name, value in switch.items()}
    system = write(tmp_path, {f"rfkill/{name}": value for name, value in files.items()})
    assert look(system, 0).blocked == block


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "False"),
        (["169.254.3.3/16 scope link"], "169.254.3.3 False"),
        (["169.254.3.3/16 scope link", "10.0.0.9/8"], "10.0.0.9 169.254.3.3 True"),
        (["10.0.0.9/8", "10.0.0.10/8"], "10.0.0.9 10.0.0.10 True"),
    ],
)
def test_an_interface_has_all_of_its_addresses(given: list[str], told: str) -> None:
    words = [f"ip address add {address} dev lo" for address in given]
    script = "; ".join(["set -e", *words, 'exec "$@"'])
    argv = ["unshare", "--net", "sh", "-c", script, "sh", sys.executable, "-c", _ADDRESSES]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip() == told
