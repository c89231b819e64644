from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from builder.disk import ALIGNMENT, Identity, plan_geometry
from builder.filesystems import JOURNAL_MIB, MIB
from builder.measure import BLOCK, Measure
from builder.recipe import ImageSettings
from flasher.image.ranges import ByteRange

sizes = st.builds(
    ImageSettings,
    boot_size_mib=st.integers(64, 2048),
    root_slack_mib=st.integers(16, 4096),
    data_size_mib=st.integers(0, 4096),
)
blocks, files = st.integers(1, 4_000_000), st.integers(1, 2_000_000)


def of_tree(blocks, files, data_blocks=0, data_files=0):
    return Measure("boot", blocks, files, 0, (), (), (), data_blocks, data_files)


@given(sizes, blocks, files)
def test_partitions_are_aligned_large_enough_and_do_not_overlap(settings, blocks, files):
    geometry = plan_geometry(settings, of_tree(blocks, files))
    parts = [part for part in (geometry.boot, geometry.root, geometry.data) if part]
    assert len(parts) == (3 if settings.data_size_mib else 2)
    assert parts[0].offset > 0
    for part, following in pairwise((*parts, ByteRange(geometry.size, 0))):
        assert part.offset % ALIGNMENT == part.length % ALIGNMENT == 0
        assert part.end == following.offset
    assert geometry.boot.length >= settings.boot_size_mib * MIB
    wanted = blocks * BLOCK + (settings.root_slack_mib + JOURNAL_MIB) * MIB
    assert geometry.root.length > wanted
    assert geometry.root.length // 16384 > files


@given(sizes, blocks, files)
def test_a_partition_for_data_is_as_large_as_asked_for_or_as_what_is_in_it(settings, blocks, files):
    geometry = plan_geometry(settings, of_tree(1, 1, blocks, files))
    if geometry.data:
        assert geometry.data.length >= settings.data_size_mib * MIB
        assert geometry.data.length > blocks * BLOCK + JOURNAL_MIB * MIB
        assert geometry.data.length // 16384 > files


def test_the_same_key_gives_the_same_ids_and_another_key_others():
    one, again, other = Identity.from_key("a"), Identity.from_key("a"), Identity.from_key("b")
    assert one == again
    assert len({one.root, one.data, one.hash_seed, other.root, other.data, other.hash_seed}) == 6
    assert not {one.disk, one.volume} & {other.disk, other.volume}
