"""Archives of packages of our own making, in the form of Debian's, signed with keys of our own."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from flasher.process import run

_FIELDS = 'for deb; do dpkg-deb --field "$deb" && echo || exit 1; done'
_OWNER = "Archive <archive@example.org>"


@dataclass(frozen=True)
class Signer:
    """A key that signs archives; `public` is the file with its public half, as apt reads it."""

    home: Path
    public: Path

    def sign(self, release: Path) -> None:
        argv = [
            "gpg",
            "--batch",
            "--yes",
            "--clearsign",
            "--output",
            str(release.parent / "InRelease"),
        ]
        subprocess.run([*argv, str(release)], env=self.env, check=True, capture_output=True)

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "GNUPGHOME": str(self.home)}


@contextmanager
def signing(public: Path) -> Iterator[Signer]:
    """Make a key; its public half goes to `public`, armoured where that ends in .asc."""
    with TemporaryDirectory(prefix="key", dir="/tmp") as home:  # short: its sockets' paths are
        signer = Signer(Path(home), public)
        making = [
            "gpg",
            "--batch",
            "--passphrase",
            "",
            "--quick-gen-key",
            _OWNER,
            "rsa2048",
            "sign",
        ]
        subprocess.run([*making, "never"], env=signer.env, check=True, capture_output=True)
        armour = ["--armor"] if public.suffix == ".asc" else []
        exported = subprocess.run(
            ["gpg", *armour, "--export"], env=signer.env, check=True, capture_output=True
        )
        public.write_bytes(exported.stdout)
        try:
            yield signer
        finally:
            subprocess.run(["gpgconf", "--kill", "all"], env=signer.env, check=True)


def make_deb(folder: Path, name: str, version: str = "1", **fields: str) -> Path:
    """A package that holds nothing but a file that tells its version.

    Args:
        folder: where to.
        fields: further ones of its control file, `_` for `-`; `Architecture` is all by default.
    """
    told = {"Architecture": "all", "Maintainer": _OWNER, "Description": f"The {name}.", **fields}
    with TemporaryDirectory(dir=folder) as place:
        tree = Path(place)
        tree.chmod(0o755)
        (tree / "DEBIAN").mkdir()
        lines = [f"Package: {name}", f"Version: {version}"]
        lines += [f"{key.replace('_', '-')}: {value}" for key, value in told.items()]
        (tree / "DEBIAN/control").write_text("\n".join(lines) + "\n")
        (tree / "usr/share" / name).mkdir(parents=True)
        (tree / "usr/share" / name / "version").write_text(f"{version}\n")
        deb = folder / f"{name}_{version}_{told['Architecture']}.deb"
        run(["dpkg-deb", "--build", "--root-owner-group", str(tree), str(deb)])
    return deb


def make_archive(
    root: Path,
    suite: str,
    components: Mapping[str, Iterable[Path]],
    signer: Signer | None,
    architectures: Iterable[str] = ("amd64",),
    **release: str,
) -> str:
    """Lay out an archive as Debian and Ubuntu do: pool, index of each component, signed Release.

    Args:
        root: its folder; another suite may be in it.
        components: the .debs of each, hard-linked into the pool.
        signer: None leaves it unsigned.
        architectures: that it says to have.
        release: further fields of the Release file, `_` for `-`.

    Returns:
        Its address.
    """
    dists = root / "dists" / suite
    sums = []
    for component, debs in components.items():
        pool = root / "pool" / suite / component
        pool.mkdir(parents=True, exist_ok=True)
        entries = _index([_linked(deb, pool) for deb in debs], root)
        for architecture in architectures:
            index = dists / component / f"binary-{architecture}" / "Packages"
            index.parent.mkdir(parents=True, exist_ok=True)
            index.write_text("\n".join(text for of, text in entries if of in ("all", architecture)))
            data = index.read_bytes()
            sums.append(
                f" {hashlib.sha256(data).hexdigest()} {len(data)} {index.relative_to(dists)}"
            )
    fields = {
        "Origin": "Test",
        "Suite": suite,
        "Codename": suite,
        "Date": formatdate(usegmt=True),
        "Architectures": " ".join(architectures),
        "Components": " ".join(components),
        **{name.replace("_", "-"): value for name, value in release.items()},
    }
    text = "".join(f"{name}: {value}\n" for name, value in fields.items())
    told = dists / "Release"
    told.write_text(text + "SHA256:\n" + "\n".join(sums) + "\n")
    if signer:
        signer.sign(told)
    return f"file:{root}"


@contextmanager
def serving(hosts: Mapping[str, Path]) -> Iterator[tuple[str, list[str]]]:
    """A proxy on this computer that is some hosts itself, and asks all others.

    Args:
        hosts: the folder that each serves; that of "" is served without a proxy.

    Yields:
        Its address, and what it was asked for.
    """
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            host = urlsplit(self.path).hostname or ""
            if host in hosts:
                self.directory = str(hosts[host])
                self.path = urlsplit(self.path).path
                super().do_GET()
                return
            try:
                with urlopen(self.path) as got:  # noqa: S310 - whatever apt asks for
                    self.send_response(200)
                    self.send_header("Content-Length", got.headers["Content-Length"])
                    self.end_headers()
                    shutil.copyfileobj(got, self.wfile)
            except HTTPError as error:
                self.send_error(error.code)

        def log_message(self, *_args: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def _linked(deb: Path, pool: Path) -> Path:
    place = pool / deb.name
    try:
        place.hardlink_to(deb)
    except OSError:
        shutil.copy(deb, place)
    return place


def _index(debs: list[Path], root: Path) -> list[tuple[str, str]]:
    """Architecture and text of each package's entry."""
    told = run(["sh", "-c", _FIELDS, "sh", *map(str, debs)]).text.split("\n\n")[:-1] if debs else []
    entries = []
    for deb, own in zip(debs, told, strict=True):
        found = re.search(r"^Architecture: (.*)$", own, re.MULTILINE)
        assert found
        digest, size = hashlib.sha256(deb.read_bytes()).hexdigest(), deb.stat().st_size
        where = f"Filename: {deb.relative_to(root)}\nSize: {size}\nSHA256: {digest}\n"
        entries.append((found[1], f"{own.strip()}\n{where}"))
    return entries
