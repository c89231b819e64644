"""Lines of config.txt and words of cmdline.txt, also where kernel updates take them from.

Debian's raspi-firmware writes both files anew at each update of a kernel, from two files in
``/etc/default``; other systems keep what stands in them. Ours stand in a block of their own, which
also tells the words that were added, so that another generation can take them away again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from autosetup.card import BOOT_FOLDERS
from autosetup.faults import Fault
from autosetup.node_file import NODE
from autosetup.steps.context import Context
from autosetup.system import System, replace_file

NAME = "boot"
_HOOK = "/etc/kernel/postinst.d/z50-raspi-firmware"
_SOURCES = ("/etc/default/raspi-firmware-custom", "/etc/default/raspi-extra-cmdline")
_BEGIN, _END = "# autosetup begins; words:", "# autosetup ends"
# Lines above may hold for some boards only; ours hold for all, and so do those below.
_FOR_ALL = "[all]"
# Editors change line ends, and people take lines away: what is not ours stays in any case.
_BLOCK = re.compile(
    rf"^{_BEGIN}(?P<words>[^\n]*)(?:\n|\Z)(?:(?s:.*?)^{_END}[ \t\r]*(?:\n|\Z))?", re.MULTILINE
)
# Comments may be in any encoding.
_AS_IT_IS = "surrogateescape"


@dataclass(frozen=True, slots=True)
class _Place:
    """A pair of files, as they are or as they shall be."""

    config: str
    cmdline: str


def problems(context: Context) -> Iterator[Fault]:
    """A wish on a system that starts otherwise."""
    boot, paths = context.settings.boot, _paths(context.system)
    if boot.cmdline and paths and not context.system.read(paths[-1][1]).strip():
        what = f"{paths[-1][1]} is missing or empty, so that no words can be added to it."
        yield Fault(NODE, 0, 0, what, "Prepare the card again.")
    if (boot.config or boot.cmdline) and not paths:
        what = "This system has no config.txt, which [boot] is about."
        yield Fault(NODE, 0, 0, what, "Remove [boot], or take an image for Raspberry Pis.")


def check(context: Context) -> bool:
    """Whether every pair of files holds exactly what is wanted."""
    boot = context.settings.boot
    return all(
        place == with_settings(place, boot.config, boot.cmdline)
        for place in (_read(context.system, *paths) for paths in _paths(context.system))
    )


def apply(context: Context) -> None:
    """Write them; the kernel hears of it at the next start."""
    system, boot = context.system, context.settings.boot
    for config, cmdline in _paths(system):
        old = _read(system, config, cmdline)
        new = with_settings(old, boot.config, boot.cmdline)
        # In between the block names the old words and the new ones: a power cut forgets none.
        both = (*_words_of(old.config), *_words_of(new.config))
        _write(system, config, _with_block(old.config, boot.config, tuple(dict.fromkeys(both))))
        _write(system, cmdline, new.cmdline)
        _write(system, config, new.config)


def with_settings(place: _Place, lines: tuple[str, ...], words: tuple[str, ...]) -> _Place:
    """A pair of files with these lines and words in place of all that were added before."""
    added = set(_words_of(place.config))
    others = [word for word in place.cmdline.split() if word not in added]
    new = tuple(word for word in words if word not in others)
    cmdline = " ".join([*others, *new]) + "\n" if added or new else place.cmdline
    return _Place(_with_block(place.config, lines, new), cmdline)


def _with_block(text: str, lines: tuple[str, ...], words: tuple[str, ...]) -> str:
    ours = _BLOCK.search(text)
    if not lines and not words and not ours:
        return text
    before, after = (text[: ours.start()], text[ours.end() :]) if ours else (text, "")
    if not lines and not words:
        return before + after
    before += "" if before.endswith("\n") or not before else "\n"
    block = [" ".join((_BEGIN, *words)), _FOR_ALL, *lines, _FOR_ALL, _END]
    return before + "".join(f"{line}\n" for line in block) + after


def _words_of(config: str) -> tuple[str, ...]:
    """The words that were added, as the block tells."""
    ours = _BLOCK.search(config)
    return tuple(ours["words"].split()) if ours else ()


def _paths(system: System) -> list[tuple[str, str]]:
    """Pairs of a file with lines and a file with words."""
    folders = (folder for folder in BOOT_FOLDERS if system.path(f"{folder}/config.txt").exists())
    boot = next(folders, None)
    pairs = [(f"{boot}/config.txt", f"{boot}/cmdline.txt")] if boot else []
    return [_SOURCES, *pairs] if boot and _SOURCES[0].encode() in system.read(_HOOK) else pairs


def _read(system: System, config: str, cmdline: str) -> _Place:
    return _Place(*(system.read(path).decode(errors=_AS_IT_IS) for path in (config, cmdline)))


def _write(system: System, path: str, text: str) -> None:
    """FAT knows no owners and modes, so this is not `System.write`."""
    raw = text.encode(errors=_AS_IT_IS)
    if system.read(path) != raw:
        replace_file(system.path(path), raw)
