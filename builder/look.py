"""Look into layers that builds keep: compare their trees, open a shell in one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from builder.bench import Bench
from builder.emulating import emulating_plainly
from builder.emulation import Emulation, find_emulator
from builder.history import find_layer, stack_below
from builder.inside import listing
from builder.inside.enter import Plan, plan_from_json
from builder.layers import Draft, Layer, Store, read_inputs
from builder.log import open_log
from builder.sandbox import run_at_terminal, script
from flasher.events import CancelFlag, Progress, ignore

# What can differ between two files of one name, in the order in which the listing tells it.
_ASPECTS = ("mode", "owner", "content", "attributes")
_SHELL = ("/bin/sh", "-c", "command -v bash >/dev/null && exec bash; exec sh")
_DRAFT = re.compile(r"draft-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Difference:
    """A path that is not the same in two trees.

    Attributes:
        what: ``added``, ``removed``, or which aspects changed: ``mode``, ``owner``, ``content``,
            ``attributes``.
    """

    path: str
    what: tuple[str, ...]


def compare_layers(
    store: Store, first: str, second: str, cancel: CancelFlag
) -> tuple[Difference, ...]:
    """What differs between the whole trees up to two layers, by path.

    Args:
        store: that holds them.
        first, second: names, or beginnings of keys.
        cancel: ends the comparison.

    Raises:
        BadInput: a layer is not there, or not all that is below it.
    """
    before, after = (_list(store, name, cancel) for name in (first, second))
    found = []
    for path in sorted(before.keys() | after.keys()):
        if path not in before or path not in after:
            found.append(Difference(f"/{path}", ("added" if path in after else "removed",)))
        elif before[path] != after[path]:
            pairs = zip(_ASPECTS, before[path], after[path], strict=True)
            found.append(Difference(f"/{path}", tuple(what for what, a, b in pairs if a != b)))
    return tuple(found)


def open_shell(store: Store, asked: str, cancel: CancelFlag) -> int:
    """Open a shell in the tree up to a layer; return its exit status.

    A layer that failed is opened as it was left, with all that its program saw; what is changed in
    a finished one is gone at the end.

    Raises:
        BadInput: the layer is not there, or not all that is below it.
    """
    layer, folder = find_layer(store.root, asked)
    below = stack_below(store.root, layer)
    with store.drafting() as draft, _emulating(store, (*below, layer)) as emulation:
        if folder.name == layer.folder:
            with _bench(store, (*below, layer), draft, emulation, cancel) as bench:
                plan = bench.tree_plan(_SHELL)
        else:
            plan = _failed_plan(store, folder, below, emulation, cancel)
        kept = {name: os.environ[name] for name in ("TERM",) if name in os.environ}
        env = {**plan.env, **kept, "HISTFILE": "/dev/null", "PS1": f"{layer.name}:\\w# "}
        plan = replace(plan, argv=_SHELL, env=env, stdin="", merge_output=False)
        return run_at_terminal(plan, draft.folder / "order.json")


def _failed_plan(
    store: Store, folder: Path, below: tuple[Layer, ...], emulation: Emulation, cancel: CancelFlag
) -> Plan:
    """What the program saw that failed; the tree as it was left where that ran beside it."""
    draft = Draft(folder)
    if draft.plan.exists():
        told = _DRAFT.sub(folder.name, draft.plan.read_text(encoding="utf-8"))
        work = Path(mkdtemp(dir=folder / "work"))  # a volatile overlay takes none twice
        told = re.sub(r"workdir=[^,\"]+", f"workdir={work.relative_to(store.root)}", told)
        plan = plan_from_json(json.loads(told))
        if plan.root != "/":
            return replace(plan, handler=plan.handler or emulation.handler)
    with _bench(store, below, draft, emulation, cancel) as bench:
        return bench.tree_plan(_SHELL)


def _list(store: Store, asked: str, cancel: CancelFlag) -> dict[str, list[str]]:
    layer, _ = find_layer(store.root, asked, finished=True)
    layers = (*stack_below(store.root, layer), layer)
    with _bench(store, layers, None, Emulation(), cancel) as bench:
        told = bench.run_host(script(listing.__file__, str(bench.merged)))
    return dict(json.loads(told.output))


@contextmanager
def _bench(
    store: Store,
    layers: tuple[Layer, ...],
    draft: Draft | None,
    emulation: Emulation,
    cancel: CancelFlag,
) -> Iterator[Bench]:
    progress = Progress(ignore, "layers", "look", None)
    with open_log(store.root / "logs", ignore) as log:
        yield Bench(store, layers, draft, emulation, log, progress, cancel)


@contextmanager
def _emulating(store: Store, layers: tuple[Layer, ...]) -> Iterator[Emulation]:
    """Have programs of the tree run, whatever its architecture."""
    told = (read_inputs(store.root / layer.folder).get("architecture") for layer in layers)
    architecture = next((str(each) for each in told if each), None)
    if architecture is None:
        yield Emulation()
        return
    with emulating_plainly(find_emulator(architecture)) as emulation:
        yield emulation
