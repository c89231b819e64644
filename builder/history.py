"""What earlier builds used and were made from, kept in the store: why a layer is made again.

<store>/builds/<20 hex digits of the topmost key>.json  a build: recipe, layers, packages
<store>/builds/attempt-<recipe>-<architecture>.json     the last one that is not finished
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

from builder.bench import Step
from builder.diagnosis import StepFailed
from builder.layers import FAILED, Layer, list_layers, read_inputs
from builder.lock import Lock
from builder.plan import plan_keys
from builder.recipe import Recipe
from flasher.errors import BadInput
from flasher.files import write_atomic

_DIGITS = 12
_TOLD = 8


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """The newest build that came to these layers.

    Attributes:
        at: when it was begun or finished, seconds since 1970, UTC.
        finished: whether all layers were made.
        layers: name and key of each, lowest first.
        packages: SHA-256 of each .deb of its lock.
    """

    recipe: str
    architecture: str
    at: int
    finished: bool
    layers: tuple[tuple[str, str], ...]
    packages: tuple[str, ...]


def record_build(
    store: Path, recipe: Recipe, steps: Sequence[Step], lock: Lock, *, finished: bool
) -> None:
    """Remember that a build uses these layers.

    Args:
        store: its folder.
        recipe, steps, lock: what is built.
        finished: False while layers are still to be made; the last such attempt at a recipe is
            remembered beside its finished builds.
    """
    keys = plan_keys(steps)
    layers = tuple((each.name, key) for each, key in zip(steps, keys, strict=True))
    packages = tuple(
        sorted({each.sha256 for group in (*lock.groups, *lock.scripts) for each in group.packages})
    )
    told = BuildRecord(
        recipe.name, recipe.architecture, int(time.time()), finished, layers, packages
    )
    attempt = store / "builds" / f"attempt-{recipe.name}-{recipe.architecture}.json"
    attempt.parent.mkdir(exist_ok=True)
    record = attempt.with_name(f"{keys[-1][:20]}.json") if finished else attempt
    write_atomic(record, json.dumps(asdict(told)) + "\n")
    if finished:
        attempt.unlink(missing_ok=True)


def list_builds(store: Path) -> tuple[BuildRecord, ...]:
    """All that is remembered and reads, newest first."""
    read = filter(None, map(_read_build, store.glob("builds/*.json")))
    return tuple(sorted(read, key=lambda build: build.at, reverse=True))


def _read_build(path: Path) -> BuildRecord | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        told = json.loads(path.read_bytes())
        layers = tuple((name, key) for name, key in told.pop("layers"))
        return BuildRecord(layers=layers, packages=tuple(told.pop("packages")), **told)
    return None


def kept_builds(store: Path, keep: int) -> tuple[BuildRecord, ...]:
    """The newest finished builds, and the unfinished ones."""
    builds = list_builds(store)
    finished = [build for build in builds if build.finished]
    return (*finished[:keep], *(build for build in builds if not build.finished))


def find_layer(store: Path, asked: str, *, finished: bool = False) -> tuple[Layer, Path]:
    """A layer by its name or the beginning of its key, and its folder.

    One that failed is meant before a finished one, and one of a newer build before others.

    Args:
        store: its folder.
        asked: the name, or at least four digits.
        finished: leave out those that failed.

    Raises:
        BadInput: there is none.
    """
    failed = [(each, store / f"{FAILED}{each.folder}") for each in list_layers(store, FAILED)]
    done = [(each, store / each.folder) for each in reversed(list_layers(store))]
    order = {
        key: at for at, build in enumerate(list_builds(store)) for _, key in build.layers[::-1]
    }
    newest = sorted(done, key=lambda each: order.get(each[0].key, len(order)))
    for layer, folder in (*(() if finished else reversed(failed)), *newest):
        if layer.name == asked or (len(asked) > 3 and layer.key.startswith(asked)):
            return layer, folder
    raise BadInput(
        "layer-unknown",
        f"{store} holds no layer {asked}.",
        "Name one as `flasher layers list` does, or give the beginning of its key.",
    )


def stack_below(store: Path, layer: Layer) -> tuple[Layer, ...]:
    """The layers that a layer stands on, lowest first.

    Raises:
        BadInput: one of them is gone, or an earlier version made it.
    """
    known = {each.key: each for each in list_layers(store)}
    below: tuple[Layer, ...] = ()
    parent = layer.parent
    while parent:
        if parent not in known:
            raise _incomplete(layer, parent)
        below = (known[parent], *below)
        parent = known[parent].parent
    lowest = below[0] if below else layer
    if not lowest.kind:
        raise _incomplete(layer, lowest.key)
    return below


def explain_making(store: Path, step: Step, below: Sequence[Layer]) -> str:
    """Why a layer is to be made, as a sentence for the log."""
    earlier = [each for each in list_layers(store) if each.name == step.name and each.kind]
    if not earlier:
        return "Made: no layer of this name is there yet."
    told = json.loads(json.dumps(dict(step.inputs())))
    own = list(differences(read_inputs(store / earlier[-1].folder), told))
    if own:
        return f"Made again: {'; '.join(own[:_TOLD])}."
    parent = below[-1].key if below else ""
    if earlier[-1].parent != parent:
        return "Made again: a layer below it is another one."
    return "Made again: this version of the program makes it otherwise."


def explain(store: Path, layer: Layer, folder: Path) -> tuple[str, ...]:
    """Why a layer differs from the one of its name before it, in lines.

    Where its own inputs are the same, the lowest layer below it that has others is explained.
    """
    before = _before(store, layer)
    if before is None:
        return (f"{layer.name} ({_short(layer.key)}) is the only one of its name: it was new.",)
    heading = f"{layer.name} ({_short(layer.key)}) was made again after {_short(before.key)}:"
    own = tuple(differences(read_inputs(store / before.folder), read_inputs(folder)))
    if own:
        return (heading, *(f"  {line}" for line in own))
    if layer.parent == before.parent:
        return (heading, "  this version of the program makes it otherwise")
    return (heading, *_explain_below(store, layer, before))


def differences(before: object, after: object, place: str = "") -> Iterator[str]:
    """What differs between two JSON values, a line each."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{place}.{key}" if place else str(key)
            yield from differences(before.get(key), after.get(key), inner)
    elif _is_keyed(before) and _is_keyed(after):
        assert isinstance(before, list)
        assert isinstance(after, list)
        old, new = ({each[0]: each[1:] for each in items} for items in (before, after))
        for key in sorted(old.keys() | new.keys()):
            yield from _changed(f"{place} {key}", old.get(key), new.get(key))
        if old == new:
            yield f"{place}: in another order"
    elif _is_plain(before) and _is_plain(after):
        assert isinstance(before, list)
        assert isinstance(after, list)
        yield from _changed_items(place, before, after)
    else:
        yield from _changed(place, before, after)


