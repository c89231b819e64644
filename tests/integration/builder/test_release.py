"""A release set, judged by the tools and libraries that those who get it will use."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from builder.lock import Lock
from builder.recipe import ImageSettings
from builder.release.files import FORMS, Form, Release
from builder.release.publish import require_own_sums, sign_sums
from builder.release.sign import load_signer
from flasher.errors import BadInput
from flasher.events import Event, Noted, ignore
from flasher.image.ranges import merge
from flasher.image.source import open_image
from flasher.process import run

MIB = 1 << 20

Builds = Callable[..., Release]
Asks = Callable[..., bool]


def names(release: Release) -> set[str]:
    return {path.name for path in release.out.iterdir()}


# --- forms -----------------------------------------------------------------------------------

TESTS = {"zst": ("zstd", "-t"), "xz": ("xz", "-t"), "zip": ("unzip", "-tq")}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_whole_by_its_own_tool_and_read_by_all_who_write_cards(
    build: Builds, tmp_path: Path, form: Form
):
    release = build(form=form)
    run([*TESTS[form], str(release.compressed)])
    target = tmp_path / "copied.img"
    bmap = ("--bmap", str(release.bmap))
    run(["bmaptool", "copy", *bmap, str(release.compressed), str(target)])
    assert target.read_bytes() == release.image.read_bytes()
    opened = open_image(release.compressed)
    opened.prove()
    assert opened.path.read_bytes() == release.image.read_bytes()
    assert merge(opened.ranges) == merge(open_image(release.image).ranges) != ()


def test_xz_can_be_read_from_the_middle_and_unpacked_on_all_cores(build: Builds):
    told = run(["xz", "--list", "--robot", str(build(form="xz").compressed)]).text
    totals = next(line.split("\t") for line in told.splitlines() if line.startswith("totals"))
    assert int(totals[1]) > 1


def test_another_form_takes_the_place_of_the_one_before(build: Builds):
    build(form="zst")
    release = build(form="zip")
    assert "tiny.zip" in names(release)
    assert "tiny.img.zst" not in names(release)
    assert "tiny.img.zst" not in release.sums.read_text()


def test_a_file_that_only_has_the_name_of_another_form_stays(build: Builds, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/tiny.zip").write_text("my notes")
    build(form="zst")
    assert (tmp_path / "out/tiny.zip").read_text() == "my notes"


# --- the set ---------------------------------------------------------------------------------


def test_the_checksums_hold_for_the_whole_set(build: Builds):
    release = build()
    done = run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=release.out).text
    assert done.count(": OK") == 8
    assert names(release) == {
        "tiny.img",
        "tiny.img.zst",
        "tiny.bmap",
        "tiny.packages.tsv",
        "tiny.spdx.json",
        "tiny.cdx.json",
        "tiny.os_list.json",
        "tiny.manifest.json",
        "tiny.build.log",
        "SHA256SUMS",
    }


@pytest.mark.parametrize("form", FORMS)
def test_the_same_layers_and_lock_give_the_same_set_but_for_the_log(build: Builds, form: Form):
    first, second = (build(folder=name, form=form) for name in ("first", "second"))
    assert names(first) == names(second)
    for name in names(first) - {first.log.name}:
        assert digest(first.out / name) == digest(second.out / name), name


@pytest.mark.parametrize("form", FORMS)
def test_a_set_without_the_raw_image_is_the_same_but_for_that_image(build: Builds, form: Form):
    whole, packed = build(folder="whole", form=form), build(form=form, packed_only=True)
    assert names(whole) - names(packed) == {"tiny.img"}
    for paper in (packed.compressed, packed.bmap, packed.packages, packed.os_list, packed.spdx):
        assert digest(paper) == digest(whole.out / paper.name), paper
    done = run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=packed.out).text
    assert done.count(": OK") == 7
    assert json.loads(packed.manifest.read_bytes())["files"].keys() == {
        path.name for path in packed.described
    }


def test_the_raw_image_comes_and_goes_as_it_is_asked_for(build: Builds, is_there: Asks):
    whole = build()
    packed = replace(whole, packed_only=True)
    assert not is_there(packed)
    assert build(packed_only=True) == packed
    assert "tiny.img" not in names(packed)
    assert is_there(packed)
    assert not is_there(whole)
    build()
    assert is_there(whole)


def test_somebody_elses_image_of_that_name_stays(build: Builds, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/tiny.img").write_text("mine")
    build(packed_only=True)
    assert (tmp_path / "out/tiny.img").read_text() == "mine"


def test_the_manifest_tells_what_went_in_and_no_time_of_day(build: Builds, lock: Lock):
    release = build()
    told = json.loads(release.manifest.read_bytes())
    assert told["epoch"] == lock.epoch == 1_700_000_000
    assert [layer["name"] for layer in told["layers"]] == ["below", "above"]
    assert told["tools"]["e2fsprogs"] == "1.47.2-3"
    assert told["tools"].keys() >= {"flasher", "zstd"}
    assert told["inputs"].keys() == {"recipe", "lock", "image"}
    for name, file in told["files"].items():
        assert file["size"] == (release.out / name).stat().st_size


def test_checksums_of_other_images_in_the_folder_stay(build: Builds, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/SHA256SUMS").write_text(f"{'0' * 64}  other.img\n")
    assert "other.img" in build().sums.read_text()


def test_the_log_of_the_build_lies_with_the_image(build: Builds):
    assert "mke2fs" in build().log.read_text()


def test_what_a_killed_build_left_is_removed_by_the_next(build: Builds, tmp_path: Path):
    (tmp_path / "out/.tiny-0badcafe.part").mkdir(parents=True)
    (tmp_path / "out/.tiny-0badcafe.part/tiny.img").write_text("half")
    assert not any(name.startswith(".") for name in names(build()))


def test_the_person_behind_sudo_owns_the_files(build: Builds, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUDO_UID", "4711")
    monkeypatch.setenv("SUDO_GID", "4712")
    release = build(folder="new/out")
    for path in (release.out.parent, release.out, *release.out.iterdir()):
        assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)


# --- whole or not ----------------------------------------------------------------------------


def bytes_read() -> int:
    """What this process has read so far, from the page cache too."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar:"))


