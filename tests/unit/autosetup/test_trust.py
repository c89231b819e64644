"""Whose key is it, who signed, and what counts: judged by OpenSSH and OpenSSL where they can."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from autosetup.faults import Faulty
from autosetup.manifest import MANIFEST, SIGNATURE, SITE_KEY
from autosetup.payload import unpack
from autosetup.site_key import SiteKey, read_keys
from autosetup.system import System
from autosetup.trust import POLICY, TRUSTED, Signature, Trusted, judge, look, policy_of, trusted_by
from tests.unit.autosetup.sample_payloads import (
    OTHER_KEY,
    SITE_SIGNER,
    public_key,
    sealed,
    site_key,
)

KEY, OTHER = site_key(SITE_SIGNER, "studio"), site_key(OTHER_KEY, "elsewhere")


@pytest.mark.subprocess
def test_the_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    (tmp_path / "site.pub").write_text(f"{KEY.line}\n")
    argv = ["ssh-keygen", "-lf", str(tmp_path / "site.pub")]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert shown.split()[:3] == ["256", KEY.fingerprint, "studio"]


def test_the_line_is_the_one_that_openssh_writes() -> None:
    line = OTHER_KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert read_keys("x", f"{line} elsewhere here\n".encode())[0].line == f"{line} elsewhere here"


def test_a_file_may_have_several_keys_and_comments() -> None:
    text = f"# ours\r\n{KEY.line}\r\n\r\n{OTHER.line}\r\n"
    assert read_keys("x", text.encode()) == (KEY, OTHER)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is no key in it."),
        ("# nothing\n", "There is no key in it."),
        ("hello\n", "x:1:1: This is no public Ed25519 key."),
        (f"{KEY.line}\n{public_key('ssh-rsa')}\n", "x:2:1: This is no public Ed25519 key."),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "This is a private key"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAAWE= short\n", "x:1:1: This is no public"),
        (f"{KEY.line[:60]}\n", "not a whole key"),
        ("\ufeff\x00", "not plain UTF-8"),
    ],
)
def test_what_is_no_key_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(Faulty) as caught:
        read_keys("x", text.encode())
    assert said in str(caught.value)


def test_a_file_of_another_kind_is_told_once_and_not_by_each_line() -> None:
    with pytest.raises(Faulty) as caught:
        read_keys("x", b"# Flasher\n\nFrom a box\nof blank cards\n")
    assert str(caught.value) == (
        "x:3:1: This is no public Ed25519 key. Give the line that `flasher site key` prints."
    )


def test_a_comment_cannot_rearrange_a_screen() -> None:
    line = f"{KEY.line} \x1b[2J{'x' * 99}"
    (key,) = read_keys("x", line.encode())
    assert key.comment == f"studio [2J{'x' * 99}"[:64]


@pytest.mark.subprocess
def test_the_signature_is_one_that_openssl_verifies(tmp_path: Path) -> None:
    raw = sealed()
    public = SITE_SIGNER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "site.pem").write_bytes(public)
    for name in (MANIFEST, SIGNATURE):
        (tmp_path / name).write_bytes(raw[name])
    asked = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "site.pem"]
    asked += ["-in", MANIFEST, "-sigfile", SIGNATURE]
    assert subprocess.run(asked, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_who_signed_is_told() -> None:
    raw = sealed()
    assert unpack(raw).settings.name == "cam-0101"
    assert look(raw) == Signature("good", KEY)
    assert str(look(raw)) == f"signed by {KEY.fingerprint} studio"


def test_a_known_key_says_itself_whose_it_is() -> None:
    ours = SiteKey(KEY.raw, "as we know it")
    found = look(sealed(), (OTHER, ours))
    assert str(found.key) == f"{KEY.fingerprint} as we know it"


@pytest.mark.parametrize("brought", [b"", b"no key\n", OTHER.line.encode()])
def test_without_the_right_key_beside_it_a_known_one_is_enough(brought: bytes) -> None:
    raw = sealed() | {SITE_KEY: brought}
    assert look(raw).kind == "wrong"
    assert look(raw, (KEY,)).kind == "good"


def test_every_byte_of_manifest_and_signature_counts() -> None:
    raw = sealed()
    for name in (MANIFEST, SIGNATURE):
        for at in range(0, len(raw[name]), 13):
            spoiled = bytearray(raw[name])
            spoiled[at] ^= 1
            assert look({**raw, name: bytes(spoiled)}).kind == "wrong"
    for signature in (b"", raw[SIGNATURE][:-1], raw[SIGNATURE] + b"\n"):
        assert look({**raw, SIGNATURE: signature}).kind == "wrong"


def test_keys_of_the_image_count_alone(tmp_path: Path) -> None:
    system = System(tmp_path)
    assert trusted_by(system, b"") == Trusted()
    pinned = f"{KEY.line}\n".encode()
    assert trusted_by(system, pinned) == Trusted((KEY,))
    system.write(f"{TRUSTED}/other.pub", OTHER.line.encode())
    assert trusted_by(system, pinned) == Trusted((OTHER,), baked=True)
    system.write(f"{TRUSTED}/site.pub", b"spoiled")
    with pytest.raises(Faulty, match=r"trusted\.d/site\.pub:1:1"):
        trusted_by(system, pinned)


def test_the_policy_is_a_word_of_the_image(tmp_path: Path) -> None:
    system = System(tmp_path)
    assert policy_of(system) == "refuse"
    system.write(POLICY, b"network-only\n")
    assert policy_of(system) == "network-only"
    system.write(POLICY, b"network only\n")
    with pytest.raises(Faulty, match="refuse, network-only, allow"):
        policy_of(system)


BAKED, PINNED, NONE = Trusted((KEY,), baked=True), Trusted((KEY,)), Trusted()
OURS, THEIRS = Signature("good", KEY), Signature("good", OTHER)
UNSIGNED, WRONG, UNCHECKED = Signature("unsigned"), Signature("wrong"), Signature("unchecked")


@pytest.mark.parametrize(
    ("trusted", "signature", "standing"),
    [
        (BAKED, OURS, "baked"),
        (PINNED, OURS, "pinned"),
        (NONE, OURS, "pinned"),
        (NONE, THEIRS, "pinned"),
        (NONE, UNSIGNED, "unsigned"),
        (NONE, UNCHECKED, "unsigned"),
        (NONE, WRONG, None),
        *itertools.product((BAKED, PINNED), (THEIRS, UNSIGNED, WRONG, UNCHECKED), (None,)),
    ],
)
def test_only_what_is_not_trusted_or_was_edited_is_left_to_the_policy(
    trusted: Trusted, signature: Signature, standing: str | None
) -> None:
    for edited in (False, True):
        assert judge(signature, trusted, "refuse", edited=edited) == standing
    for policy in ("network-only", "allow"):
        assert judge(signature, trusted, policy, edited=True) == policy
        assert judge(signature, trusted, policy, edited=False) == (standing or policy)
