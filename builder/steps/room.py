"""The room that a script runs in: folders and mounts laid out for it alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.bench import Bench, build_environment
from builder.sandbox import Mount, Plan
from builder.steps import network
from builder.steps.carried import changed_copies, changed_sources, lay_out

if TYPE_CHECKING:
    from builder.steps.script import Script

# What a program on this computer sees of it: file hierarchy of Debian policy 9.1.1.
_SYSTEM = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "opt", "sbin", "sys", "usr")
# bash runs this before every script: bash(1), BASH_ENV. It notes which command failed last.
_OWN_RUN = "flasher"
_TRAP = f"""{{
    set -o errtrace
    trap '{{ printf "%s\\t%s\\t%s\\t%s\\0" $$ "$BASH_SOURCE" "$LINENO" "$BASH_COMMAND" \
        >> /run/{_OWN_RUN}/failed; }} 2> /dev/null' ERR
}} 2> /dev/null
"""
_TOLD = 6

# Packages that a script installs start no services: invoke-rc.d(8).
_POLICY = "#!/bin/sh\nexit 101\n"

# Where the kernel's and our own file systems are mounted in a tree.
_TREE = ("dev", "proc", "run", "sys", "tmp")
_OWN = {"home": 0o755, "root": 0o700, "run": 0o755, "tmp": 0o1777, "var/tmp": 0o1777}


@dataclass(frozen=True, slots=True)
class Room:
    """What one script sees.

    Attributes:
        scratch: a folder of the draft that does not become part of the layer.
    """

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

    @property
    def own_run(self) -> Path:
        """The folder that the script sees as /run/flasher."""
        return self.scratch / "run" / _OWN_RUN

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
        _make(self.own_run, 0o755)
        for name, text, mode in (("trap", _TRAP, 0o644), ("failed", "", 0o666)):
            (self.own_run / name).write_text(text, encoding="ascii")
            (self.own_run / name).chmod(mode)
        policy = self.scratch / "points/usr/sbin/policy-rc.d"
        _make(policy.parent, 0o755)
        policy.write_text(_POLICY, encoding="ascii")
        policy.chmod(0o755)
        if self.script.network:
            _make(self.scratch / "points/etc", 0o755)
            (self.scratch / "points/etc/resolv.conf").touch()

    def _furnish_host(self, root: Path) -> None:
        for name, mode in _OWN.items():
            _make(root / name, mode)
        for name in (
            "dev",
            "proc",
            f"run/{_OWN_RUN}",
            self.script.tree_at.lstrip("/"),
            self.script.cwd.lstrip("/"),
        ):
            _make(root / name, 0o755)
        for name in _SYSTEM:
            own = Path("/", name)
            if own.is_symlink():
                (root / name).symlink_to(own.readlink())
            elif own.is_dir():
                _make(root / name, 0o755)
        resolver = network.RESOLVER.resolve()
        if self.script.network and resolver.is_relative_to("/run") and resolver.is_file():
            _make((root / str(resolver).lstrip("/")).parent, 0o755)
            (root / str(resolver).lstrip("/")).write_bytes(resolver.read_bytes())

    def plan(self) -> Plan:
        """The mounts and the program."""
        script, here = self.script, "/" if self.script.place == "tree" else self.script.tree_at
        env = {name: value.replace("{tree}", here) for name, value in script.env.items()}
        env.setdefault("BASH_ENV", f"/run/{_OWN_RUN}/trap")
        if script.network:
            env = {**network.environment(f"/run/{_OWN_RUN}"), **env}
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

    def failed_at(self) -> str:
        """File, line and command of bash that failed last, as the begin of a sentence; or "".

        Where a bash started by that command failed just before, what failed there follows.
        """
        noted = self.own_run / "failed"  # a script may have emptied /run
        said = noted.read_text(encoding="utf-8", errors="replace") if noted.exists() else ""
        records = [tuple(each.split("\t", 3)) for each in said.split("\0")[:-1]]
        last = records[-2:] if len({record[0] for record in records[-2:]}) == 2 else records[-1:]
        places = [
            f"{Path(file).name or 'standard input'}, line {line} ({command.splitlines()[0]})"
            for _, file, line, command in reversed(last)
        ]
        return "".join(f"{place}: " for place in places)

    def told_afterwards(self) -> Iterator[str]:
        """What a person should know of a run that went well."""
        if self.script.network:
            yield (
                "The script may use the network: what apt fetches is locked and kept; whatever "
                "else it fetches can be another the next time."
            )
        for source in changed_sources(self.script.files):
            yield f"{source} changed meanwhile; the layer is made from what it was before."
        written = [path for n, at in enumerate(self._places) for path in self._written(n, at)]
        if self.script.place == "host":
            written += _files_in(self.scratch / "host", "", ("tmp", "var/tmp"))
        if written:
            more = f" and {len(written) - _TOLD} more" if len(written) > _TOLD else ""
            yield (
                "The script wrote outside of the image, which is not kept: "
                f"{', '.join(written[:_TOLD])}{more}."
            )

    def _written(self, number: int, at: str) -> list[str]:
        folder = self.scratch / f"carried{number}"
        return changed_copies(self.script.files, at, folder, self.bench.epoch)

    def _mounts(self) -> tuple[Mount, ...]:
        bench, root, tree = self.bench, self._root, self._tree
        beneath = f"{self.scratch.relative_to(bench.store.root)}/points"
        host = () if self.script.place == "tree" else (*_system_of_host(root), *_kernel(root))
        private = self.script.place == "tree" and not self.script.keeps_tmp
        own = (self._bind("tmp"),) if private else ()
        carried = (
            Mount("bind", f"{root}{at}", str(self.scratch / f"carried{number}"))
            for number, at in enumerate(self._places)
        )
        if self.script.place == "host":
            own = (Mount("bind", f"{root}/run/{_OWN_RUN}", str(self.own_run)),)
        return (
            *host,
            *bench.stack(bench.emulation, target=tree, beneath=(beneath,)),
            *_kernel(tree),
            Mount("bind-read-only", f"{tree}/sys", "/sys"),
            self._bind("run"),
            *own,
            *carried,
            *self._network(),
        )

    def _network(self) -> tuple[Mount, ...]:
        """The resolver, and the packages that apt may have."""
        if not self.script.network:
            return ()
        place = f"/run/{_OWN_RUN}"
        offered = network.furnish(self.own_run, place, self.script.fetched, self.bench)
        resolver = network.resolver_mount(self._tree)
        if offered is None:
            return (resolver,)
        at = f"{self._tree}{place}/repository"
        return resolver, Mount("bind-read-only", at, str(offered))

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


def _files_in(folder: Path, prefix: str, but: tuple[str, ...]) -> list[str]:
    """Absolute paths of the files below a folder, as a script saw them."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    names = (f"{prefix}/{path.relative_to(folder)}" for path in found)
    return [name for name in names if not name.lstrip("/").startswith(but)]
