"""What people are told of a release before it is signed."""

from __future__ import annotations

from autosetup.settings import FileRecord, Manifest
from flasher.fleet.release.changes import as_json, compare, lines

ONE, OTHER = FileRecord(1, "1" * 64), FileRecord(1, "2" * 64)


def manifest(node: str, **files: FileRecord) -> Manifest:
    by_name = {name.replace("__", "."): record for name, record in files.items()}
    times = "2026-11-22T00:00:00Z"
    return Manifest(1, 1, node, "0" * 32, "0" * 64, "0" * 64, times, "0" * 64, by_name)


def test_changes_are_told_by_what_they_are_and_how_many_nodes_have_them() -> None:
    before = [manifest(f"cam-{n}", node__toml=ONE, old=ONE, secrets__toml=ONE) for n in range(5)]
    after = [manifest(f"cam-{n}", node__toml=ONE, new=ONE, secrets__toml=OTHER) for n in range(4)]
    after.append(manifest("cam-4", node__toml=OTHER, old=ONE, secrets__toml=OTHER))
    found = [compare(old, new, old.node) for old, new in zip(before, after, strict=True)]
    assert lines(found) == ["4 nodes: new new", "4 nodes: old gone", "cam-4: node.toml changed"]
    assert as_json(found)[4] == {
        "node": "cam-4",
        "before": "cam-4",
        "files": ("node.toml changed",),
        "first": False,
    }


def test_a_new_place_and_a_first_release_are_told() -> None:
    found = [compare(None, manifest("b", x=ONE), "a"), compare(None, manifest("c"), "c")]
    assert lines(found) == ["a becomes b", "b, c: their first release"]


def test_of_many_different_changes_the_most_common_are_told() -> None:
    found = [
        compare(manifest("n", **{f"f{n}": ONE}), manifest("n", **{f"f{n}": OTHER}), "n")
        for n in range(40)
    ]
    told = lines(found)
    assert len(told) == 21
    assert told[-1] == "and 20 more changes"
