"""Images, archives and containers unpacked into layers: all that they hold, and nothing mounted."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.bench import Bench
from builder.emulation import Emulation
from builder.layers import Layer, Store, layer_key
from builder.log import Log
from builder.sources.unpacked import Unpacked
from flasher.errors import BadInput
from flasher.events import CancelFlag, Progress, ignore
from flasher.process import run

EPOCH = 1_700_000_000
MIB = 1 << 20
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
# acl(5), as the kernel takes it: version 2, then tag, rights, id.
ACCESS_LIST = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in (
        (1, 7, 0xFFFFFFFF),
        (2, 6, 1000),
        (4, 5, 0xFFFFFFFF),
        (16, 7, 0xFFFFFFFF),
        (32, 4, 0xFFFFFFFF),
    )
)

Unpack = Callable[..., Path]


@pytest.fixture
def unpack(store: Store, log: Log) -> Unpack:
    """Unpacks a file into a layer; gives the layer's tree."""

    def make(form: str, file: Path, architecture: str = "amd64") -> Path:
        step = Unpacked("base", form, file, "0" * 64, architecture, EPOCH)
        layer = Layer("base", layer_key("", form, 1, {"file": str(file)}), 0, EPOCH)
        with store.drafting() as draft:
            progress = Progress(ignore, "test", "build", 100)
            bench = Bench(store, (), draft, Emulation(), log, progress, CancelFlag(), EPOCH)
            step.make(bench)
            store.publish(draft, layer)
        return store.root / layer.tree

    return make


def grow(tree: Path) -> Path:
    """A tree with all kinds of what an image can hold."""
    for folder in ("usr/bin", "etc", "boot/firmware", "many", "var/spool"):
        (tree / folder).mkdir(parents=True)
    (tree / "etc/fstab").write_text("LABEL=x /boot/firmware vfat defaults 0 2\n")
    (tree / "bin").symlink_to("usr/bin")
    (tree / "etc/far").symlink_to("/" + "a/" * 60 + "b")
    ping = tree / "usr/bin/ping"
    ping.write_bytes(os.urandom(5 * MIB + 3))
    os.setxattr(ping, "security.capability", CAPABILITY)
    (tree / "usr/bin/ping4").hardlink_to(ping)
    os.chown(tree / "etc/fstab", 1000, 60000)
    (tree / "usr/bin/su").write_bytes(b"su")
    (tree / "usr/bin/su").chmod(0o4755)
    (tree / "var/spool").chmod(0o1777)
    os.setxattr(tree / "var/spool", "system.posix_acl_default", ACCESS_LIST)
    os.setxattr(tree / "usr/bin/su", "system.posix_acl_access", ACCESS_LIST)
    os.setxattr(tree / "etc", "user.long", b"x" * 700)
    os.mkfifo(tree / "var/pipe")
    (tree / "etc/größe\N{SNOWMAN}").write_text("name")
    for number in range(400):
        (tree / f"many/{'n' * 40}-{number}").write_bytes(bytes([number % 256]) * (number % 9))
    with (tree / "var/holes").open("wb") as handle:
        for piece in range(600):
            handle.seek(piece * 16384)
            handle.write(b"%d" % piece)
        handle.truncate(600 * 16384)
    for path in sorted(tree.rglob("*"), reverse=True):
        os.utime(path, ns=(EPOCH * 10**9, EPOCH * 10**9 + 5000), follow_symlinks=False)
    return tree


def describe(tree: Path, *, links: bool = True) -> dict[str, object]:
    """All that can be told of a tree, but for what overlays note of their own."""
    told: dict[str, object] = {}
    names: dict[int, str] = {}
    for path in sorted(tree.rglob("*")):
        found = path.lstat()
        name = str(path.relative_to(tree))
        attributes = {
            key: os.getxattr(path, key, follow_symlinks=False)
            for key in os.listxattr(path, follow_symlinks=False)
            if not key.startswith("user.overlay.")
        }
        told[name] = (
            oct(found.st_mode),
            found.st_uid,
            found.st_gid,
            found.st_mtime_ns,
            attributes,
            path.readlink() if path.is_symlink() else None,
            path.read_bytes() if stat.S_ISREG(found.st_mode) else None,
            names.setdefault(found.st_ino, name) if links and not path.is_dir() else None,
        )
    return told


