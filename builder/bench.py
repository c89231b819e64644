"""What a step works with: the layers below, its own draft, a sandbox to run programs in, a log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Protocol

from builder.diagnosis import diagnose, is_status
from builder.emulation import Emulation
from builder.layers import Draft, Inputs, Layer, Store, lower_trees
from builder.log import Log
from builder.pool import Pool
from builder.sandbox import Mount, Plan, overlay, run_inside
from flasher.events import CancelFlag, Progress
from flasher.process import Finished, ProgramFailed


class Step(Protocol):
    """One layer to be: what it depends on, and how it is made."""

    @property
    def name(self) -> str:
        """What people call the layer."""

    @property
    def kind(self) -> str:
        """The kind of step; part of the key."""

    @property
    def version(self) -> int:
        """Raised when the code makes something else from the same inputs; part of the key."""

    def inputs(self) -> Inputs:
        """All that this step reads, as JSON values."""

    @property
    def epoch(self) -> int:
        """SOURCE_DATE_EPOCH of all that it runs, and the time of all that it makes."""

    def make(self, bench: Bench) -> None:
        """Fill the bench's draft; report percent done to its progress."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A place to make one layer.

    Attributes:
        layers: finished layers below, lowest first.
        draft: None where only reading is wanted, such as when an image is assembled.
        emulation: so that programs of the tree run here.
        progress: of 100.
        epoch: SOURCE_DATE_EPOCH of all that runs here.
    """

    store: Store
    layers: tuple[Layer, ...]
    draft: Draft | None
    emulation: Emulation
    log: Log
    progress: Progress
    cancel: CancelFlag
    epoch: int = 0

    @property
    def tree(self) -> Path:
        """The draft's own files, without those below."""
        assert self.draft is not None
        return self.draft.tree

    @property
    def merged(self) -> Path:
        """Where programs in the sandbox find the whole tree."""
        return self.store.view

    @property
    def pool(self) -> Pool:
        """The .debs of the lock."""
        return Pool(self.store.root / "pool")

    def list_folder(self, folder: str) -> tuple[str, ...]:
        """Names in a folder of the whole tree, sorted; none where there is no such folder.

        Args:
            folder: relative to the tree.
        """
        argv = ("sh", "-c", '[ ! -d "$1" ] || ls -A "$1"', "sh", str(self.merged / folder))
        return tuple(sorted(self.run_host(argv).text.splitlines()))

    def run_host(
        self,
        argv: tuple[str, ...],
        *,
        mounts: tuple[Mount, ...] = (),
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        merge_output: bool = False,
        emulate: bool = False,
        keep: Sequence[int] = (),
    ) -> Finished:
        """Run a program of the host that sees the tree at `merged`.

        Args:
            argv, mounts, env, on_line, merge_output, keep: see `Plan` and `run_inside`.
            emulate: it runs programs of the tree too; then it also sees what these need.
        """
        emulation = self.emulation if emulate else Emulation()
        plan = Plan(
            argv=argv,
            env=build_environment(self.epoch, env),
            mounts=(*self.stack(emulation), *mounts),
            folder=str(self.store.root),
            handler=emulation.handler,
            merge_output=merge_output,
            narrow=emulation.narrow,
        )
        return self.run(plan, on_line, keep)

    def run_in_tree(
        self,
        argv: tuple[str, ...],
        *,
        mounts: tuple[Mount, ...] = (),
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run a program of the tree, emulated if need be, with all its output logged."""
        return self.run(self.tree_plan(argv, mounts=mounts, env=env), on_line)

    def tree_plan(
        self,
        argv: tuple[str, ...],
        *,
        mounts: tuple[Mount, ...] = (),
        env: Mapping[str, str] | None = None,
    ) -> Plan:
        """The plan of a program of the tree."""
        root = str(self.merged)
        return Plan(
            argv=argv,
            env=build_environment(self.epoch, env),
            mounts=(*self.stack(self.emulation), *_system_mounts(root), *mounts),
            folder=str(self.store.root),
            root=root,
            handler=self.emulation.handler,
            merge_output=True,
            narrow=self.emulation.narrow,
        )

    def stack(
        self, emulation: Emulation, *, target: str = "", beneath: tuple[str, ...] = ()
    ) -> tuple[Mount, ...]:
        """The whole tree mounted, with what is needed to run its programs.

        Args:
            emulation: how these run.
            target: where to; `merged` by default.
            beneath: trees below all layers, relative to the store: what is in them is seen and
                stays out of the draft.
        """
        target, lower = target or str(self.merged), (*lower_trees(self.layers), *beneath)
        if emulation.stand:
            lower = (*lower, emulation.stand)
        if self.draft is None:
            return (overlay(target, lower if len(lower) > 1 else (*lower, "view")),)
        name = self.draft.folder.name
        work = mkdtemp(dir=self.draft.folder / "work")  # a volatile overlay takes none twice
        upper, work = f"{name}/tree", f"{name}/work/{Path(work).name}"
        return (
            overlay(target, lower or ("view",), upper=upper, work=work),
            *emulation.mounts(target),
        )

    def run(
        self,
        plan: Plan,
        on_line: Callable[[str], None] | None = None,
        keep: Sequence[int] = (),
    ) -> Finished:
        """Run a plan, with its lines logged.

        Raises:
            StepFailed: the program failed.
        """
        self.log.write(f"+ {' '.join(plan.argv)}")

        def hear(line: str) -> None:
            if not is_status(line):
                self.log.write(line)
            if on_line:
                on_line(line)

        try:
            return run_inside(plan, cancel=self.cancel, on_line=hear, keep=keep)
        except ProgramFailed as failure:
            if self.draft:
                self.draft.plan.write_text(json.dumps(asdict(plan)), encoding="utf-8")
            raise diagnose(plan.argv[0], failure.finished, self.log.path) from failure


def build_environment(epoch: int, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of builds; nothing of ours is in it."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": str(epoch),
        # Programs that list a dictionary then do so in the same order each time.
        "PYTHONHASHSEED": "0",
        "PERL_HASH_SEED": "0",
        **(extra or {}),
    }


def _system_mounts(root: str) -> tuple[Mount, ...]:
    """What programs in the tree expect around them; none of it ends up in the layer."""
    return (
        Mount("proc", f"{root}/proc"),
        Mount("dev", f"{root}/dev"),
        Mount("tmpfs", f"{root}/run"),
        Mount("tmpfs", f"{root}/tmp", options="mode=1777"),  # noqa: S108 - in the tree
    )
