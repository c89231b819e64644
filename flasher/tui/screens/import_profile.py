"""Taking over a profile from a stick: the folder is chosen, checked, and only then copied."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App

from flasher.errors import FlasherError
from flasher.rig.profile import FILE, Profile, list_profiles, load_profile
from flasher.rig.profile_import import find_profile, import_profile, place_of
from flasher.tui.attempt import attempt
from flasher.tui.screens.choose_file import ChooseFileScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.told import ToldScreen
from flasher.tui.words import _


async def ask_for_profile(app: App[Any]) -> Path | None:
    """Have the folder of a profile chosen."""
    return await app.push_screen_wait(
        ChooseFileScreen(
            _("Which profile? Folders with ★ hold one"),
            accepts=_holds_profile,
            refusal=_("There is no profile.toml in it."),
        )
    )


async def take_over(app: App[Any], folder: Path) -> Profile | None:
    """Copy it where it checks; None where it does not, or was not meant."""
    found = await asyncio.to_thread(attempt, partial(find_profile, folder))
    if isinstance(found, FlasherError):
        await app.push_screen_wait(ToldScreen(_("This profile cannot be used"), found))
        return None
    question = _question(found)
    if question and not await _agreed(app, question.format(name=found.name)):
        return None
    taken = await asyncio.to_thread(attempt, partial(import_profile, found, replacing=True))
    if isinstance(taken, FlasherError):
        await app.push_screen_wait(ToldScreen(_("It could not be taken over"), taken))
        return None
    return taken


def _question(found: Profile) -> str:
    """What to ask before another profile of this name gives way; empty where none does."""
    if place_of(found).exists():
        return _("There is a profile {name} already. Replace it by this one, from now on?")
    other = attempt(lambda: load_profile(found.name)) if found.name in list_profiles() else found
    if isinstance(other, Profile) and other.path == found.path:
        return ""
    return _("There is a profile {name} that is not yours. Use this one instead, from now on?")


async def _agreed(app: App[Any], question: str) -> bool:
    screen = QuestionScreen(question, yes=_("Replace"), no=_("Keep"))
    agreed: bool = await app.push_screen_wait(screen)
    return agreed


def _holds_profile(path: Path) -> bool:
    return (path / FILE).is_file() or (path.name == FILE and path.is_file())
