"""Secrets that no run will ask for any more: gone from the card, wherever they came from."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autosetup.secrets_file import SECRETS
from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.test_trusting import (
    KEYFILE,
    bake,
    edit,
    outcome,
    payload,
    run,
)
from tests.integration.conftest import LoopMaker
from tests.unit.autosetup.sample_payloads import FILES, GENERATION, SETTINGS, packed, sealed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)
TYPED = '[wifi_passphrases]\nStudio = "moved to Tokyo"\n'


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    return fresh()


@contextmanager
def mounted(device: Path, folder: Path) -> Iterator[Path]:
    """A boot partition as a person's computer has it."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", device, folder], check=True)
    try:
        yield folder
        subprocess.run(["sync", "-f", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


def test_those_of_an_older_payload_that_was_never_done_are_erased_too(node: Node) -> None:
    failing = {**FILES, "scripts/10-hello": b"#!/bin/sh\nexit 1\n"}
    node.insert(packed(PLAIN, files=failing))
    assert node.run().returncode == 1
    for name, data in packed(PLAIN, generation=GENERATION + 1).items():
        path = node.upper / "payload" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.replace(b"0123456789abcdef" * 2, b"f" * 32))
    assert node.run("apply", "/payload").returncode == 0
    assert b"correct horse" not in (node.card / SECRETS).read_bytes()


def test_no_copy_that_an_editor_left_of_typed_ones_stays(
    node: Node, tmp_path: Path, make_loop: LoopMaker
) -> None:
    """A file system without a journal, as FAT is; the raw medium is searched."""
    image = tmp_path / "bootfs"
    subprocess.run(["truncate", "-s", "8M", image], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext2", "-m", "0", image], check=True)
    device = make_loop(image)
    bake(node, policy="network-only").card.mkdir(parents=True)
    place = '"$root/boot/firmware"'
    (node.folder / "trouble").write_text(f"mount {device} {place}\n")
    with mounted(device, tmp_path / "mounted") as boot:
        (boot / "autosetup").mkdir()
        for name, data in sealed(payload()).items():
            (boot / "autosetup" / name).write_bytes(data)
    assert run(node).returncode == 0
    with mounted(device, tmp_path / "mounted") as boot:
        card = boot / "autosetup"
        for name in ("first", "second"):
            (card / name).write_text(TYPED)
            subprocess.run(["sync", "-f", boot], check=True)
            (card / name).replace(card / SECRETS)
    assert image.read_bytes().count(b"moved to Tokyo") > 1
    assert run(node).returncode == 0
    assert "psk=moved to Tokyo" in node.read(KEYFILE)
    with mounted(device, tmp_path / "mounted"):
        pass
    assert b"moved to Tokyo" not in image.read_bytes()


def test_typed_ones_wait_until_a_fault_beside_them_is_mended(node: Node) -> None:
    bake(node, policy="network-only").insert(sealed(payload()))
    assert run(node).returncode == 0
    edit(node, '"Europe/Berlin"', '"Asia/Tokyo')
    (node.card / SECRETS).write_text(TYPED)
    run(node)
    assert "Close the quote" in (node.card / "log.txt").read_text()
    edit(node, '"Asia/Tokyo', '"Asia/Tokyo"')
    assert run(node).returncode == 0
    assert outcome(node) == ("done", None, "network-only")
    assert "psk=moved to Tokyo" in node.read(KEYFILE)
    assert b"moved to Tokyo" not in (node.card / SECRETS).read_bytes()
