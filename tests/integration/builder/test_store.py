import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builder.layers import Layer, Store, layer_key, open_store
from flasher.errors import Cancelled
from flasher.events import CancelFlag, Noted, ignore

KEY = layer_key("", "test", 1, {})

MAKING = """
import sys, time
from pathlib import Path
from builder.layers import Layer, open_store
from flasher.events import CancelFlag, ignore
with open_store(Path(sys.argv[1]), emit=ignore, cancel=CancelFlag()) as store:
    with store.drafting() as draft:
        (draft.tree / "half").write_bytes(b"x" * 100)
        print("making", flush=True)
        time.sleep(600)
"""


def test_a_published_layer_is_found_by_its_key_and_by_no_other(store: Store):
    layer = Layer("settings", KEY, 1.5, 1_700_000_000)
    assert store.find(KEY) is None
    with store.drafting() as draft:
        (draft.tree / "file").write_text("data")
        store.publish(draft, layer)
    assert store.find(KEY) == layer
    assert store.find(KEY[:-1] + "x") is None
    assert (store.root / layer.tree / "file").read_text() == "data"


def test_a_layer_whose_record_does_not_read_is_made_again(store: Store):
    layer = Layer("settings", KEY, 1.5, 1_700_000_000)
    for content in ("old", "new"):
        with store.drafting() as draft:
            (draft.tree / content).touch()
            store.publish(draft, layer)
        record = store.root / layer.folder / "layer.json"
        record.write_text(record.read_text()[:20])
        assert store.find(KEY) is None
    assert [path.name for path in (store.root / layer.tree).iterdir()] == ["new"]


def test_a_failed_layer_leaves_nothing(store: Store):
    def fail() -> None:
        with store.drafting() as draft:
            (draft.tree / "file").write_text("data")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert list(store.root.glob("*/tree")) == []


def test_a_killed_build_leaves_no_layer_and_the_next_run_sweeps_its_draft(tmp_path: Path):
    argv = [sys.executable, "-c", MAKING, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as making:
        assert making.stdout is not None
        assert making.stdout.readline() == b"making\n"
        os.kill(making.pid, signal.SIGKILL)
    (left,) = tmp_path.glob("*/tree")
    assert left.parent.name.startswith("draft-")
    with open_store(tmp_path, emit=ignore, cancel=CancelFlag()):
        assert list(tmp_path.glob("*/tree")) == []


def test_a_second_build_waits_its_turn_says_so_and_can_be_cancelled(store: Store):
    flag, heard = CancelFlag(), []

    def hear(event: object) -> None:
        heard.append(event)
        flag.set()

    with (
        pytest.raises(Cancelled),
        open_store(store.root, emit=hear, cancel=flag),
    ):
        pytest.fail("two builds had the store at once")
    assert isinstance(heard[0], Noted)
    assert heard[0].warning
    assert "waiting" in heard[0].text


def test_a_layer_whose_record_is_damaged_can_be_made_again(store: Store):
    layer = Layer("settings", KEY, 1.5, 1_700_000_000)
    for text in ("old", "new"):
        with store.drafting() as draft:
            (draft.tree / "file").write_text(text)
            store.publish(draft, layer)
    assert (store.root / layer.tree / "file").read_text() == "new"
