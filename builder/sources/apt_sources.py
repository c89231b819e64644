"""The package sources of a tree that others made, as this computer's apt can ask them.

sources.list(5): the old form of a line each and the newer one of fields; apt-secure(8): whose
signature counts, named beside a source or trusted for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.archive import Archive

_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>\S+\s+\S.*)$")
_SIGNED_BY = re.compile(r"\bsigned-by=(\S+)")
_TRUSTED = ("etc/apt/trusted.gpg.d/*.gpg", "etc/apt/trusted.gpg.d/*.asc")
_DEBIAN = "usr/share/keyrings/debian-archive-keyring.*"
_NO = ("no", "false", "0", "off")


@dataclass(frozen=True, slots=True)
class TreeArchive(Archive):
    """Where a tree takes its packages from.

    Attributes:
        tree: what the files lie in.
        scratch: for keys that stand among the sources.
    """

    tree: Path = Path("/")
    scratch: Path = Path("/")

    def sources(self, suite: str, architecture: str) -> str:  # noqa: ARG002 - each names its own
        """Text of a sources.list of the same sources."""
        lines = [line for path in self._files("list") for line in _one_line(path.read_text())]
        for path in self._files("sources"):
            for number, stanza in enumerate(re.split(r"\n\s*\n", path.read_text())):
                lines += _fields_as_lines(stanza, self.scratch / f"{path.stem}-{number}.asc")
        return "".join(f"{self._located(line)}\n" for line in lines)

    @property
    def keyrings(self) -> tuple[Path, ...]:
        """Keys that sign for all sources that name none."""
        found = [path for pattern in (*_TRUSTED, _DEBIAN) for path in self.tree.glob(pattern)]
        return tuple(sorted(path for path in found if path.is_file()))

    def _files(self, suffix: str) -> list[Path]:
        names = [self.tree / "etc/apt/sources.list"] if suffix == "list" else []
        names += sorted((self.tree / "etc/apt/sources.list.d").glob(f"*.{suffix}"))
        again = {f"{source.name}.sources" for source in self.more}
        return [path for path in names if path.is_file() and path.name not in again]

    def _located(self, line: str) -> str:
        """The line with the paths of its keys as they are on this computer."""

        def here(found: re.Match[str]) -> str:
            paths = found[1].split(",")
            inside = (p if p.startswith(str(self.scratch)) else f"{self.tree}{p}" for p in paths)
            return f"signed-by={','.join(inside)}"

        return _SIGNED_BY.sub(here, line)


def _one_line(text: str) -> Iterator[str]:
    for line in text.splitlines():
        found = _LINE.match(line.partition("#")[0].strip())
        if found:
            yield _line(found["options"] or "", found["rest"])


def _fields_as_lines(stanza: str, inline: Path) -> Iterator[str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1] in (" ", "\t"):
            fields[name] += f"\n{line.strip()}"
        elif line and not line.startswith("#"):
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "") in _NO:
        return
    signed = fields.get("signed-by", "")
    if "BEGIN PGP" in signed:
        inline.parent.mkdir(parents=True, exist_ok=True)
        lines = ("" if line == "." else line for line in signed.strip().splitlines())
        inline.write_text("\n".join(lines) + "\n", encoding="ascii")
        signed = str(inline)
    options = f"signed-by={','.join(signed.split())}" if signed else ""
    for uri in fields.get("uris", "").split():
        for suite in fields.get("suites", "").split():
            yield _line(options, f"{uri} {suite} {' '.join(fields.get('components', '').split())}")


def _line(options: str, rest: str) -> str:
    signed = _SIGNED_BY.search(options)
    told = f"[{signed[0]}] " if signed else ""
    return f"deb {told}{rest}".rstrip()
