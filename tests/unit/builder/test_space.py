from functools import partial

import pytest

from builder.lock import LockedGroup, LockedPackage
from builder.space import require_room_for_image, require_room_for_layers
from flasher.errors import FlasherError


def group(size: int) -> LockedGroup:
    package = LockedPackage("p", "1", "all", "p", "1", "pool/p_1_all.deb", size, "0" * 64)
    return LockedGroup("layer", 1, ("p",), (package,))


@pytest.mark.parametrize(
    "require",
    [
        require_room_for_layers,
        require_room_for_image,
        partial(require_room_for_image, packed_only=True),
    ],
)
def test_too_small_a_disk_is_told_before_the_build_with_what_it_would_need(tmp_path, require):
    place = tmp_path / "not" / "yet"
    require(place, (group(1000),))
    with pytest.raises(FlasherError) as full:
        require(place, (group(1 << 60),))
    assert full.value.code == "disk-full"
    assert f"below {tmp_path} there are only" in full.value.message
    assert not place.exists()
