"""What parts are read from and may copy: the folder that pi-builder puts together for docker.

Now ``stages/common/STAGE`` with ``stages/OS/STAGE`` over it; in the old layout ``stages/STAGE``.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.steps.carried import Carried, carry_file
from flasher.errors import BadInput

PART = "Dockerfile.part"
_COMMON = "common"


@dataclass(frozen=True, slots=True)
class Context:
    """The files of all stages.

    Attributes:
        files: where each path comes from; paths begin with ``stages``.
        base: folder that `told` names files from.
        flat: whether it is the old layout.
    """

    files: Mapping[str, Path]
    base: Path
    flat: bool

    def part(self, stage: str) -> tuple[str, str]:
        """The text of a stage's part, and what people call its file.

        Raises:
            BadInput: there is no such stage, or it does not read.
        """
        path = self.files.get(f"stages/{stage}/{PART}")
        if path is None:
            there = sorted(p.split("/")[1] for p in self.files if p.endswith(f"/{PART}"))
            raise BadInput(
                "stage-missing",
                f"There is no stage {stage} with a {PART} below {self.base}.",
                f"Choose among: {', '.join(there)}.",
            )
        try:
            return path.read_text(encoding="utf-8"), self.told(path)
        except (OSError, UnicodeDecodeError) as error:
            what = f"{self.told(path)} cannot be read: {error}."
            raise BadInput("stage-unreadable", what, "Save it as UTF-8.") from None

    def told(self, path: Path) -> str:
        """What people call a file."""
        return str(path.relative_to(self.base)) if path.is_relative_to(self.base) else str(path)

    def match(self, pattern: str) -> tuple[str, ...]:
        """The paths that a source of COPY names: sorted; ``*`` and ``?`` do not match a slash."""
        parts = [part for part in PurePosixPath(pattern).parts if part not in ("/", ".")]
        while parts and parts[0] == "..":  # nothing lies above a context
            parts.pop(0)
        if not parts:
            return ("",)
        regex = re.compile("/".join(_regex(part) for part in parts))
        return tuple(sorted(path for path in self.files if regex.fullmatch(path)))

    def is_folder(self, path: str) -> bool:
        """Whether a path of the context is one; links lead where they point to."""
        return not path or self.files[path].is_dir()

    def source(self, path: str) -> Path:
        """The file that a path is or, where it is a link, leads to.

        Raises:
            BadInput: it leads out of the stages, or nowhere.
        """
        source = self.files[path]
        real = source.resolve()
        if source.is_symlink() and real not in {each.resolve() for each in self.files.values()}:
            what = f"{self.told(source)} is a link to {source.readlink()}, which is not there."
            raise BadInput("part-refused", what, "Put the file itself into the stage.")
        return real

    def carry(self, path: str, at: str, name: str) -> tuple[Carried, ...]:
        """A folder of the context with all that is in it, as `name`."""
        prefix = f"{path}/" if path else ""
        inside = [each for each in sorted(self.files) if each.startswith(prefix)]
        own = self.files.get(path, self.base)
        top = Carried(at, f"{name}/", stat.S_IMODE(own.stat().st_mode))
        below = (
            _carry(at, f"{name}/{each.removeprefix(prefix)}", self.files[each]) for each in inside
        )
        return (top, *below)


def open_context(bases: Sequence[Path], system: str) -> Context:
    """The files of stages; those of later folders lie over those of earlier ones.

    Args:
        bases: folders that hold a folder ``stages``.
        system: the folder that lies over ``common``.

    Raises:
        BadInput: there are no stages.
    """
    for base in bases:
        if not (base / "stages").is_dir():
            what = f"There is no folder {base / 'stages'}."
            raise BadInput("stages-missing", what, "Name the folder of pi-builder that holds it.")
    flat = any((bases[0] / "stages").glob(f"*/{PART}"))
    tops = [""] if flat else [_COMMON, system]
    files: dict[str, Path] = {}
    for top in tops:
        for base in bases:
            files |= _walk(base / "stages" / top)
    return Context(files, Path(os.path.commonpath(bases)), flat)


def _walk(top: Path) -> dict[str, Path]:
    found = {"stages": top} if top.is_dir() else {}
    for folder, folders, names in os.walk(top):
        for name in (*folders, *names):
            path = Path(folder, name)
            found[f"stages/{path.relative_to(top)}"] = path
    return found


def _carry(at: str, path: str, source: Path) -> Carried:
    if source.is_dir() and not source.is_symlink():
        return Carried(at, f"{path}/", stat.S_IMODE(source.stat().st_mode))
    return carry_file(at, path, source)


def _regex(part: str) -> str:
    """A regular expression for one component of a pattern: Go's filepath.Match."""
    told, at = "", 0
    while at < len(part):
        char, at = part[at], at + 1
        end = part.find("]", at + 1)
        if char == "*":
            told += "[^/]*"
        elif char == "?":
            told += "[^/]"
        elif char == "[" and end > 0:
            told += f"[{part[at:end]}]"
            at = end + 1
        elif char == "\\" and at < len(part):
            told += re.escape(part[at])
            at += 1
        else:
            told += re.escape(char)
    return told
