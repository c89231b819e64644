"""The signature of a release set, judged by OpenSSL."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.release.publish import require_own_sums, sign_sums
from builder.release.sign import load_signer
from flasher.errors import BadInput
from flasher.events import Event, Noted, ignore
from flasher.process import run
from tests.integration.builder.conftest import Builds


@pytest.fixture(params=["pkcs8", "openssh"])
def key(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "release.key"
    if request.param == "pkcs8":
        run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)])
        path.chmod(0o600)
    else:
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)])
    return path


def test_openssl_accepts_the_signature_and_no_other_sums(build: Builds, tmp_path: Path):
    private, public = tmp_path / "release.key", tmp_path / "release.pub"
    run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)])
    run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)])
    release = build()
    sign_sums(release, load_signer(private, ignore))
    verify = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(public)]
    files = ["-in", str(release.sums), "-sigfile", str(release.signature)]
    assert "Verified Successfully" in run([*verify, *files]).text
    release.sums.write_bytes(release.sums.read_bytes() + b"\n")
    assert run([*verify, *files], ok=(1,)).status == 1


def test_both_forms_of_keys_sign_the_same_way_each_time(build: Builds, key: Path):
    release, signer = build(), load_signer(key, ignore)
    sign_sums(release, signer)
    first = release.signature.read_bytes()
    assert len(first) == 64
    release.signature.unlink()
    sign_sums(release, signer)
    assert release.signature.read_bytes() == first


def test_a_new_set_has_no_old_signature(build: Builds, key: Path):
    release = build()
    sign_sums(release, load_signer(key, ignore))
    assert not build(form="xz").signature.exists()


def test_nothing_is_signed_that_somebody_else_wrote(build: Builds, key: Path):
    release, signer = build(), load_signer(key, ignore)
    with release.sums.open("a") as sums:
        sums.write(f"{'0' * 64}  other.img\n")
    with pytest.raises(BadInput) as refused:
        require_own_sums(release, signer)
    assert refused.value.code == "sums-of-others"
    sign_sums(release, signer)
    require_own_sums(release, signer)


def test_a_key_that_others_may_read_is_warned_of(key: Path):
    heard: list[Event] = []
    load_signer(key, heard.append)
    assert heard == []
    key.chmod(0o644)
    load_signer(key, heard.append)
    (said,) = heard
    assert isinstance(said, Noted)
    assert said.warning
    assert "chmod" in said.text


def test_what_is_no_open_ed25519_key_is_refused_with_the_way_to_one(tmp_path: Path):
    path = tmp_path / "some.key"
    path.write_text("hello\n")
    rsa, locked = tmp_path / "rsa.key", tmp_path / "locked.key"
    run(["openssl", "genpkey", "-algorithm", "rsa", "-out", str(rsa)])
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)])
    codes = {"some.key": "key-unknown", "rsa.key": "key-unknown", "locked.key": "key-locked"}
    for name, code in {**codes, "none.key": "key-unreadable"}.items():
        with pytest.raises(BadInput) as refused:
            load_signer(tmp_path / name, ignore)
        assert refused.value.code == code
