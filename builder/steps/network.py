"""apt in scripts that use the network: what it fetches is kept, recorded, and offered again.

apt itself tells what it is about to install: apt.conf(5), DPkg::Pre-Install-Pkgs. Where a record is
there, apt is offered those packages and no others, from the pool. Whatever else a script takes from
the network is beyond us.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from builder.bench import Bench
from builder.lock import LockedGroup, LockedPackage
from builder.pool import Pool
from builder.sandbox import Mount
from flasher.process import run

RESOLVER = Path("/etc/resolv.conf")
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")

_SANDBOX = 'APT::Sandbox::User "root";\n'
_RECORDING = _SANDBOX + 'DPkg::Pre-Install-Pkgs {{ "/bin/sh {place}/keep"; }};\n'
_REPLAYING = (
    _SANDBOX
    + """Dir::Etc::SourceList "{place}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Acquire::Languages "none";
"""
)
_SOURCES = "deb [trusted=yes] copy:{place}/repository ./\n"

# Keeps each .deb, and where each package of the archive's lists comes from.
_KEEP = """while read -r deb; do cp "$deb" {place}/debs/; done
apt-get indextargets --format '$(REPO_URI) $(FILENAME)' 'Created-By: Packages' |
while read -r uri list; do
    echo "URI: $uri"
    /usr/lib/apt/apt-helper cat-file "$list" | grep -E '^(Filename|SHA256): '
done >> {place}/offers
"""
_FIELDS = ("Package", "Version", "Architecture", "Source", "Section", "Homepage", "Description")


def furnish(folder: Path, place: str, fetched: LockedGroup | None, bench: Bench) -> Path | None:
    """Lay out apt's settings for a script.

    Args:
        folder: to fill; the script sees it at `place`.
        place: absolute.
        fetched: what apt may have; None to record what it fetches.
        bench: with the pool.

    Returns:
        The repository to bind at `place`/repository, None while recording.
    """
    for name in ("debs", "repository"):
        (folder / name).mkdir()
    settings = _RECORDING if fetched is None else _REPLAYING
    for name, text in (("apt.conf", settings), ("keep", _KEEP), ("sources.list", _SOURCES)):
        (folder / name).write_text(
            text.format(place=place) if name != "keep" else text.replace("{place}", place),
            encoding="utf-8",
        )
        (folder / name).chmod(0o644)
    (folder / "offers").touch()
    return None if fetched is None else bench.pool.repository(fetched.packages, cancel=bench.cancel)


def environment(place: str) -> dict[str, str]:
    """What a script sees beside its own: apt's settings, and this computer's way to the network."""
    proxies = {
        name: os.environ[name]
        for each in PROXIES
        for name in (each, each.upper())
        if name in os.environ
    }
    return {"APT_CONFIG": f"{place}/apt.conf", **proxies}


def resolver_mount(tree: str) -> Mount:
    """This computer's resolver for programs of the tree."""
    return Mount("bind-read-only", f"{tree}{RESOLVER}", str(RESOLVER.resolve()))


def collect(folder: Path, name: str, epoch: int, digest: str, pool: Pool) -> LockedGroup:
    """Move what apt fetched into the pool.

    Args:
        folder: that `furnish` filled.
        name, epoch: of the script.
        digest: of what it was made from, kept as what was requested.
        pool: keeps the packages.
    """
    offers = _read_offers((folder / "offers").read_text(encoding="utf-8"))
    packages = [_keep(deb, offers, pool) for deb in sorted((folder / "debs").glob("*.deb"))]
    packages.sort(key=lambda each: (each.name, each.architecture))
    return LockedGroup(name, epoch, (digest,), tuple(packages))


def _read_offers(told: str) -> Mapping[str, str]:
    """The address of each package, by its SHA-256."""
    offers: dict[str, str] = {}
    base = filename = ""
    for line in told.splitlines():
        key, _, value = line.partition(": ")
        if key == "URI":
            base = value.rstrip("/")
        elif key == "Filename":
            filename = value
        else:
            offers[value] = f"{base}/{filename}"
    return offers


def _keep(deb: Path, offers: Mapping[str, str], pool: Pool) -> LockedPackage:
    data = deb.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    told = run(["dpkg-deb", "--field", str(deb), *_FIELDS]).text
    fields: dict[str, str] = dict(re.findall(r"^([A-Z]\w+): (.*)$", told, re.MULTILINE))
    pool.folder.mkdir(parents=True, exist_ok=True)
    part = pool.folder / f"{digest}.deb.part"
    part.write_bytes(data)
    part.replace(pool.folder / f"{digest}.deb")
    uri = offers.get(digest, f"file:/{deb.name}")
    return LockedPackage.from_fields(fields, uri=uri, size=len(data), sha256=digest)
