"""What lies beside an image and speaks of it: enforced, in all forms that people have."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from flasher.errors import BadInput
from flasher.image.mbr import LINUX, Mbr, Partition
from flasher.image.papers import read_papers
from flasher.image.signature import key_folder
from flasher.image.source import open_image

RAW = bytes(Mbr(1, (Partition(2, LINUX, 1, 2),))) + bytes(range(256)) * 4
PACKED = gzip.compress(RAW)
WRONG = "0" * 64


def sha(data: bytes, kind: str = "sha256") -> str:
    return hashlib.new(kind, data).hexdigest()


@pytest.fixture(params=["base.img", "base.img.gz", "base.img, read before"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Raw, packed, and raw with its digest remembered."""
    name = request.param.partition(",")[0]
    path = tmp_path / name
    path.write_bytes(PACKED if name.endswith(".gz") else RAW)
    if name != request.param:
        _ = open_image(path).digest
    return path


def beside(image: Path, name: str, text: str) -> None:
    image.with_name(name.format(image.name)).write_text(text)


def checked(image: Path) -> None:
    open_image(image).prove()


FORMS = {
    "SHA256SUMS": ("SHA256SUMS", "sha256", "{}  {}\n"),
    "binary": ("SHA256SUMS", "sha256", "{} *{}\n"),
    "in this folder": ("SHA256SUMS", "sha256", "{}  ./{}\n"),
    "tagged": ("SHA256SUMS", "sha256", "SHA256 ({1}) = {0}\n"),
    "SHA512SUMS": ("SHA512SUMS", "sha512", "{}  {}\n"),
    "sha256": ("{}.sha256", "sha256", "{}\n"),
    "sha256sum": ("{}.sha256sum", "sha256", "{}  {}\n"),
    "sha512": ("{}.sha512", "sha512", "{}\n"),
    "of a file with another name": ("{}.sha256", "sha256", "{}  2026-11-21-raspios.img\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_checksums_are_enforced_in_all_forms_that_people_have(form: str, image: Path) -> None:
    name, kind, line = FORMS[form]
    digest = sha(image.read_bytes(), kind)
    others = f"{sha(b'other', kind)}  other.img\n" if "SUMS" in name else ""
    beside(image, name, f"# sums\n{others}{line.format(digest, image.name)}")
    for _ in ("unpacked", "from the store"):
        checked(image)
    beside(image, name, others + line.format(sha(b"else", kind), image.name))
    with pytest.raises(BadInput) as caught:
        checked(image)
    assert caught.value.code == "checksum-mismatch"
    assert name.format(image.name) in caught.value.message


@pytest.mark.parametrize("name", ["SHA256SUMS", "base.img.sha256"])
def test_of_a_packed_image_the_raw_ones_checksum_counts_too_and_is_known_at_once(
    name: str, tmp_path: Path
) -> None:
    image = tmp_path / "base.img.gz"
    image.write_bytes(PACKED)
    beside(image, name, f"{sha(RAW)}  base.img\n")
    assert read_papers(image, is_packed=True).digest == sha(RAW)
    checked(image)
    beside(image, name, f"{WRONG}  base.img\n")
    with pytest.raises(BadInput, match="differs"):
        checked(image)


@pytest.mark.parametrize("key", ["image_download_sha256", "extract_sha256", "extract_size"])
def test_a_list_for_imager_is_enforced_at_any_depth(key: str, tmp_path: Path) -> None:
    image = tmp_path / "base.img.gz"
    image.write_bytes(PACKED)
    entry: dict[str, object] = {
        "name": "Base",
        "url": "https://example.org/images/base.img.gz?from=here",
        "image_download_sha256": sha(PACKED),
        "extract_sha256": sha(RAW),
        "extract_size": len(RAW),
    }
    other = {"name": "Other", "url": "https://example.org/other.img.gz", "extract_sha256": WRONG}

    def offer() -> None:
        beside(image, "my_os_list.json", json.dumps({"os_list": [other, {"subitems": [entry]}]}))

    offer()
    checked(image)
    entry[key] = len(RAW) + 512 if key == "extract_size" else WRONG
    offer()
    with pytest.raises(BadInput):
        checked(image)


@pytest.mark.parametrize("kind", ["sha256", "sha512"])
def test_a_raw_images_checksum_counts_for_what_is_in_the_store_too(
    kind: str, tmp_path: Path
) -> None:
    image = tmp_path / "base.img.gz"
    image.write_bytes(PACKED)
    checked(image)
    beside(image, f"base.img.{kind}", sha(RAW, kind))
    checked(image)
    beside(image, f"base.img.{kind}", sha(b"else", kind))
    with pytest.raises(BadInput, match="differs"):
        checked(image)


def test_papers_that_contradict_each_other_are_told(image: Path) -> None:
    beside(image, "SHA256SUMS", f"{sha(image.read_bytes())}  {image.name}\n")
    beside(image, "{}.sha256", WRONG)
    with pytest.raises(BadInput, match=r"different checksums|differs"):
        checked(image)


@pytest.mark.parametrize("text", ["", "<html>404</html>", "abc  base.img\n"])
def test_a_checksum_file_without_a_checksum_is_refused(text: str, image: Path) -> None:
    beside(image, "{}.sha256", text)
    with pytest.raises(BadInput) as caught:
        checked(image)
    assert caught.value.code == "bad-checksums"


def test_what_speaks_of_others_only_is_no_matter(image: Path) -> None:
    beside(image, "SHA256SUMS", f"{WRONG}  other.img\n{WRONG}  xbase.img\n")
    beside(image, "my_os_list.json", "{")
    checked(image)


def sign(image: Path, key: Ed25519PrivateKey) -> None:
    """A release set with one image, signed."""
    sums = f"{sha(image.read_bytes())}  {image.name}\n".encode()
    image.with_name("SHA256SUMS").write_bytes(sums)
    image.with_name("SHA256SUMS.sig").write_bytes(key.sign(sums))


def trust(key: Ed25519PrivateKey, name: str, encoding: Encoding, form: PublicFormat) -> None:
    key_folder().mkdir(parents=True, exist_ok=True)
    (key_folder() / name).write_bytes(key.public_key().public_bytes(encoding, form))


KEY_FORMS = [
    (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    (Encoding.OpenSSH, PublicFormat.OpenSSH),
]


@pytest.mark.parametrize(("encoding", "form"), KEY_FORMS)
def test_a_signed_set_counts_only_with_a_key_that_is_trusted_here(
    encoding: Encoding, form: PublicFormat, image: Path
) -> None:
    maker, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    sign(image, other)
    checked(image)  # nobody is trusted here, so nobody can be told from another
    trust(maker, "maker.pub", encoding, form)
    with pytest.raises(BadInput) as caught:
        checked(image)
    assert caught.value.code == "signature-wrong"
    sign(image, maker)
    checked(image)
    sums = image.with_name("SHA256SUMS")
    sums.write_bytes(sums.read_bytes() + f"{WRONG}  another.img\n".encode())
    with pytest.raises(BadInput, match="or SHA256SUMS was changed"):
        checked(image)


@pytest.mark.parametrize("others", ["{0}  another.img\n", "{0}  base.img.bmap\n", ""])
def test_an_image_beside_a_signed_set_that_does_not_name_it_is_refused(
    others: str, image: Path
) -> None:
    """Also where a checksum that nobody signed speaks for it."""
    maker = Ed25519PrivateKey.generate()
    trust(maker, "maker.pub", *KEY_FORMS[0])
    sums = others.format(WRONG).encode()
    image.with_name("SHA256SUMS").write_bytes(sums)
    image.with_name("SHA256SUMS.sig").write_bytes(maker.sign(sums))
    beside(image, "{}.sha256", sha(image.read_bytes()))
    with pytest.raises(BadInput, match="is not in the SHA256SUMS that was signed") as caught:
        checked(image)
    assert caught.value.code == "not-signed"


def test_of_a_packed_image_it_is_enough_that_the_raw_one_is_signed(image: Path) -> None:
    maker = Ed25519PrivateKey.generate()
    trust(maker, "maker.pub", *KEY_FORMS[0])
    sums = f"{sha(RAW)}  base.img\n".encode()
    image.with_name("SHA256SUMS").write_bytes(sums)
    image.with_name("SHA256SUMS.sig").write_bytes(maker.sign(sums))
    checked(image)


def test_a_trusted_key_that_cannot_be_read_lets_no_signed_set_pass(image: Path) -> None:
    sign(image, Ed25519PrivateKey.generate())
    key_folder().mkdir(parents=True)
    (key_folder() / "odd.pub").write_text("no key\n")
    with pytest.raises(BadInput) as caught:
        checked(image)
    assert caught.value.code == "key-unknown"