def test_a_set_is_found_again_without_reading_it(build: Builds, is_there: Asks):
    release = build()
    assert is_there(release)
    before = bytes_read()
    assert is_there(release)
    assert bytes_read() - before < 1 * MIB
    release.image.touch()
    assert is_there(release)
    assert bytes_read() - before > release.image.stat().st_size


def test_other_settings_another_lock_or_form_want_another_set(
    build: Builds, is_there: Asks, lock: Lock
):
    release = build()
    settings = ImageSettings(boot_label="FIRMWARE", boot_size_mib=64, root_slack_mib=16)
    assert not is_there(release, settings)
    assert not is_there(release, lock=replace(lock, sources="deb http://elsewhere trixie main"))
    assert not is_there(replace(release, form="xz"))
    assert is_there(release)


def test_a_set_with_another_byte_anywhere_is_not_taken_for_whole(build: Builds, is_there: Asks):
    release = build()
    for path in release.summed:
        flip_a_bit(path)
        assert not is_there(release), path
        flip_a_bit(path)
        assert is_there(release), path


def flip_a_bit(path: Path) -> None:
    """In the middle of a file, and as if nothing had happened."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size // 2)
        byte = file.read(1)
        file.seek(before.st_size // 2)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_set_with_a_file_missing_or_cut_off_is_not_taken_for_whole(
    build: Builds, is_there: Asks, tmp_path: Path
):
    release = build()
    for path in (*release.summed, release.sums):
        kept = path.rename(tmp_path / "kept")
        assert not is_there(release), path
        shutil.copyfile(kept, path)
        os.truncate(path, path.stat().st_size - 3)
        assert not is_there(release), path
        kept.replace(path)
        assert is_there(release), path


def test_a_checksum_too_few_or_too_many_is_noticed(build: Builds, is_there: Asks):
    release = build()
    lines = release.sums.read_text().splitlines(keepends=True)
    for damaged in (lines[1:], [*lines, f"{'0' * 64}  tiny.img\n"]):
        release.sums.write_text("".join(damaged))
        assert not is_there(release)


def test_notes_or_a_manifest_of_garbage_do_no_harm(build: Builds, is_there: Asks, tmp_path: Path):
    release = build()
    (notes,) = (tmp_path / "store/releases").iterdir()
    garbage = ("", "{}", "[]", "7", "null", "\xff", "[" * 100_000, '{"key": "k"}', '{"files": []}')
    for text in garbage:
        notes.write_text(text, encoding="latin-1")
        assert is_there(release), text[:9]
    for text in garbage:
        release.manifest.write_text(text, encoding="latin-1")
        assert not is_there(release), text[:9]


# --- papers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_the_papers_tell_the_digests_of_these_files(build: Builds, form: Form):
    release = build(form=form)
    raw, packed = digest(release.image), digest(release.compressed)
    (entry,) = json.loads(release.os_list.read_bytes())["os_list"]
    assert entry["url"] == release.compressed.name
    assert (entry["extract_size"], entry["extract_sha256"]) == (size(release.image), raw)
    assert entry["image_download_size"] == size(release.compressed)
    assert entry["image_download_sha256"] == packed
    spdx = json.loads(release.spdx.read_bytes())
    assert spdx["packages"][0]["checksums"][0]["checksumValue"] == raw
    cyclonedx = json.loads(release.cyclonedx.read_bytes())
    assert cyclonedx["metadata"]["component"]["hashes"][0]["content"] == raw


def size(path: Path) -> int:
    return path.stat().st_size


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- signatures ------------------------------------------------------------------------------


@pytest.fixture(params=["pkcs8", "openssh"])
def key(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "release.key"
    if request.param == "pkcs8":
        run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)])
        path.chmod(0o600)
    else:
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)])
    return path


def test_openssl_accepts_the_signature_and_no_other_sums(build: Builds, tmp_path: Path):
    private, public = tmp_path / "release.key", tmp_path / "release.pub"
    run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)])
    run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)])
    release = build()
    sign_sums(release, load_signer(private, ignore))
    verify = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(public)]
    files = ["-in", str(release.sums), "-sigfile", str(release.signature)]
    assert "Verified Successfully" in run([*verify, *files]).text
    release.sums.write_bytes(release.sums.read_bytes() + b"\n")
    assert run([*verify, *files], ok=(1,)).status == 1


def test_both_forms_of_keys_sign_the_same_way_each_time(build: Builds, key: Path):
    release, signer = build(), load_signer(key, ignore)
    sign_sums(release, signer)
    first = release.signature.read_bytes()
    assert len(first) == 64
    release.signature.unlink()
    sign_sums(release, signer)
    assert release.signature.read_bytes() == first


def test_a_new_set_has_no_old_signature(build: Builds, key: Path):
    release = build()
    sign_sums(release, load_signer(key, ignore))
    assert not build(form="xz").signature.exists()


def test_nothing_is_signed_that_somebody_else_wrote(build: Builds, key: Path):
    release, signer = build(), load_signer(key, ignore)
    with release.sums.open("a") as sums:
        sums.write(f"{'0' * 64}  other.img\n")
    with pytest.raises(BadInput) as refused:
        require_own_sums(release, signer)
    assert refused.value.code == "sums-of-others"
    sign_sums(release, signer)
    require_own_sums(release, signer)


def test_a_key_that_others_may_read_is_warned_of(key: Path):
    heard: list[Event] = []
    load_signer(key, heard.append)
    assert heard == []
    key.chmod(0o644)
    load_signer(key, heard.append)
    (said,) = heard
    assert isinstance(said, Noted)
    assert said.warning
    assert "chmod" in said.text


def test_what_is_no_open_ed25519_key_is_refused_with_the_way_to_one(tmp_path: Path):
    path = tmp_path / "some.key"
    path.write_text("hello\n")
    rsa, locked = tmp_path / "rsa.key", tmp_path / "locked.key"
    run(["openssl", "genpkey", "-algorithm", "rsa", "-out", str(rsa)])
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)])
    codes = {"some.key": "key-unknown", "rsa.key": "key-unknown", "locked.key": "key-locked"}
    for name, code in {**codes, "none.key": "key-unreadable"}.items():
        with pytest.raises(BadInput) as refused:
            load_signer(tmp_path / name, ignore)
        assert refused.value.code == code