def make_image(image: Path, tree: Path, options: tuple[str, ...]) -> Path:
    """An image as systems for Pis are handed out, its second partition made of a tree."""
    with image.open("wb") as handle:
        handle.truncate(112 * MIB)
    table = "label: dos\nstart=8192, size=65536, type=c\nstart=73728, type=83\n"
    run(["sfdisk", "--quiet", str(image)], stdin=table.encode())
    run(["mkfs.fat", "-F", "16", "--offset", "8192", str(image), "32768"])
    config = image.with_name("config.txt")
    config.write_text("arm_64bit=1\n")
    run(["mmd", "-i", f"{image}@@4M", "::overlays"])
    run(["mcopy", "-i", f"{image}@@4M", str(config), "::config.txt"])
    run(["mcopy", "-i", f"{image}@@4M", str(config), "::overlays/long name.dtbo"])
    run(
        [
            "mke2fs",
            "-q",
            "-F",
            *options,
            "-E",
            f"offset={36 * MIB}",
            "-d",
            str(tree),
            str(image),
            "76M",
        ]
    )
    return image


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ext4"),
        ("-t", "ext4", "-O", "64bit,metadata_csum", "-I", "512", "-b", "1024"),
        ("-t", "ext3", "-I", "128", "-b", "1024"),
        ("-t", "ext2", "-O", "^resize_inode", "-b", "4096"),
    ],
    ids=" ".join,
)
def test_a_tree_from_an_image_is_the_tree_that_the_image_was_made_of(
    tmp_path: Path, unpack: Unpack, options: tuple[str, ...]
):
    source = grow(tmp_path / "tree")
    unpacked = describe(unpack("image", make_image(tmp_path / "a.img", source, options)))
    wanted = describe(source)
    boot = {name for name in unpacked if name.startswith("boot/firmware/")}
    assert {*boot} == {
        f"boot/firmware/{name}" for name in ("config.txt", "overlays", "overlays/long name.dtbo")
    }
    for tree in (wanted, unpacked):
        for name in (*boot, "boot/firmware"):
            tree.pop(name, None)
    assert unpacked.keys() == wanted.keys()
    for name, told in wanted.items():
        assert isinstance(told, tuple)
        # mke2fs takes over whole seconds only
        assert unpacked[name] == (*told[:3], EPOCH * 10**9, *told[4:]), name


def test_nothing_of_an_image_is_ever_mounted(tmp_path: Path, unpack: Unpack):
    image = make_image(tmp_path / "a.img", grow(tmp_path / "tree"), ("-t", "ext4"))
    unpack("image", image)
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    assert str(tmp_path) not in run(["losetup", "--list", "--raw"]).text


def test_an_older_image_keeps_its_boot_files_in_boot_itself(tmp_path: Path, unpack: Unpack):
    (tmp_path / "tree/etc").mkdir(parents=True)
    (tmp_path / "tree/boot").mkdir()
    (tmp_path / "tree/etc/fstab").write_text("/dev/mmcblk0p1 /boot vfat ro 0 0\n")
    tree = unpack("image", make_image(tmp_path / "a.img", tmp_path / "tree", ("-t", "ext4")))
    assert (tree / "boot/config.txt").read_text() == "arm_64bit=1\n"


def test_an_image_that_was_in_use_is_refused(tmp_path: Path, unpack: Unpack):
    image = make_image(tmp_path / "a.img", grow(tmp_path / "tree"), ("-t", "ext4"))
    run(["debugfs", "-w", "-R", "feature needs_recovery", f"{image}?offset={36 * MIB}"])
    with pytest.raises(BadInput, match="needs_recovery") as caught:
        unpack("image", image)
    assert caught.value.code == "ext4-odd"


