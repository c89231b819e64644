"""The one step that runs somebody's program: inside the image, or on this computer beside it.

It runs as root in namespaces of its own. What it mounts, starts or leaves open ends with it. On
this computer it sees the system's programs read-only, copies of the files that it was given, an
empty home and the tree of the image; all else that it writes is gone when it ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from builder.bench import Bench, build_environment
from builder.layers import Inputs
from builder.sandbox import Mount, Plan
from builder.steps.carried import Carried, changed_sources, lay_out

__all__ = ["Carried", "Script"]

# Where programs on this computer find the tree, unless their format says otherwise.
TREE = "/image"

# What a program on this computer sees of it: file hierarchy of Debian policy 9.1.1.
_SYSTEM = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "opt", "sbin", "sys", "usr")
# Where the kernel's and our own file systems are mounted in a tree.
_TREE = ("dev", "proc", "run", "sys", "tmp")
_OWN = {"home": 0o755, "root": 0o700, "run": 0o755, "tmp": 0o1777, "var/tmp": 0o1777}


@dataclass(frozen=True, slots=True)
class Script:
    """A program with all that it reads.

    Attributes:
        argv: the program and its arguments. In these and in `env`, ``{tree}`` stands for the place
            of the tree.
        place: ``tree`` for a program of the image, which sees the tree as its root; ``host`` for
            one of this computer, which sees it at `tree_at`.
        stdin: what it reads from its standard input.
        env: all that it sees beyond the build's own environment.
        cwd: absolute, as the program sees it.
        files: what it reads; see `Carried`.
        network: whether it may use this computer's network.
    """

    name: str
    epoch: int
    argv: tuple[str, ...]
    place: Literal["tree", "host"] = "tree"
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    files: tuple[Carried, ...] = ()
    network: bool = False
    tree_at: str = TREE
    kind: str = "script"
    version: int = 1

    def inputs(self) -> Inputs:
        """All of the above, files and standard input by their digests."""
        return {
            "argv": list(self.argv),
            "place": self.place,
            "stdin": hashlib.sha256(self.stdin).hexdigest(),
            "env": dict(self.env),
            "cwd": self.cwd,
            "files": [each.describe() for each in self.files],
            "network": self.network,
            "tree_at": self.tree_at if self.place == "host" else "",
            "epoch": self.epoch,
        }

    def make(self, bench: Bench) -> None:
        """Run the program to its end.

        Raises:
            StepFailed: its status was not 0, or a file that it reads changed before.
        """
        assert bench.draft is not None
        scratch = bench.draft.folder / "scratch"
        _Room(self, bench, scratch).furnish()
        bench.run(_Room(self, bench, scratch).plan())
        for source in changed_sources(self.files):
            bench.log.write(f"{source} changed while the layer was made from what it was before.")


@dataclass(frozen=True, slots=True)
class _Room:
    """What a script sees, laid out in folders of the draft that are not part of the layer."""

    script: Script
    bench: Bench
    scratch: Path

    @property
    def _root(self) -> str:
        """What the program sees as ``/``, as this computer sees it."""
        own = self.scratch / "host" if self.script.place == "host" else self.bench.merged
        return str(own)

    @property
    def _tree(self) -> str:
        return f"{self._root}{self.script.tree_at}" if self.script.place == "host" else self._root

    @property
    def _places(self) -> tuple[str, ...]:
        return tuple(sorted({each.at for each in self.script.files}))

    def furnish(self) -> None:
        """Make the folders."""
        for name in ("host", "run", "tmp", *(f"points/{name}" for name in _TREE)):
            _make(self.scratch / name, _OWN.get(name, 0o755))
        below = self.scratch / ("host" if self.script.place == "host" else "points")
        for number, at in enumerate(self._places):
            _make(self.scratch / f"carried{number}", 0o755)
            lay_out(self.script.files, at, self.scratch / f"carried{number}", self.bench.epoch)
            _make(below / at.lstrip("/"), 0o755)
        if self.script.place == "host":
            self._furnish_host(below)
        (self.scratch / "stdin").write_bytes(self.script.stdin)

    def _furnish_host(self, root: Path) -> None:
        for name, mode in _OWN.items():
            _make(root / name, mode)
        for name in ("dev", "proc", self.script.tree_at.lstrip("/"), self.script.cwd.lstrip("/")):
            _make(root / name, 0o755)
        for name in _SYSTEM:
            own = Path("/", name)
            if own.is_symlink():
                (root / name).symlink_to(own.readlink())
            elif own.is_dir():
                _make(root / name, 0o755)

    def plan(self) -> Plan:
        """The mounts and the program."""
        script, here = self.script, "/" if self.script.place == "tree" else self.script.tree_at
        env = {name: value.replace("{tree}", here) for name, value in script.env.items()}
        return Plan(
            argv=tuple(argument.replace("{tree}", here) for argument in script.argv),
            env=build_environment(self.bench.epoch, env),
            mounts=(*self._mounts(),),
            folder=str(self.bench.store.root),
            root=self._root,
            handler=self.bench.emulation.handler,
            merge_output=True,
            cwd=script.cwd,
            stdin=str(self.scratch / "stdin"),
            network=script.network,
        )

    def _mounts(self) -> tuple[Mount, ...]:
        bench, root, tree = self.bench, self._root, self._tree
        beneath = f"{self.scratch.relative_to(bench.store.root)}/points"
        host = () if self.script.place == "tree" else (*_system_of_host(root), *_kernel(root))
        own = () if self.script.place == "host" else (self._bind("tmp"),)
        carried = (
            Mount("bind", f"{root}{at}", str(self.scratch / f"carried{number}"))
            for number, at in enumerate(self._places)
        )
        return (
            *host,
            *bench.stack(bench.emulation, target=tree, beneath=(beneath,)),
            *_kernel(tree),
            Mount("bind-read-only", f"{tree}/sys", "/sys"),
            self._bind("run"),
            *own,
            *carried,
        )

    def _bind(self, name: str) -> Mount:
        return Mount("bind", f"{self._tree}/{name}", str(self.scratch / name))


def _system_of_host(root: str) -> tuple[Mount, ...]:
    present = (name for name in _SYSTEM if Path("/", name).is_dir())
    return tuple(
        Mount("bind-read-only", f"{root}/{name}", f"/{name}")
        for name in present
        if not Path("/", name).is_symlink()
    )


def _kernel(root: str) -> tuple[Mount, ...]:
    return Mount("proc", f"{root}/proc"), Mount("dev", f"{root}/dev")


def _make(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)
