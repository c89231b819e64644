"""A pi-gen config is a bash script: bash runs it, where it can change nothing, and tells.

What it sees is this computer read-only, an empty TMPDIR, and no network. `EXPORT_IMAGE` and
`EXPORT_NOOBS` of later stages are scripts too, and see what the config and those before them set.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.formats.pi_gen.dialect import DIALECTS, recognise
from builder.formats.pi_gen.folders import Stage, read_stage
from builder.formats.pi_gen.variables import Settings
from builder.sandbox import Plan, run_inside
from flasher.errors import BadInput
from flasher.process import ProgramFailed

_READER = Path(__file__).with_name("read_config.sh")
_MARK = b"\x1e"


@dataclass(frozen=True, slots=True)
class Read:
    """All that a bash said after one of the files: variables by name, and which are exported."""

    given: dict[str, str]
    exported: frozenset[str]


def read_config(
    configs: Sequence[Path], base: Path, stages: Sequence[Path] = (), dialect: str = ""
) -> tuple[Settings, tuple[Stage, ...]]:
    """Run the config files of a build, one after the other in one shell, and read its stages.

    Args:
        configs: the last wins.
        base: the folder of pi-gen, where the config runs.
        stages: by default those that the config lists, or all ``stage*`` of the folder.
        dialect: by default the one that config and stages look like.

    Raises:
        BadInput: a file or stage cannot be read, or bash failed.
    """
    (read,) = run_bash(base, [list(configs)], {"BASE_DIR": str(base)})
    found = tuple(map(read_stage, stages or _listed(read.given.get("STAGE_LIST", ""), base)))
    names = [each.name for stage in found for each in stage.top.walk()]
    chosen = DIALECTS[dialect] if dialect else recognise(read.given, names)
    return Settings(chosen, read.given, read.exported), found


def _listed(words: str, base: Path) -> tuple[Path, ...]:
    """The folders of a list, each word a path or a pattern as shells take it."""
    told: list[Path] = []
    for word in words.split() or ("stage*",):
        matches = sorted(glob.glob(str(base / word)))  # noqa: PTH207 - of absolute words, too
        folders = [Path(match) for match in matches if Path(match).is_dir()]
        told += folders if glob.has_magic(word) else [base / word]
    return tuple(told)


def read_suffixes(settings: Settings, base: Path, exports: Sequence[Path]) -> tuple[str, ...]:
    """IMG_SUFFIX after each of these EXPORT_IMAGE files, run in this order in one shell.

    Raises:
        BadInput: bash failed.
    """
    if not settings.dialect.sourced_export:
        return tuple(" ".join(path.read_text(errors="replace").split()) for path in exports)
    environment = {**settings.environment, "BASE_DIR": str(base)}
    reads = run_bash(base, [[path] for path in exports], environment)
    return tuple(read.given.get("IMG_SUFFIX", "") for read in reads)


def run_bash(
    folder: Path, groups: Sequence[Sequence[Path]], environment: dict[str, str]
) -> tuple[Read, ...]:
    """Source files in one bash, and say after each group which variables are set.

    Args:
        environment: exported before the first file; not counted as set by it.
    """
    _require_files(path for group in groups for path in group)
    if not groups:
        return ()
    orders = [
        argument
        for group in groups
        for argument in (*(str(path.absolute()) for path in group), "--tell")
    ]
    plan = Plan(
        ("bash", str(_READER), *orders),
        {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"} | environment,
        folder=str(folder),
    )
    parts = _output(plan).split(_MARK)[1:]
    if len(parts) != len(groups):
        raise BadInput(
            "config-ends",
            f"{groups[len(parts)][-1]} ends bash before its end.",
            "Take the exit out of it: build.sh would end there, too.",
        )
    return tuple(_parse(part) for part in parts)


def _require_files(paths: Iterable[Path]) -> None:
    for path in paths:
        if not path.is_file():
            raise BadInput(
                "config-missing",
                f"There is no file {path}.",
                "Name the file that you give to pi-gen's build.sh with -c.",
            )


def _output(plan: Plan) -> bytes:
    """What bash says; its own words where it fails."""
    try:
        return run_inside(plan).output
    except ProgramFailed as failure:
        tail = failure.finished.errors.strip().splitlines()[-5:]
        raise BadInput(
            "config-failed",
            "bash cannot run this pi-gen config:\n" + "\n".join(f"  {line}" for line in tail),
            "Try it with `bash -e FILE`; here it has no network, and only TMPDIR to write in.",
        ) from failure


def _parse(told: bytes) -> Read:
    fields = [field.decode(errors="replace") for field in told.split(b"\0")[:-1]]
    triples = zip(fields[::3], fields[1::3], fields[2::3], strict=True)
    values = {name: (value, attributes) for name, value, attributes in triples}
    exported = frozenset(name for name, (_, attributes) in values.items() if "x" in attributes)
    return Read({name: value for name, (value, _) in values.items()}, exported)
