"""Language of messages and layout of the keyboard."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator

from autosetup.faults import Fault
from autosetup.node_file import NODE
from autosetup.steps.context import Context
from autosetup.system import System

NAME = "locale"
_GENERATED = "/etc/locale.gen"
# Debian's place and systemd's; from Debian 13 on one is a link to the other.
_LANGUAGE_FILES = ("/etc/default/locale", "/etc/locale.conf")
_KEYBOARD_FILE = "/etc/default/keyboard"
_KEYBOARD_CACHE = "/etc/console-setup/cached_setup_keyboard.sh"
# A line of the keyboard's file for as long as its cache is not on disk.
UNCACHED = "# The console's cache is not made yet.\n"
_BUILT_IN = "C.UTF-8"


def problems(context: Context) -> Iterator[Fault]:
    """A language that the system cannot be taught."""
    language = context.settings.locale.language
    if language == _BUILT_IN:
        return
    known = context.system.read("/usr/share/i18n/SUPPORTED").decode().split()
    if not known:
        what = f"The image lacks the data for the language {language}."
        yield Fault(NODE, 0, 0, what, "Add the package locales to the recipe of the image.")
    elif language not in known:
        near = difflib.get_close_matches(language, [k for k in known if ".UTF-8" in k], 1)
        remedy = f"Did you mean {near[0]}?" if near else "Choose one such as en_GB.UTF-8."
        yield Fault(NODE, 0, 0, f"No system knows the language {language}.", remedy)


def check(context: Context) -> bool:
    """Whether language and keyboard are set, and the language is there."""
    system, locale = context.system, context.settings.locale
    setting = f"LANG={locale.language}\n".encode()
    return (
        all(system.read(path) == setting for path in _language_files(system))
        and layout(system.read(_KEYBOARD_FILE).decode()) == locale.keyboard
        and _is_generated(system, locale.language)
    )


def apply(context: Context) -> None:
    """Make the language if it is missing, then set both."""
    system, locale = context.system, context.settings.locale
    if not _is_generated(system, locale.language):
        listed = system.read(_GENERATED).decode()
        system.write(_GENERATED, with_language(listed, locale.language).encode())
        system.must(["locale-gen"], seconds=1800)
    for path in _language_files(system):
        system.write(path, f"LANG={locale.language}\n".encode())
    if layout(system.read(_KEYBOARD_FILE).decode()) != locale.keyboard:
        _set_keyboard(system, locale.keyboard)


def with_language(listed: str, language: str) -> str:
    """`locale.gen` with the line of a language switched on."""
    line = f"{language} UTF-8"
    switched = re.sub(rf"^#\s*{re.escape(line)}\s*$", line, listed, flags=re.MULTILINE)
    if line in switched.splitlines():
        return switched
    return f"{switched.rstrip()}\n{line}\n".lstrip("\n")


def _language_files(system: System) -> set[str]:
    return {system.real(path) for path in _LANGUAGE_FILES}


def _is_generated(system: System, language: str) -> bool:
    if language == _BUILT_IN:
        return True
    name, _, variant = language.partition("@")
    normal = name.replace(".UTF-8", ".utf8") + (f"@{variant}" if variant else "")
    return normal in system.must(["locale", "-a"]).split()


def layout(text: str) -> str:
    """The one layout without variant that a keyboard(5) file sets; empty where it is another.

    It is empty, too, where a power cut may have kept the console's cache from being made.
    """
    if UNCACHED in text:
        return ""
    values = dict(re.findall(r'^(XKB[A-Z]+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return "" if values.get("XKBVARIANT") else values.get("XKBLAYOUT", "")


def _set_keyboard(system: System, wanted: str) -> None:
    # Without its cache the console works the layout out at boot; with an old one it keeps the old.
    system.path(_KEYBOARD_CACHE).unlink(missing_ok=True)
    lines = ('XKBMODEL="pc105"', f'XKBLAYOUT="{wanted}"', 'XKBVARIANT=""', 'XKBOPTIONS=""')
    text = "".join(f"{line}\n" for line in (*lines, 'BACKSPACE="guess"'))
    path = system.real(_KEYBOARD_FILE)
    if system.has_program("setupcon"):  # which reads the file
        system.write(path, (text + UNCACHED).encode())
        system.run(["setupcon", "-k", "--save-only"])
        os.sync()
    system.write(path, text.encode())
