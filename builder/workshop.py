"""Make the layers of a build, each upon the ones below it; those that are there stay."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from builder.ahead import fetching_ahead
from builder.bench import Bench, Step
from builder.diagnosis import StepFailed
from builder.emulation import Emulation
from builder.history import explain_making, with_way_in
from builder.inside import settle
from builder.layers import Layer, Store
from builder.lock import LockedGroup
from builder.log import Log
from builder.plan import plan_keys, step_key
from builder.pool import Pool
from builder.sandbox import script
from builder.steps.bootstrap import Bootstrap
from builder.steps.packages import Packages
from builder.steps.script import Script
from builder.twins import count_runs
from flasher.events import CancelFlag, Emit, check_cancelled, step

_PERCENT = 100


@dataclass(frozen=True, slots=True)
class LayerResult:
    """What became of one layer; `seconds` is what it took when it was made."""

    name: str
    key: str
    reused: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all layers of one build share.

    Attributes:
        record: told what apt fetched in a script, before its layer is there.
    """

    store: Store
    emulating: Callable[[], AbstractContextManager[Emulation]]
    log: Log
    emit: Emit
    cancel: CancelFlag
    record: Callable[[LockedGroup], None] = lambda _group: None


def make_layers(
    workshop: Workshop, steps: Sequence[Step]
) -> tuple[tuple[Layer, ...], tuple[LayerResult, ...]]:
    """Find or make each layer upon the ones below it."""
    store = workshop.store
    keys = plan_keys(steps)
    missing = [each for each, key in zip(steps, keys, strict=True) if not store.find(key)]
    with (
        workshop.emulating() if missing else nullcontext(Emulation()) as emulation,
        fetching_ahead(
            Pool(store.root / "pool", workshop.emit), _groups(missing), workshop.cancel
        ) as wait_for,
    ):
        layers: tuple[Layer, ...] = ()
        results: tuple[LayerResult, ...] = ()
        for each in steps:
            check_cancelled(workshop.cancel, "The build")
            found = store.find(step_key(layers[-1].key if layers else "", each))
            wait_for(each.name)
            layer = found or _make_layer(workshop, emulation, each, layers)
            layers += (layer,)
            results += (LayerResult(each.name, layer.key, found is not None, layer.seconds),)
    if emulation.stand:
        workshop.log.write(f"Programs of the image: {count_runs(store)}.")
    return layers, results


def _groups(steps: Sequence[Step]) -> Iterator[LockedGroup]:
    """The packages that steps need."""
    for each in steps:
        if isinstance(each, Bootstrap | Packages):
            yield each.group
        elif isinstance(each, Script) and each.fetched:
            yield each.fetched


def _make_layer(
    workshop: Workshop, emulation: Emulation, each: Step, below: tuple[Layer, ...]
) -> Layer:
    begun, since = time.monotonic(), time.time()
    store, log = workshop.store, workshop.log.about(each.name)
    log.write(explain_making(store.root, each, below))
    parent = below[-1].key if below else ""
    with step(workshop.emit, each.name, "build", _PERCENT) as progress, store.drafting() as draft:
        bench = Bench(store, below, draft, emulation, log, progress, workshop.cancel, each.epoch)
        layer = _layer(each, parent)
        try:
            each.make(bench)
            _settle(bench, since)
        except StepFailed as failure:
            store.keep(draft, layer, each.inputs())
            raise with_way_in(failure, layer) from failure
        each = _recorded(workshop, each, bench)
        layer = replace(_layer(each, parent), seconds=round(time.monotonic() - begun, 3))
        store.publish(draft, layer, each.inputs())
        progress.reach(_PERCENT)
    return layer


def _layer(each: Step, parent: str) -> Layer:
    """What a step makes, as of now; how long that took is told when it is done."""
    return Layer(each.name, step_key(parent, each), 0, int(time.time()), parent, each.kind)


def _recorded(workshop: Workshop, each: Step, bench: Bench) -> Step:
    """The step with what its script fetched, which the lock hears of first."""
    if not (isinstance(each, Script) and each.records):
        return each
    recorded = each.recorded(bench)
    assert recorded.fetched is not None
    workshop.record(recorded.fetched)
    return recorded


def _settle(bench: Bench, since: float) -> None:
    """Give what a step changed the time of its packages."""
    told = (str(bench.tree), str(bench.merged), str(bench.epoch), str(since))
    bench.run_host(script(settle.__file__, *told))
