"""Public keys that lie about: found, described as ssh-keygen does, weak ones named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from flasher.errors import BadInput
from flasher.rig.public_keys import find_public_keys, key_warning, read_public_key

# Made for these tests with ssh-keygen; nobody has the private halves.
RSA_KINDS = [("rsa", "1024"), ("rsa", "2048"), ("rsa", "3072")]
KINDS = [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), *RSA_KINDS]


def make_key(folder: Path, kind: str, bits: str) -> Path:
    path = folder / f"{kind}-{bits}"
    size = [] if kind == "ed25519" else ["-b", bits]
    argv = ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "me at work", "-f", str(path)]
    subprocess.run(argv, check=True)
    return path.with_name(f"{path.name}.pub")


@pytest.mark.subprocess
@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_a_found_key_is_described_as_ssh_keygen_describes_it(
    tmp_path: Path, kind: str, bits: str
) -> None:
    path = make_key(tmp_path, kind, bits)
    (found,) = find_public_keys(tmp_path)
    argv = ["ssh-keygen", "-lf", str(path)]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    size, fingerprint, *comment = told.split()
    assert (str(found.bits), found.fingerprint) == (size, fingerprint)
    assert [*found.comment.split(), f"({kind.upper()})"] == comment
    assert (not found.complaint, bool(found.warning)) == (True, bits == "1024")
    assert read_public_key(str(path)) == found.line


@pytest.mark.subprocess
def test_strong_keys_stand_in_front_of_weak_ones(tmp_path: Path) -> None:
    make_key(tmp_path, "rsa", "1024").rename(tmp_path / "a.pub")
    make_key(tmp_path, "ed25519", "256").rename(tmp_path / "b.pub")
    assert [key.path.name for key in find_public_keys(tmp_path)] == ["b.pub", "a.pub"]


def test_what_is_no_key_is_left_out_and_dsa_is_named(tmp_path: Path) -> None:
    (tmp_path / "note.pub").write_text("closed on Mondays")
    (tmp_path / "picture.pub").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "folder.pub").mkdir()
    (tmp_path / "gone.pub").symlink_to("nowhere")
    (tmp_path / "old.pub").write_text("ssh-dss AAAAB3NzaC1kc3MAAACBAP old")
    (found,) = find_public_keys(tmp_path)
    assert "DSA is too weak" in found.complaint
    with pytest.raises(BadInput, match="no public key"):
        read_public_key(found.line)


def test_a_folder_that_is_not_there_holds_no_keys(tmp_path: Path) -> None:
    assert find_public_keys(tmp_path / ".ssh") == ()


def test_a_private_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n")
    with pytest.raises(BadInput) as caught:
        read_public_key(str(path))
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"
    assert not key_warning("ssh-ed25519 AAAA me")
