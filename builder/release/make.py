"""Make a release set: the image, then everything that goes with it, then all put in place."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from builder.bench import Bench
from builder.bootable import require_bootable
from builder.disk import Geometry, Identity, assemble
from builder.filesystems import MIB
from builder.lock import Lock
from builder.native_root import NativeRoot
from builder.recipe import Recipe
from builder.release.contents import list_parts, write_table
from builder.release.cyclonedx import write_cyclonedx
from builder.release.files import Release
from builder.release.manifest import image_key, release_key, write_manifest
from builder.release.os_list import write_os_list
from builder.release.pack import Packed, pack
from builder.release.publish import drafting, put_in_place
from builder.release.spdx import write_spdx
from builder.release.subject import Subject
from builder.release.whole import is_whole, measure, memory_of
from flasher.image.blocks import FileBlocks
from flasher.image.bmap import write_bmap
from flasher.image.ext4_usage import ext4_usage
from flasher.image.ranges import ByteRange

_ASSEMBLED = 40  # percent
_PACKED = 98


def has_release(release: Release, top: str, recipe: Recipe, lock: Lock, store: Path) -> bool:
    """Whether the set of these layers is there, whole.

    Args:
        top: key of the topmost layer.
        store: where digests of files are remembered.
    """
    key = release_key(image_key(top, recipe.image), recipe, lock, release.form)
    return is_whole(release, key, memory_of(release, store))


def make_release(
    release: Release, recipe: Recipe, lock: Lock, bench: Bench, tools: NativeRoot
) -> None:
    """Assemble the image and all that goes with it, then put them in place.

    Args:
        release: where to.
        recipe: for settings and names.
        lock: what the layers were made from.
        bench: with all layers and no draft; its progress reaches 100.
        tools: dosfstools, e2fsprogs and mtools, as locked.

    Raises:
        StepFailed: ``not-bootable``, for the boards that the recipe is for.
    """
    key = image_key(bench.layers[-1].key, recipe.image)
    with drafting(release) as draft:
        identity = Identity.from_key(key)
        if lock.base and lock.base.disk_id:  # by which its root file system may be named
            identity = replace(identity, disk=lock.base.disk_id)
        geometry = assemble(draft.image, recipe.image, identity, bench, tools, lock.epoch)
        require_bootable(draft.image, recipe, bench)
        bench.progress.reach(_ASSEMBLED)
        packed = _pack(draft, geometry, bench)
        _write_papers(draft, recipe, lock, packed)
        known = {draft.image: packed.image, draft.compressed: packed.compressed}
        files = {path.name: measure(path, known.get(path)) for path in draft.described}
        manifest = write_manifest(key, recipe, lock, bench.layers, release.form, files)
        draft.manifest.write_text(manifest, encoding="utf-8")
        files[draft.manifest.name] = measure(draft.manifest)
        shutil.copyfile(bench.log.path, draft.log)
        put_in_place(draft, release, files)
    bench.progress.reach(100)
    memory_of(release, bench.store.root).note(release.summed, files)


def _pack(draft: Release, geometry: Geometry, bench: Bench) -> Packed:
    """Compress and map the image.

    Mapped is all that must be written, zeros included, for what a card held before must not shine
    through: the first MiB, the boot partition, and what each ext4 uses, journal and tables with it.
    """
    volumes = filter(None, (geometry.root, geometry.data))
    with FileBlocks(draft.image) as image:
        used = [each for volume in volumes for each in ext4_usage(image, volume)]
    always = (ByteRange(0, MIB), geometry.boot, *used)

    def report(done: int) -> None:
        share = done / geometry.size
        bench.progress.reach(_ASSEMBLED + int((_PACKED - _ASSEMBLED) * share))

    return pack(
        *(draft.image, draft.compressed, draft.form, always, report, bench.cancel),
        consume=draft.packed_only,
    )


def _write_papers(draft: Release, recipe: Recipe, lock: Lock, packed: Packed) -> None:
    subject = Subject(draft.image.name, recipe.title or recipe.name, packed.image, lock.epoch)
    parts = list_parts(recipe, lock)
    sizes = (draft.image.stat().st_size, draft.compressed.stat().st_size)
    draft.bmap.write_bytes(write_bmap(packed.block_map))
    papers = {
        draft.packages: write_table(parts),
        draft.spdx: write_spdx(subject, parts),
        draft.cyclonedx: write_cyclonedx(subject, parts),
        draft.os_list: write_os_list(draft, recipe, subject, sizes, packed.compressed),
    }
    for path, text in papers.items():
        path.write_text(text, encoding="utf-8")
