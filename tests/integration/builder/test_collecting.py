"""What a store keeps, and what is taken away when it is collected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from builder.gc import find_unused, remove_unused
from builder.layers import FAILED, Layer, Store, list_layers
from flasher.cli import main

AddLayer = Callable[..., Layer]


def nothing(_tree: Path) -> None:
    """Of layers without files."""


def record(store: Store, name: str, at: int, layers: tuple[Layer, ...], *, finished: bool = True):
    (store.root / "builds").mkdir(exist_ok=True)
    told = {
        "recipe": name,
        "architecture": "amd64",
        "at": at,
        "finished": finished,
        "layers": [[layer.name, layer.key] for layer in layers],
        "packages": [f"{at:064}"],
    }
    stem = layers[-1].key[:20] if finished else f"attempt-{name}-amd64"
    (store.root / f"builds/{stem}.json").write_text(json.dumps(told))
    (store.root / "pool").mkdir(exist_ok=True)
    (store.root / f"pool/{at:064}.deb").write_bytes(b"x" * 5000)


def kept(store: Store) -> set[str]:
    return {layer.name for layer in list_layers(store.root)}


def test_what_the_newest_builds_use_stays_and_the_rest_goes(store: Store, add_layer: AddLayer):
    names = ("shared", "old", "middle", "new", "stray")
    shared, old, middle, new, _ = (add_layer(name, nothing) for name in names)
    for at, layer in enumerate((old, middle, new)):
        record(store, "rig", at, (shared, layer))
    for each in find_unused(store, keep=2):
        remove_unused(each)
    assert kept(store) == {"shared", "middle", "new"}
    assert {path.name for path in store.root.glob("pool/*")} == {f"{n:064}.deb" for n in (1, 2)}
    assert len(list(store.root.glob("builds/*"))) == 2
    assert find_unused(store, keep=2) == ()


def test_layers_of_an_unfinished_build_stay(store: Store, add_layer: AddLayer):
    done, begun = (add_layer(name, nothing) for name in ("done", "begun"))
    record(store, "rig", 2, (done,))
    record(store, "other", 1, (begun,), finished=False)
    assert find_unused(store, keep=1) == ()


def test_a_failed_layer_of_no_kept_build_goes(store: Store, add_layer: AddLayer):
    layer = add_layer("done", nothing)
    record(store, "rig", 1, (layer,))
    with store.drafting() as draft:
        store.keep(draft, Layer("broken", "c" * 64, 0, 1), {})
    (found,) = find_unused(store, keep=1)
    assert (found.kind, found.name) == ("failed", "broken")
    remove_unused(found)
    assert list_layers(store.root, FAILED) == ()


def test_sizes_are_told_and_owners_do_not_matter(store: Store, add_layer: AddLayer):
    add_layer("big", lambda tree: (tree / "data").write_bytes(b"x" * 3_000_000))
    (found,) = find_unused(store, keep=1)
    assert 3_000_000 <= found.size < 4_000_000


def test_nothing_goes_without_a_yes(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("FLASHER_CACHE", str(tmp_path / "cache"))
    layer = tmp_path / "cache/layers" / ("d" * 20)
    (layer / "tree").mkdir(parents=True)
    told = {"name": "mine", "key": "d" * 64, "seconds": 1, "made_at": 1}
    (layer / "layer.json").write_text(json.dumps(told))
    assert main(["layers", "gc"]) == 2
    assert "Add --yes" in capsys.readouterr().err
    assert main(["layers", "gc", "--dry-run"]) == 0
    assert "would be freed" in capsys.readouterr().out
    assert layer.exists()
    assert main(["layers", "gc", "--yes"]) == 0
    assert not layer.exists()


def test_records_that_do_not_read_stop_nobody(store: Store, add_layer: AddLayer):
    layer, broken = (add_layer(name, nothing) for name in ("done", "broken"))
    record(store, "rig", 1, (layer,))
    (store.root / broken.folder / "layer.json").write_text('{"name"')
    (store.root / "builds/of-another-version.json").write_text('{"recipe": "x"}')
    assert kept(store) == {"done"}
    assert find_unused(store, keep=1) == ()
