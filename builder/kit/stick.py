"""The offline kit: a folder for a USB stick, with all that a bench without network needs."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.kit.guide import guide
from flasher.errors import BadInput
from flasher.kits import FOLDER

_PACKED = (".img.zst", ".img.xz", ".zip")
# What only those who build the image can use.
_OF_BUILDERS = (".build.log", ".lock")
_SUMS = ("SHA256SUMS", "SHA256SUMS.sig")
# FAT32, which sticks come with: one byte less than 4 GiB, and names that it can have.
_LARGEST = (1 << 32) - 1
_NAME = re.compile(r'[^<>:"/\\|?*\x00-\x1f]*[^<>:"/\\|?*\x00-\x1f. ]')


def make_stick(out: Path, package: Path, images: Path, profiles: Sequence[Path]) -> Path:
    """Make the folder; one that is there already is replaced once the new one is whole.

    Args:
        out: where it is made.
        package: the Debian package.
        images: a folder with release sets; the newest that is packed is taken.
        profiles: folders of profiles that go along.

    Returns:
        the folder.

    Raises:
        BadInput: ``no-release-set``; or ``not-for-sticks``, of what FAT32 cannot hold.
    """
    target = out / FOLDER
    with tempfile.TemporaryDirectory(prefix=f".{FOLDER}.", dir=out) as scratch:
        made = Path(scratch) / FOLDER
        (made / "images").mkdir(parents=True)
        made.chmod(0o755)
        shutil.copy2(package, made)
        for file in release_set(images):
            shutil.copy2(file, made / "images")
        for folder in profiles:
            shutil.copytree(folder, made / "profiles" / folder.name)
        shutil.copyfile(Path(__file__).parent / "files/README.txt", made / "README.txt")
        (made / "guide.html").write_text(guide())
        (made / "SHA256SUMS").write_text("".join(_sums(made)))
        check_names(made)
        if target.exists():
            shutil.rmtree(target)
        made.rename(target)
    return target


def release_set(folder: Path) -> list[Path]:
    """The files of the newest packed image in a folder, and of its papers; not the raw image.

    Raises:
        BadInput: ``no-release-set``.
    """
    packed = [path for suffix in _PACKED for path in folder.glob(f"*{suffix}")]
    if not packed:
        raise BadInput(
            "no-release-set",
            f"No packed base image lies in {folder}.",
            "Build one with `flasher build-base --out DIR`, then give that folder to --images.",
        )
    image = max(packed, key=lambda path: path.stat().st_mtime_ns)
    name = image.name.removesuffix(".zip").split(".img")[0]
    others = (*_PACKED, ".img", *_OF_BUILDERS)
    papers = [path for path in folder.glob(f"{name}.*") if not path.name.endswith(others)]
    sums = [folder / sums for sums in _SUMS if (folder / sums).is_file()]
    return [image, *sorted(papers), *sums]


def check_names(folder: Path) -> None:
    """See that FAT32 can hold a folder.

    Raises:
        BadInput: ``not-for-sticks``.
    """
    seen: set[str] = set()
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        fault = "has the name of another file" if name.lower() in seen else _fault_of(path)
        seen.add(name.lower())
        if fault:
            raise BadInput(
                "not-for-sticks",
                f"{name} {fault}: a stick with FAT32 cannot hold it.",
                "Give it another name, or make the image smaller.",
            )


def _fault_of(path: Path) -> str:
    if not _NAME.fullmatch(path.name):
        return "has a name that is not allowed there"
    return "is larger than 4 GiB" if path.is_file() and path.stat().st_size > _LARGEST else ""


def _sums(folder: Path) -> Iterator[str]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        yield f"{digest}  {path.relative_to(folder)}\n"
