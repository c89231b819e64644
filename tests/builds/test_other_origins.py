"""Images built upon other images: the same tree again, or settled, with more upon it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flasher.image.mbr import Mbr
from flasher.process import run
from tests.builds.conftest import Reference
from tests.builds.places import Ended, Place, end_build
from tests.integration.builder.ordinary_user import as_user

pytestmark = pytest.mark.timeout(900)

HEAD = """format = 1
name = "upon"
architecture = "amd64"

[image]
boot_size_mib = 64
root_slack_mib = 16
"""

# All of a mounted tree, by one who may read it all; what is told of folders' sizes is the disk's.
LIST = """
import hashlib, os, stat, sys
for top, folders, files in os.walk(sys.argv[1]):
    for name in sorted(folders + files):
        path = os.path.join(top, name)
        s = os.lstat(path)
        x = {k: os.getxattr(path, k, follow_symlinks=False)
             for k in sorted(os.listxattr(path, follow_symlinks=False))}
        link = os.readlink(path) if stat.S_ISLNK(s.st_mode) else ""
        data = open(path, "rb").read() if stat.S_ISREG(s.st_mode) else b""
        print(repr((path[len(sys.argv[1]):], s.st_mode, s.st_uid, s.st_gid, s.st_mtime, link,
                    x, hashlib.sha256(data).hexdigest(), s.st_nlink)))
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Builds of a recipe that `upon` writes."""
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(folder, folder / "upon.toml")


def upon(place: Place, origin: str, more: str = "") -> Ended:
    """Build upon something."""
    place.recipe.write_text(f'from = "{origin}"\n{HEAD}{more}')
    return place.build()


def list_tree(image: Path) -> list[str]:
    """What the kernel finds in the second partition, which is mounted for nobody else."""
    offset = partitions(image)[1].offset
    script = f'mount -o loop,ro,noload,offset={offset} "$1" /mnt && exec "$2" -c "$3" /mnt'
    argv = ["unshare", "--mount", "sh", "-c", script, "sh", str(image), sys.executable, LIST]
    return sorted(run(argv).text.splitlines())


def partitions(image: Path):
    with image.open("rb") as handle:
        return Mbr.from_bytes(handle.read(512)).partitions


def require_clean(image: Path, folder: Path) -> None:
    """The judges of file systems find nothing to complain of."""
    root = partitions(image)[1]
    part = folder / "root.raw"
    run(["dd", f"if={image}", f"of={part}", "bs=1M", f"skip={root.offset >> 20}", "conv=sparse"])
    run(["e2fsck", "-fn", str(part)])
    part.unlink()


def left_behind() -> tuple[str, str]:
    """Mounts and loop devices of this computer."""
    return Path("/proc/mounts").read_text(), run(["losetup", "--list", "--raw"]).text


def test_an_image_upon_an_image_is_that_image(reference: Reference, place: Place, tmp_path: Path):
    source, before = reference.place.out / "small.img", left_behind()
    ended = upon(place, f"image:{source}.zst")
    assert ended.status == 0, ended.words
    image = place.out / "upon.img"
    assert list_tree(image) == list_tree(source)
    require_clean(image, tmp_path)
    assert left_behind() == before
    tables = [Mbr.from_bytes(path.read_bytes()[:512]) for path in (image, source)]
    assert tables[0].disk_id == tables[1].disk_id
    listed = (place.out / "upon.packages.tsv").read_text()
    assert listed.count("\tbase\n") > 100


def pack_tree(image: Path, archive: Path) -> None:
    """A tarball of the second partition, by GNU tar."""
    offset = partitions(image)[1].offset
    script = (
        f'mount -o loop,ro,noload,offset={offset} "$1" /mnt && cd /mnt && '
        "exec tar --create --xattrs --xattrs-include=* --acls --numeric-owner "
        '--exclude=./lost+found --file="$2" .'
    )
    run(["unshare", "--mount", "sh", "-c", script, "sh", str(image), str(archive)])


@pytest.mark.parametrize("form", ["rootfs", "oci"])
def test_an_image_upon_an_archive_is_the_tree_in_it(
    reference: Reference, place: Place, tmp_path: Path, form: str
):
    source, archive = reference.place.out / "small.img", tmp_path / "layer.tar"
    pack_tree(source, archive)
    if form == "oci":
        told = json.dumps([{"Config": "none", "Layers": ["layer.tar"]}])
        (tmp_path / "manifest.json").write_text(told)
        saved = tmp_path / "saved.tar"
        run(["tar", "-cf", str(saved), "-C", str(tmp_path), "manifest.json", "layer.tar"])
        archive = saved
    ended = upon(place, f"{form}:{archive}")
    assert ended.status == 0, ended.words
    assert list_tree(place.out / "upon.img") == list_tree(source)


def test_an_earlier_build_is_the_same_source_as_its_image(reference: Reference, place: Place):
    first = upon(place, f"image:{reference.place.out}/small.img")
    again = upon(place, f"build:{reference.place.out}")
    assert (first.status, again.status) == (0, 0), again.words
    assert "base" in again.reused
    assert first.layers == again.layers


def test_an_ordinary_user_builds_the_same_upon_an_image(
    reference: Reference, place: Place, tmp_path: Path
):
    source = tmp_path / "user/home/small.img"
    source.parent.mkdir(parents=True)
    shutil.copy(reference.place.out / "small.img", source)
    own = Place(tmp_path / "user/home/place", tmp_path / "user/home/upon.toml")
    own.recipe.write_text(f'from = "image:{source}"\n{HEAD}')
    ended = own.build(wrap=lambda argv: as_user(tmp_path / "user", *argv))
    assert ended.status == 0, ended.words
    assert upon(place, f"image:{source}").status == 0
    assert (own.out / "upon.img").read_bytes() == (place.out / "upon.img").read_bytes()


def test_packages_come_upon_an_image_from_its_own_sources_and_by_the_lock(
    reference: Reference, place: Place, tmp_path: Path
):
    more = '[[layer]]\nname = "more"\npackages = ["tree", "libcap2-bin"]\n'
    ended = upon(place, f"image:{reference.place.out}/small.img", more)
    assert ended.status == 0, ended.words
    image, lock = place.out / "upon.img", json.loads((place.out / "upon.lock").read_text())
    assert [each["name"] for each in lock["layers"][1]["packages"]] == ["tree"]
    names = {line.split("'")[1] for line in list_tree(image)}
    assert names >= {line.split("'")[1] for line in list_tree(reference.place.out / "small.img")}
    assert "/usr/bin/tree" in names
    require_clean(image, tmp_path)
    made = place.made()
    shutil.rmtree(place.out)
    place.out.mkdir()
    (place.out / "upon.lock").write_text(json.dumps(lock))
    place.forget("more build", ended.layers)
    again = place.build(wrap=lambda argv: ["unshare", "--net", *argv])
    assert again.status == 0, again.words
    assert {**place.made(), "upon.lock": ""} == {**made, "upon.lock": ""}


def test_another_file_of_that_name_makes_another_lock_or_is_told(
    reference: Reference, place: Place, tmp_path: Path
):
    source = tmp_path / "a.img"
    shutil.copy(reference.place.out / "small.img", source)
    assert upon(place, "image:../a.img").status == 0
    with source.open("r+b") as handle:
        handle.seek(440)
        handle.write(b"\1\2\3\4")  # the disk's id
    kept = shutil.copy(place.out / "upon.lock", tmp_path / "kept.lock")
    ended = place.build("--lock", kept)
    assert (ended.code, "another file" in ended.words) == ("lock-misfit", True)
    assert place.build().status == 0


# --- systems of others -----------------------------------------------------------------------


FIRST_BOOT = "init=/usr/lib/raspberrypi-sys-mods/firstboot ds=nocloud;i=rpi"


def as_raspios(source: Path, image: Path, python: str = "") -> Path:
    """Lay one of our images out as Raspberry Pi OS is handed out."""
    shutil.copy(source, image)
    root = image.with_suffix(".root")
    boot, second = partitions(image)
    run(["dd", f"if={image}", f"of={root}", "bs=1M", f"skip={second.offset >> 20}", "conv=sparse"])
    unit = image.with_suffix(".unit")
    unit.write_text("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n")
    told = [f"write {unit} usr/lib/systemd/system/userconfig.service"]
    told += [f"write {unit} usr/bin/cloud-init", "mkdir etc/cloud"]
    told += ["rm usr/bin/python3", f"symlink usr/bin/python3 {python}"] if python else []
    run(["debugfs", "-w", "-f", "-", str(root)], stdin="\n".join(told).encode())
    subprocess.run(["e2fsck", "-fy", str(root)], capture_output=True)
    argv = ["dd", f"if={root}", f"of={image}", "bs=1M", f"seek={second.offset >> 20}"]
    run([*argv, "conv=notrunc,sparse"])
    line = f"root=PARTUUID=00000000-02 rootwait {FIRST_BOOT}"
    settings = {} if python else {"user-data": "#cloud-config\n", "custom.toml": ""}
    for name, text in {"cmdline.txt": f"{line}\n", **settings}.items():
        file = image.with_name(name)
        file.write_text(text)
        run(["mcopy", "-o", "-i", f"{image}@@{boot.offset}", str(file), f"::{name}"])
    return image


def read_boot(image: Path, name: str) -> str:
    return run(["mtype", "-i", f"{image}@@{partitions(image)[0].offset}", f"::{name}"]).text


AGENT = '[[layer]]\nuses = "agent"\n'


def warnings(ended: Ended) -> str:
    return "\n".join(str(event["text"]) for event in ended.told if event.get("warning"))


def test_the_first_boot_of_another_system_is_named_and_never_fights_the_agent(
    reference: Reference, place: Place, tmp_path: Path
):
    source = as_raspios(reference.place.out / "small.img", tmp_path / "raspios.img")
    ended = upon(place, f"image:{source}", AGENT)
    assert ended.status == 0, ended.words
    for words in ("cloud-init", "init=", "custom.toml", "userconf"):
        assert words in warnings(ended)
    image = place.out / "upon.img"
    assert read_boot(image, "cmdline.txt") == "root=PARTUUID=00000000-02 rootwait\n"
    told = {line.split("'")[1]: line for line in list_tree(image)}
    assert "'/dev/null'" in told["/etc/systemd/system/userconfig.service"]
    assert "/etc/cloud/cloud-init.disabled" in told
    assert "/etc/systemd/system/multi-user.target.wants/autosetup.service" in told or any(
        name.endswith("wants/autosetup.service") for name in told
    )
    require_clean(image, tmp_path)


def test_a_system_with_an_older_python_is_built_without_the_agent(
    reference: Reference, place: Place, tmp_path: Path
):
    source = as_raspios(reference.place.out / "small.img", tmp_path / "old.img", "python3.9")
    ended = upon(place, f"image:{source}", AGENT)
    assert ended.status == 0, ended.words
    assert FIRST_BOOT in read_boot(place.out / "upon.img", "cmdline.txt")  # nobody else does it
    assert "needs Python 3.11" in warnings(ended)
    assert "agent" not in {str(event.get("subject")) for event in ended.told if "step" in event}


def test_a_build_upon_an_image_can_be_killed_at_any_moment(reference: Reference, place: Place):
    place.recipe.write_text(f'from = "image:{reference.place.out}/small.img"\n{HEAD}')
    before = left_behind()
    for delay in (0.3, 1.0):
        end = end_build(place, "base build", delay, 9, whole_group=False)
        assert (end.alive, end.left) == (True, [])
        assert left_behind() == before
    assert place.build().status == 0
    assert place.unfinished() == []
