"""What the nodes of an image would refuse is told when the card is made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autosetup.manifest import SIGNATURE
from autosetup.trust import POLICY, TRUSTED, UPDATE_ROOT
from flasher.card.trusting import check_trust, update_root
from flasher.errors import BadInput
from flasher.image.blocks import FileBlocks
from flasher.process import run
from tests.unit.autosetup.sample_payloads import SITE_SIGNER, sealed, site_key

ROOT = 41 << 20
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEY = {f"{TRUSTED}/studio.pub": f"{site_key(SITE_SIGNER, 'studio').line}\n"}


def image_with(base_image: Path, tmp_path: Path, files: dict[str, str]) -> Path:
    image = tmp_path / "image"
    shutil.copyfile(base_image, image)
    commands = ["mkdir /etc/autosetup", f"mkdir {TRUSTED}", "mkdir /etc/autosetup/update"]
    for number, (path, text) in enumerate(files.items()):
        (tmp_path / str(number)).write_text(text)
        commands.append(f"write {tmp_path / str(number)} {path}")
    run(["debugfs", "-w", "-f", "-", f"{image}?offset={ROOT}"], stdin="\n".join(commands).encode())
    return image


@pytest.mark.parametrize("policy", ["refuse", "network-only"])
def test_another_sites_payload_is_refused_with_both_keys(
    base_image: Path, tmp_path: Path, policy: str
) -> None:
    with FileBlocks(image_with(base_image, tmp_path, {**KEY, POLICY: f"{policy}\n"})) as image:
        check_trust(image, sealed())
        unsigned = {name: data for name, data in sealed().items() if name != SIGNATURE}
        for payload, told in ((sealed(signer=STRANGER), "signed by"), (unsigned, "unsigned")):
            with pytest.raises(BadInput, match=told) as refused:
                check_trust(image, payload)
            assert refused.value.code == "untrusted"
            assert str(site_key(SITE_SIGNER, "studio")) in refused.value.message


@pytest.mark.parametrize(
    "files",
    [{}, {**KEY, POLICY: "allow\n"}, {f"{TRUSTED}/torn.pub": "torn\n"}],
    ids=["no key", "any payload is allowed", "a key that nobody can read"],
)
def test_all_other_images_take_any_payload(
    base_image: Path, tmp_path: Path, files: dict[str, str]
) -> None:
    with FileBlocks(image_with(base_image, tmp_path, files)) as image:
        check_trust(image, sealed(signer=STRANGER))


def test_an_image_tells_whose_releases_its_nodes_take(base_image: Path, tmp_path: Path) -> None:
    with FileBlocks(image_with(base_image, tmp_path, {UPDATE_ROOT: "a root\n"})) as image:
        assert update_root(image) == b"a root\n"
    with FileBlocks(base_image) as image:
        assert update_root(image) == b""
    torn = image_with(base_image, tmp_path, {})
    with torn.open("r+b") as handle:
        handle.seek(ROOT)
        handle.write(bytes(4096))
    with FileBlocks(torn) as image:
        assert update_root(image) is None
