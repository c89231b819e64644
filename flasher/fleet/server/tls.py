"""A certificate for this computer, vouched for by the site; made anew at each start and address."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flasher.rig.signing import SiteSigner
from flasher.rig.site_authority import authority_pem, issue


@dataclass(frozen=True, slots=True)
class Papers:
    """What is shown to those who connect, and the authority (PEM) that vouches for it."""

    context: ssl.SSLContext
    authority: str


def papers(signer: SiteSigner, names: list[str], addresses: list[str]) -> Papers:
    """For a server that is called by these names and addresses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    renew(context, signer, names, addresses)
    return Papers(context, authority_pem(signer))


def renew(
    context: ssl.SSLContext, signer: SiteSigner, names: list[str], addresses: list[str]
) -> None:
    """Show those who connect from now on a certificate for other names and addresses."""
    certificate, key = issue(signer, names, addresses)
    # The library reads files only.
    with TemporaryDirectory(prefix="flasher-", dir=_memory()) as folder:
        path = Path(folder) / "both.pem"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(certificate + key)
        context.load_cert_chain(path)


def own_names() -> list[str]:
    """What this computer is called on its network."""
    name = socket.gethostname().split(".")[0].lower()
    return ["localhost", name, f"{name}.local"]


def _memory() -> str | None:
    """Where files never touch a disk, if there is such a place."""
    return next((place for place in ("/dev/shm",) if os.access(place, os.W_OK)), None)  # noqa: S108
