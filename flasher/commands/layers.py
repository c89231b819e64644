"""The layers that ship; those that builds keep, to look into and to free the disk of."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from builder.gc import Unused, find_unused, remove_unused
from builder.history import explain, find_layer, kept_builds
from builder.layers import FAILED, Layer, Store, list_layers, open_store
from builder.look import compare_layers, open_shell
from builder.recipe import list_shipped
from flasher import paths
from flasher.arguments import Action, Parser
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.events import CancelFlag, Event, Noted
from flasher.progress import readable_seconds, readable_size

EXAMPLE = (
    "flasher layers available\n  flasher layers why network\n  flasher layers gc --keep 3 --dry-run"
)

_KEPT = 5


def configure(parser: Parser) -> None:
    """Add the command's actions."""
    parser.add_actions(ACTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says."""
    actions: dict[str, Callable[[argparse.Namespace, Console, Path], int]] = {
        "available": _available,
        "list": _list,
        "why": _why,
        "diff": _diff,
        "shell": _shell,
        "gc": _collect,
    }
    return actions[args.action](args, console, paths.cache() / "layers")


def _add_layer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("layer", metavar="LAYER", help="name, or the beginning of the key")


def _add_other(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("other", metavar="OTHER", help="the same")


def _add_collect(parser: argparse.ArgumentParser) -> None:
    kept = "keep what the newest N builds use (%(default)s)"
    parser.add_argument("--keep", type=int, default=_KEPT, metavar="N", help=kept)
    parser.add_argument("--dry-run", action="store_true", help="tell only what would go")
    parser.add_argument("--yes", action="store_true", help="do not ask")


ACTIONS = {
    "available": Action("the layers that ship, for `uses` in recipes", "flasher layers available"),
    "list": Action("the layers that builds keep, and those that failed", "flasher layers list"),
    "why": Action(
        "which input made a layer another one than before",
        "flasher layers why network",
        (_add_layer,),
    ),
    "diff": Action(
        "what differs between the trees up to two layers",
        "flasher layers diff system network",
        (_add_layer, _add_other),
    ),
    "shell": Action(
        "a shell in the tree up to a layer, or in one that failed",
        "flasher layers shell network",
        (_add_layer,),
    ),
    "gc": Action(
        "free what the newest builds do not use",
        "flasher layers gc --keep 3 --dry-run",
        (_add_collect,),
    ),
}


def _available(_args: argparse.Namespace, console: Console, _store: Path) -> int:
    """The layers that ship, for `uses` in recipes."""
    shipped = list_shipped()
    rows = [(each.name, each.about, ", ".join(each.needs)) for each in shipped]
    console.table(("LAYER", "WHAT IT DOES", "NEEDS BELOW IT"), rows)
    console.result("layers-available", {"layers": [asdict(each) for each in shipped]})
    return ExitCode.DONE


def _list(_args: argparse.Namespace, console: Console, store: Path) -> int:
    """The finished layers, oldest first, then those that failed."""
    finished, failed = list_layers(store), list_layers(store, FAILED)
    rows = [_row(layer, readable_seconds(layer.seconds)) for layer in finished]
    rows += [_row(layer, "failed") for layer in failed]
    console.table(("KEY", "LAYER", "TOOK", "MADE (UTC)"), rows)
    console.say(f"\nThey lie in {store}.")
    told = {"layers": [asdict(e) for e in finished], "failed": [asdict(e) for e in failed]}
    console.result("layers", {"store": str(store), **told})
    return ExitCode.DONE


def _row(layer: Layer, took: str) -> tuple[str, ...]:
    made = datetime.fromtimestamp(layer.made_at, UTC).strftime("%Y-%m-%d %H:%M")
    return layer.key[:12], layer.name, took, made


def _why(args: argparse.Namespace, console: Console, store: Path) -> int:
    layer, folder = find_layer(store, args.layer)
    lines = explain(store, layer, folder)
    console.say("\n".join(lines))
    console.result("layer-why", {"layer": asdict(layer), "lines": lines})
    return ExitCode.DONE


def _diff(args: argparse.Namespace, console: Console, store: Path) -> int:
    with _opened(store, console) as opened:
        found = compare_layers(opened, args.layer, args.other, CancelFlag())
    for each in found:
        console.say(f"{', '.join(each.what):<10} {each.path}")
    console.say(f"{len(found)} paths differ.")
    console.result("layer-diff", {"differences": [asdict(each) for each in found]})
    return ExitCode.DONE


def _shell(args: argparse.Namespace, console: Console, store: Path) -> int:
    with _opened(store, console) as opened:
        return open_shell(opened, args.layer, CancelFlag())


def _collect(args: argparse.Namespace, console: Console, store: Path) -> int:
    """Remove what the newest builds do not use, the largest first."""
    if args.keep < 1:
        raise BadInput("keep-none", "At least one build is kept.", "Give --keep 1 or more.")
    with _opened(store, console) as opened:
        unused = sorted(find_unused(opened, args.keep), key=lambda each: -each.size)
        kept = kept_builds(store, args.keep)
        _tell_unused(unused, console)
        if unused and not args.dry_run:
            console.confirm(f"These are removed from {store}.", yes=args.yes)
            for each in unused:
                remove_unused(each)
    freed = readable_size(sum(each.size for each in unused))
    names = ", ".join(dict.fromkeys(f"{each.recipe} ({each.architecture})" for each in kept))
    console.say(
        f"{freed} {'would be' if args.dry_run else 'are'} freed. Kept: {names or 'nothing'}."
    )
    told = [{**asdict(each), "path": str(each.path)} for each in unused]
    console.result("layers-gc", {"dry_run": args.dry_run, "unused": told})
    return ExitCode.DONE


def _tell_unused(unused: list[Unused], console: Console) -> None:
    """Layers one by one, the many packages in a line."""
    told = [each for each in unused if each.kind in ("layer", "failed")]
    rows = [(readable_size(each.size), each.kind, each.name, each.path.name) for each in told]
    packages = [each.size for each in unused if each.kind == "package"]
    if packages:
        rows.append((readable_size(sum(packages)), "packages", str(len(packages)), "pool"))
    console.table(("SIZE", "KIND", "NAME", "FOLDER"), rows)


@contextmanager
def _opened(root: Path, console: Console) -> Iterator[Store]:
    """The store, locked: a build waits meanwhile."""

    def hear(event: Event) -> None:
        if isinstance(event, Noted):
            console.warn(event.text)

    with open_store(root, emit=hear, cancel=CancelFlag()) as store:
        yield store