@pytest.mark.parametrize("size", [36, 40])
def test_an_image_that_was_cut_off_is_told_as_such(tmp_path: Path, unpack: Unpack, size: int):
    image = make_image(tmp_path / "a.img", grow(tmp_path / "tree"), ("-t", "ext4"))
    os.truncate(image, size * MIB + 100)
    with pytest.raises(BadInput):
        unpack("image", image)


# --- archives --------------------------------------------------------------------------------


PACKERS = {"tar": None, "gz": "gzip", "xz": "xz", "zst": "zstd"}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_tree_from_an_archive_is_the_tree_that_was_packed(
    tmp_path: Path, unpack: Unpack, suffix: str
):
    source, file = grow(tmp_path / "tree"), tmp_path / f"root.tar.{suffix}"
    (source / "usr/bin/su").unlink()  # access lists are not in all archives
    os.removexattr(source / "var/spool", "system.posix_acl_default")
    os.utime(source / "usr/bin", ns=(EPOCH * 10**9, EPOCH * 10**9 + 5000))
    how = [f"--use-compress-program={PACKERS[suffix]}"] if PACKERS[suffix] else []
    run(
        [
            "tar",
            "-c",
            *how,
            "--format=pax",
            "--xattrs",
            "--xattrs-include=*",
            "--numeric-owner",
            "-f",
            str(file),
            "-C",
            str(source),
            ".",
        ]
    )
    assert describe(unpack("rootfs", file)) == describe(source)


def test_owners_go_by_number_not_by_name(tmp_path: Path, unpack: Unpack):
    file = tmp_path / "root.tar"
    with tarfile.open(file, "w") as archive:
        member = tarfile.TarInfo("a")
        member.uid, member.gid, member.uname, member.gname = 4711, 4712, "root", "root"
        archive.addfile(member)
    found = (unpack("rootfs", file) / "a").stat()
    assert (found.st_uid, found.st_gid) == (4711, 4712)


def test_links_of_an_archive_lead_nowhere_but_into_the_tree(tmp_path: Path, unpack: Unpack):
    file, target = tmp_path / "root.tar", tmp_path / "outside"
    target.mkdir()
    with tarfile.open(file, "w") as archive:
        for name, link in ((str(target).lstrip("/"), None), ("out", str(target))):
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE if link else tarfile.DIRTYPE
            member.linkname, member.mode = link or "", 0o755
            archive.addfile(member)
        archive.addfile(tarfile.TarInfo("out/written"))
    tree = unpack("rootfs", file)
    assert not list(target.iterdir())
    assert (tree / str(target).lstrip("/") / "written").exists()


def test_a_name_that_leads_out_of_an_archive_is_refused(tmp_path: Path, unpack: Unpack):
    file = tmp_path / "root.tar"
    with tarfile.open(file, "w") as archive:
        archive.addfile(tarfile.TarInfo("a/../../b"))
    with pytest.raises(BadInput, match="leads out"):
        unpack("rootfs", file)


def test_devices_are_left_out_and_told(tmp_path: Path, unpack: Unpack, log: Log):
    file = tmp_path / "root.tar"
    with tarfile.open(file, "w") as archive:
        member = tarfile.TarInfo("dev/null")
        member.type, member.devmajor, member.devminor = tarfile.CHRTYPE, 1, 3
        archive.addfile(member)
    tree = unpack("rootfs", file)
    assert not (tree / "dev/null").exists()
    assert "left out: /dev/null" in log.path.read_text()


# --- containers ------------------------------------------------------------------------------


