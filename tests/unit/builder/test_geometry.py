from hypothesis import given
from hypothesis import strategies as st

from builder.disk import ALIGNMENT, Identity, plan_geometry
from builder.filesystems import JOURNAL_MIB, MIB
from builder.measure import BLOCK
from builder.recipe import ImageSettings

sizes = st.builds(
    ImageSettings,
    boot_size_mib=st.integers(64, 2048),
    root_slack_mib=st.integers(16, 4096),
)


@given(sizes, st.integers(1, 4_000_000), st.integers(1, 2_000_000))
def test_partitions_are_aligned_large_enough_and_do_not_overlap(settings, blocks, files):
    geometry = plan_geometry(settings, blocks, files)
    for partition in (geometry.boot, geometry.root):
        assert partition.offset % ALIGNMENT == partition.length % ALIGNMENT == 0
    assert geometry.boot.offset > 0
    assert geometry.boot.end == geometry.root.offset
    assert geometry.boot.length >= settings.boot_size_mib * MIB
    wanted = blocks * BLOCK + (settings.root_slack_mib + JOURNAL_MIB) * MIB
    assert geometry.root.length > wanted
    assert geometry.root.length // 16384 > files


def test_the_same_key_gives_the_same_ids_and_another_key_others():
    one, again, other = Identity.from_key("a"), Identity.from_key("a"), Identity.from_key("b")
    assert one == again
    assert not {one.disk, one.volume, one.root} & {other.disk, other.volume, other.root}
