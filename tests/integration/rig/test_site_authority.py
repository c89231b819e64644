"""A site's certificates, judged by OpenSSL's own program and by a real TLS handshake."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, create_connection, socket

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flasher.rig.signing import SiteSigner
from flasher.rig.site_authority import authority_pem, issue

pytestmark = [pytest.mark.subprocess, pytest.mark.network]
OURS = SiteSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), "studio")
OTHER = SiteSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))), "studio")
NAMES, ADDRESSES = ("central.local", "localhost"), ("127.0.0.1", "fd00::1")


@pytest.fixture(scope="module")
def issued() -> tuple[str, str]:
    """Certificate and key of a server."""
    return issue(OURS, NAMES, ADDRESSES)


def openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)


def put(folder: Path, **texts: str) -> dict[str, str]:
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {name: str(folder / name) for name in texts}


def test_openssl_trusts_the_server_of_the_site_and_of_no_other(
    tmp_path: Path, issued: tuple[str, str]
) -> None:
    files = put(tmp_path, ours=authority_pem(OURS), other=authority_pem(OTHER), server=issued[0])
    strict = ("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", NAMES[0])
    told = openssl(*strict, "-CAfile", files["ours"], files["server"])
    assert told.returncode == 0, told.stderr
    for when in ("86400", "253370764800"):  # a clock that never ran, and the year 9999
        told = openssl("verify", "-attime", when, "-CAfile", files["ours"], files["server"])
        assert told.returncode == 0, told.stderr
    assert openssl("verify", "-CAfile", files["other"], files["server"]).returncode != 0
    told = openssl("verify", "-CAfile", files["server"], "-partial_chain", files["ours"])
    assert told.returncode != 0


def test_a_server_can_vouch_for_nobody(tmp_path: Path, issued: tuple[str, str]) -> None:
    text = openssl("x509", "-noout", "-text", "-in", put(tmp_path, server=issued[0])["server"])
    assert "CA:FALSE" in text.stdout
    assert "TLS Web Server Authentication" in text.stdout


def test_the_same_key_gives_the_same_authority_whatever_the_site_is_called() -> None:
    renamed = SiteSigner(OURS.key, "attic")
    assert authority_pem(OURS) == authority_pem(OURS) == authority_pem(renamed)
    assert authority_pem(OURS) != authority_pem(OTHER)


@contextmanager
def serving(folder: Path, issued: tuple[str, str]) -> Iterator[int]:
    """A server on this computer that greets whoever trusts it; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = put(folder, certificate=issued[0], key=issued[1])
    context.load_cert_chain(files["certificate"], files["key"])
    with socket(AF_INET, SOCK_STREAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=_greet, args=(context, listening))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            with suppress(OSError), create_connection(listening.getsockname()):
                pass  # lets the thread end that nobody asked
            thread.join()


def _greet(context: ssl.SSLContext, listening: socket) -> None:
    """One greeting, and the end."""
    plain, _ = listening.accept()
    with closing(plain), suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
        secure.sendall(b"hello")


def ask(port: int, name: str, authority: str) -> bytes:
    context = ssl.create_default_context(cadata=authority)
    with (
        create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        return secure.recv(5)


@pytest.mark.parametrize("name", ["central.local", "127.0.0.1"])
def test_a_node_speaks_with_the_server_of_its_site(
    tmp_path: Path, issued: tuple[str, str], name: str
) -> None:
    with serving(tmp_path, issued) as port:
        assert ask(port, name, authority_pem(OURS)) == b"hello"


@pytest.mark.parametrize(
    ("name", "signer"), [("central.local", OTHER), ("other.local", OURS), ("127.0.0.2", OURS)]
)
def test_a_node_speaks_with_no_other(
    tmp_path: Path, issued: tuple[str, str], name: str, signer: SiteSigner
) -> None:
    with serving(tmp_path, issued) as port, pytest.raises(ssl.SSLCertVerificationError):
        ask(port, name, authority_pem(signer))


def test_what_is_made_of_the_key_for_one_purpose_tells_nothing_of_another() -> None:
    made = {OURS.derived(purpose) for purpose in ("one", "two", "two ")} | {OTHER.derived("one")}
    assert len(made) == 4
    assert OURS.derived("one", 80)[:32] == OURS.derived("one")