def pack_layer(entries: dict[str, str | None]) -> bytes:
    """A layer: files with their text, folders where there is none."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, text in entries.items():
            member = tarfile.TarInfo(name)
            member.mode = 0o755
            if text is None:
                member.type = tarfile.DIRTYPE
            else:
                member.size = len(text)
            archive.addfile(member, io.BytesIO((text or "").encode()))
    return raw.getvalue()


LAYERS = (
    {
        "top": "1",
        "etc": None,
        "etc/a": "1",
        "etc/b": "1",
        "old": None,
        "old/x": "1",
        "swap": None,
        "swap/y": "1",
    },
    {
        ".wh.top": "",
        "etc/.wh.b": "",
        "etc/.wh.never-there": "",
        "old": None,
        "old/new": "2",
        "old/.wh..wh..opq": "",  # after its neighbours: it is about layers below all the same
        "swap": "2",
        "wh.not": "2",
    },
)
WANTED = {"etc", "etc/a", "old", "old/new", "swap", "wh.not"}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda raw: raw,
    "gzip": lambda raw: run(["gzip", "-c"], stdin=raw).output,
    "zstd": lambda raw: run(["zstd", "-c"], stdin=raw).output,
}


def save_as_docker(file: Path, layers: tuple[bytes, ...]) -> None:
    with tarfile.open(file, "w") as archive:
        names = [f"{number}/layer.tar" for number in range(len(layers))]
        for name, raw in zip(names, layers, strict=True):
            add(archive, name, raw)
        add(archive, "manifest.json", json.dumps([{"Config": "c.json", "Layers": names}]).encode())


def save_as_oci(file: Path, layers: tuple[bytes, ...]) -> None:
    def blob(archive: tarfile.TarFile, name: str, raw: bytes) -> dict[str, str]:
        add(archive, f"blobs/sha256/{name}", raw)
        return {"digest": f"sha256:{name}"}

    with tarfile.open(file, "w") as archive:
        told = [blob(archive, f"layer{number}", raw) for number, raw in enumerate(layers)]
        own = blob(archive, "own", json.dumps({"layers": told}).encode())
        other = blob(archive, "other", json.dumps({"layers": []}).encode())
        platforms = [
            {**own, "platform": {"architecture": "amd64"}},
            {**other, "platform": {"architecture": "riscv64"}},
        ]
        inner = blob(archive, "inner", json.dumps({"manifests": platforms}).encode())
        add(archive, "index.json", json.dumps({"manifests": [inner]}).encode())


def add(archive: tarfile.TarFile, name: str, raw: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(raw)
    archive.addfile(member, io.BytesIO(raw))


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("save", [save_as_docker, save_as_oci])
def test_whiteouts_of_a_layer_take_away_what_is_below_before_its_own_files_come(
    tmp_path: Path, unpack: Unpack, save: Callable[..., None], packing: str
):
    file = tmp_path / "image.tar"
    save(file, tuple(PACK[packing](pack_layer(dict(layer))) for layer in LAYERS))
    tree = unpack("oci", file)
    assert {str(path.relative_to(tree)) for path in tree.rglob("*")} == WANTED
    assert (tree / "swap").read_text() == "2"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    faulty = {
        "empty": b"",
        "text": b"no archive\n" * 999,
        "other": pack_layer({"a": "b"}),
    }
    for name, raw in faulty.items():
        (tmp_path / name).write_bytes(raw)
    return {name: tmp_path / name for name in faulty}


@pytest.mark.parametrize("form", ["image", "oci"])
@pytest.mark.parametrize("name", ["empty", "text", "other"])
def test_what_is_something_else_is_told_in_words(
    unpack: Unpack, files: dict[str, Path], form: str, name: str
):
    with pytest.raises(BadInput) as caught:
        unpack(form, files[name])
    assert caught.value.hint


def test_the_real_tar_agrees_with_what_is_read_of_its_archive(tmp_path: Path, unpack: Unpack):
    source, file = grow(tmp_path / "tree"), tmp_path / "root.tar"
    run(["tar", "-c", "-f", str(file), "-C", str(source), "."])
    tree = unpack("rootfs", file)
    said = subprocess.run(
        ["tar", "--compare", "-f", str(file), "-C", str(tree)], capture_output=True, text=True
    )
    assert (said.returncode, said.stdout) == (0, "")
