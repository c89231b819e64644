"""Which file is of which program, and where such files lie about."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autosetup.faults import Fault, Faulty
from autosetup.imports.userconf import read_userconf
from autosetup.imports.wpa_conf import read_wpa_conf
from autosetup.strict import decode
from flasher import paths
from flasher.errors import BadDocument, BadInput, FlasherError
from flasher.rig.foreign_setup import cloud_init, imager
from flasher.rig.foreign_setup.draft import Collector, SiteDraft
from flasher.rig.foreign_setup.keyfile import read_keyfile

_LARGEST = 1 << 20
_MOST = 200
_NAMES = (
    *("custom.toml", "rpi-preseed.toml", "user-data", "network-config", "firstrun.sh"),
    *("userconf.txt", "userconf", "wpa_supplicant.conf"),
)
_CONNECTION = "*.nmconnection"
_IMAGER_FOLDER = ".config/Raspberry Pi"
_PAIR = {"user-data": "network-config", "network-config": "user-data"}
_MOUNTS = Path("/proc/self/mounts")
_FAT = ("vfat", "msdos")

_Read = Callable[[str, Collector], None]


@dataclass(frozen=True, slots=True)
class FoundSetup:
    """A setup that lies about.

    Attributes:
        path: of a file, or of a boot partition's folder; `read_setup` takes both.
        summary: what it has, in a line without secrets.
    """

    path: Path
    summary: str


def read_setup(path: Path) -> SiteDraft:
    """Read a setup file, or all of those in a folder, such as a boot partition.

    cloud-init's two files belong together: one brings the other along.

    Raises:
        BadInput: ``no-setup``, it cannot be read, or is of no program known here.
        BadDocument: it is of one, and has faults; no secret is shown.
    """
    into = Collector(str(path))
    files = list(_files_of(path))
    if not files:
        what = f"{path} has no setup file of Raspberry Pi Imager, cloud-init or a wifi."
        raise BadInput("no-setup", what, f"It looks for {', '.join(_NAMES)} and {_CONNECTION}.")
    for file in files:
        _read(file, into)
    draft = into.draft()
    if draft.is_empty:
        told = f" {draft.left_out[0]}" if draft.left_out else ""
        what = f"{path} has nothing for a site.{told}"
        raise BadInput("no-setup", what, "Make the site without it: leave --from out.")
    return draft


def find_setups(home: Path | None = None, mounts: Path = _MOUNTS) -> tuple[FoundSetup, ...]:
    """Setups in Imager's own folder, among the downloads, and on mounted boot partitions.

    Args:
        home: else that of the person in front of the computer.
        mounts: the table of what is mounted.
    """
    found = []
    for path in _candidates(home or paths.home(), mounts):
        with suppress(FlasherError, OSError):
            found.append(FoundSetup(path, read_setup(path).summary))
    return tuple(found)


def _candidates(home: Path, mounts: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from sorted((home / _IMAGER_FOLDER).glob("*.conf"))[:_MOST]
    for name in ("Downloads", "Desktop", "."):
        folder = home / name
        there = [file for file in _NAMES if _is_file(folder / file)]
        yield from (folder / file for file in there if file != "network-config")
        if "network-config" in there and "user-data" not in there:
            yield folder / "network-config"
        with suppress(OSError):
            yield from sorted(folder.glob(_CONNECTION))[:_MOST]
    yield from (folder for folder in _fat_folders(mounts) if any(_files_of(folder)))


def _fat_folders(mounts: Path) -> Iterator[Path]:
    """Where cards and sticks are mounted; blanks are written as ``\\040`` there (proc(5))."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()[:_MOST]
    except OSError:
        return
    for line in lines:
        _, place, kind, *_ = [*line.split(" "), "", "", ""]
        if kind in _FAT:
            yield Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), place))


def _files_of(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (path / name for name in _NAMES if _is_file(path / name))
        yield from sorted(path.glob(_CONNECTION))[:_MOST]
        return
    yield path
    partner = path.with_name(_PAIR.get(path.name, path.name))
    if partner != path and _is_file(partner):
        yield partner


def _read(path: Path, into: Collector) -> None:
    raw = _bytes(path)
    try:
        if path.name in ("userconf.txt", "userconf"):
            user, hashed = read_userconf(str(path), raw)
            into.user(user)
            into.password(hashed)
            return
        text = decode(str(path), raw)
        _reader(path, text)(text, into)
    except Faulty as faulty:
        raise BadDocument("setup file", faulty.faults) from None
    except (configparser.Error, RecursionError, ValueError) as error:  # also those of TOML
        raise _broken(path, error) from None
    except Exception as error:
        if type(error).__module__.startswith("yaml"):  # which is loaded only where it is needed
            raise _broken(path, error) from None
        raise


def _reader(path: Path, text: str) -> _Read:
    """By its contents: names are changed."""
    if path.name == "network-config":
        return cloud_init.read_network_config
    if path.name == "user-data" or text.startswith(cloud_init.MARK):
        return cloud_init.read_user_data
    if f"[{imager.GROUP}]" in text:
        return imager.read_settings
    if "imager_custom" in text or "/userconf" in text:
        return imager.read_firstrun
    if "network={" in text or path.name == "wpa_supplicant.conf":
        return _read_wpa
    if re.search(r"^\[(connection|wifi)\]", text, re.MULTILINE):
        return read_keyfile
    if re.search(r"^\[(system|user|ssh|wlan|locale)\]", text, re.MULTILINE):
        return imager.read_custom_toml
    what = f"{path} is no setup file of a program that is known here."
    raise BadInput("no-setup", what, "Known are Raspberry Pi Imager, cloud-init and wifi files.")


def _read_wpa(text: str, into: Collector) -> None:
    found = read_wpa_conf("wpa_supplicant.conf", text.encode())
    into.country(found.country or "")
    for wifi in found.wifi:
        into.network(wifi, found.passphrases.get(wifi.ssid, ""))


def _broken(path: Path, error: Exception) -> BadDocument:
    """Where it is broken; what stands there may be a secret."""
    mark = getattr(error, "problem_mark", None)
    place = re.search(r"line[: ]+(\d+)", str(error))
    line = mark.line + 1 if mark else int(place[1]) if place else 0
    fault = Fault(str(path), line, 0, "It is broken here.", "Make the file anew.")
    return BadDocument("setup file", (fault,))


def _bytes(path: Path) -> bytes:
    if not _is_file(path):
        raise BadInput("no-setup", f"There is no file {path}.", "Check the path.")
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}."
        raise BadInput("no-setup", what, "Check your rights to it.") from None
    if len(raw) > _LARGEST:
        raise BadInput("no-setup", f"{path} is too large for a setup file.", "Check the path.")
    return raw


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
