"""Put a finished set in place of the old one, so that a set with a manifest is whole."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from builder.release.files import Release
from builder.release.sign import Signer
from builder.release.whole import Measure, lines_about, sum_lines
from flasher.errors import BadInput
from flasher.files import sync_folder, write_atomic
from flasher.paths import hand_over, make_folder
from flasher.process import run


@contextmanager
def drafting(release: Release) -> Iterator[Release]:
    """A hidden folder on the same file system; what killed builds left of it goes first."""
    make_folder(release.out)
    for stale in release.out.glob(f".{release.name}-*.part"):
        shutil.rmtree(stale, ignore_errors=True)
    folder = release.out.resolve() / f".{release.name}-{secrets.token_hex(4)}.part"
    folder.mkdir()
    try:
        yield replace(release, out=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(draft: Release, release: Release, files: Mapping[str, Measure]) -> None:
    """Rename a draft's files to their final names: the manifest goes first and comes back last.

    Args:
        files: all that the checksums speak of.
    """
    run(["sync", "--file-system", str(draft.out)])
    for stale in (release.manifest, release.signature, *_stale_forms(release)):
        stale.unlink(missing_ok=True)
    for made, final in zip(draft.described, release.described, strict=True):
        made.replace(final)
    draft.log.replace(release.log)
    sync_folder(release.out)
    write_atomic(release.sums, _merge_sums(release, files))
    draft.manifest.replace(release.manifest)
    sync_folder(release.out)
    hand_over(*release.summed, release.log, release.sums)


def sign_sums(release: Release, signer: Signer) -> None:
    """Sign the checksums, unless this key has done so already."""
    sums = release.sums.read_bytes()
    with suppress(FileNotFoundError):
        if signer.made(release.signature.read_bytes(), sums):
            return
    write_atomic(release.signature, signer.sign(sums))
    hand_over(release.signature)


def require_own_sums(release: Release, signer: Signer) -> None:
    """Refuse to sign for files of others: only what this key has signed may stand beside ours.

    Raises:
        BadInput: ``sums-of-others``.
    """
    try:
        sums = release.sums.read_bytes()
    except FileNotFoundError:
        return
    if not _others(release, sums.decode(errors="replace")):
        return
    with suppress(FileNotFoundError):
        if signer.made(release.signature.read_bytes(), sums):
            return
    raise BadInput(
        "sums-of-others",
        f"{release.sums} speaks of other images too, and this key has not signed it.",
        "Build into a folder of its own with --out; or remove that file, if you know all it names.",
    )


def _stale_forms(release: Release) -> list[Path]:
    """Images that only the old set has; a file of such a name that no set speaks of is not ours."""
    sums = _read_sums(release)
    return [path for path in release.other_forms if lines_about({path.name}, sums.splitlines())]


def _merge_sums(release: Release, files: Mapping[str, Measure]) -> str:
    """The old lines about other images, and ours, by name."""
    others = _others(release, _read_sums(release))
    lines = sorted([*others, *sum_lines(files)], key=lambda line: line[66:])
    return "".join(f"{line}\n" for line in lines)


def _read_sums(release: Release) -> str:
    return release.sums.read_text(encoding="utf-8") if release.sums.exists() else ""


def _others(release: Release, sums: str) -> list[str]:
    ours = {path.name for path in (*release.summed, *release.other_forms)}
    return [line for line in sums.splitlines() if line.partition("  ")[2] not in ours]


def require_folder(folder: Path) -> None:
    """Make a folder for images where there is none, and try to write in it.

    Raises:
        BadInput: ``folder-unusable``.
    """
    probe = folder / ".flasher-probe"
    try:
        make_folder(folder)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInput(
            "folder-unusable",
            f"No images can be put into {folder}: {error.strerror}.",
            "Give it room and rights, or choose another folder with --out.",
        ) from error