def with_way_in(failure: StepFailed, layer: Layer) -> StepFailed:
    """The same failure with the layer's name, and how to look into what it left."""
    hint = f"{failure.hint} Look into its tree as it was left: flasher layers shell {layer.name}"
    return StepFailed(failure.code, f"The layer {layer.name}: {failure.message}", hint)


def _explain_below(store: Path, layer: Layer, before: Layer) -> tuple[str, ...]:
    try:
        pairs = zip_longest(stack_below(store, layer), stack_below(store, before))
    except BadInput:
        return ("  a layer below it is another one; what that was made from is gone",)
    for new, old in pairs:
        if new is None or old is None or new.name != old.name:
            there, then = (each.name if each else "nothing" for each in (new, old))
            return (f"  where {then} was below it is {there} now",)
        if new.key != old.key:
            own = tuple(
                differences(read_inputs(store / old.folder), read_inputs(store / new.folder))
            )
            return (f"  below it, {new.name} is another one:", *(f"    {line}" for line in own))
    return ()


def _before(store: Path, layer: Layer) -> Layer | None:
    """The newest of its name that was made before it."""
    before: Layer | None = None
    for each in list_layers(store):
        if each.key == layer.key:
            break
        if each.name == layer.name and each.kind:
            before = each
    return before


def _is_plain(value: object) -> bool:
    """Whether it is a list of texts; one of texts and numbers describes one thing."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_keyed(value: object) -> bool:
    """Whether it is a list of lists that begin with different texts."""
    if not isinstance(value, list) or not all(isinstance(e, list) and e for e in value):
        return False
    return len({str(each[0]) for each in value}) == len(value)


def _changed_items(place: str, before: list[object], after: list[object]) -> Iterator[str]:
    gone, come = ([e for e in a if e not in b] for a, b in ((before, after), (after, before)))
    yield from (f"{place}: {_told(each)} is gone" for each in gone)
    yield from (f"{place}: {_told(each)} is new" for each in come)
    if not gone and not come:
        yield f"{place}: in another order"


def _changed(place: str, before: object, after: object) -> Iterator[str]:
    if before == after:
        return
    if before is None:
        yield f"{place}: new"
    elif after is None:
        yield f"{place}: gone"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        told = (f"{_told(a)} → {_told(b)}" for a, b in pairs)
        yield f"{place}: {', '.join(told)}"
    else:
        yield f"{place}: {_told(before)} → {_told(after)}"


def _told(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_told, value))
    text = str(value)
    is_digest = len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)
    return _short(text) if is_digest else text


def _short(key: str) -> str:
    return key[:_DIGITS]


def _incomplete(layer: Layer, key: str) -> BadInput:
    return BadInput(
        "layer-incomplete",
        f"What {layer.name} stands on is not all there: {_short(key)} is gone, or of an earlier "
        "version.",
        "Build the recipe again, then repeat the command.",
    )
