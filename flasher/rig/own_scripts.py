"""The scripts that a technician added to a scanner: a list, and the files beside it.

They lie in ``scripts/PROFILE/`` of the data folder: the files, and ``scripts.toml``, which tells
their order and for whom they are. On a card they are ``scripts/99-NN-name``: they run after the
profile's own, and have one name on every node, whatever else is added or taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from autosetup import forms
from autosetup.strict import Table
from autosetup.toml_writer import dumps
from flasher import paths
from flasher.errors import BadInput
from flasher.files import write_atomic
from flasher.rig.documents import FORMAT, reading_document
from flasher.rig.own_script import (
    LIST,
    MAX_SECONDS,
    SCRIPT_NAME,
    USUAL_SECONDS,
    OwnScript,
    read_file,
)
from flasher.rig.script_check import mend

MOST = 99


def folder_of(profile: str) -> Path:
    """Where the scripts added to a profile lie, whether there are any or not."""
    return paths.data() / "scripts" / profile


def load_own(profile: str) -> tuple[OwnScript, ...]:
    """The scripts added to a profile, in their order; what is in them is not judged.

    Raises:
        BadDocument: the list has faults, all told.
        BadInput: it cannot be read.
    """
    path = folder_of(profile) / LIST
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}."
        raise BadInput("unreadable-scripts", what, "Check your rights to it.") from error
    with reading_document("list of own scripts", path, raw) as top:
        scripts = [_read_script(table, path.parent) for table in top.tables("script")]
        _check_between(top, scripts)
    return tuple(sorted(scripts, key=lambda script: script.number))


def add_script(profile: str, draft: OwnScript, *, replacing: bool = False) -> OwnScript:
    """Copy a script to those of a profile, behind the last one.

    Args:
        profile: its name.
        draft: as `draft_script` gives it, perhaps with a title, and for whom it is.
        replacing: whether it may take the place of one of this name, with its number; and with its
            settings, where the draft has none.

    Raises:
        BadInput: ``script-exists``, ``too-many-scripts``.
        BadDocument: the list has faults, or a setting is none.
    """
    own = load_own(profile)
    before = next((one for one in own if one.file.lower() == draft.file.lower()), None)
    if before and not replacing:
        what = f"{profile} has a script {before.file} already."
        raise BadInput(
            "script-exists", what, "Replace that one (--replace), or give the file another name."
        )
    if before:
        made, others = _taking_over(before, draft), [one for one in own if one != before]
    else:
        others = _with_room(profile, own)
        made = replace(draft, number=max((one.number for one in others), default=0) + 1)
    _put(profile, made)
    _save(profile, [*others, made])
    return made


def change_script(
    profile: str, file: str, change: Callable[[OwnScript], OwnScript], *, mending: bool = False
) -> OwnScript:
    """Change what the list says of a script; with `mending`, its line ends and encoding, too.

    Raises:
        BadInput: ``no-such-script``.
        BadDocument: the list has faults, or would have.
    """
    own = load_own(profile)
    before = find_script(profile, own, file)
    made = replace(change(before), file=before.file, number=before.number)
    if mending:
        made = replace(made, content=mend(made.content))
        _put(profile, made)
    _save(profile, [made if one.file == made.file else one for one in own])
    return made


def move_script(profile: str, file: str, place: int) -> tuple[OwnScript, ...]:
    """Let a script run as the one at `place` (from 1; held within the list); the new order.

    The numbers stay, and the scripts change over, so that no other script gets another name.
    """
    own = list(load_own(profile))
    numbers = [one.number for one in own]
    moved = find_script(profile, own, file)
    own.remove(moved)
    own.insert(min(max(place, 1), len(numbers)) - 1, moved)
    _save(profile, [replace(one, number=n) for one, n in zip(own, numbers, strict=True)])
    return load_own(profile)


def remove_script(profile: str, file: str) -> None:
    """Take a script off the list, then delete the copy; raises as `find_script` does."""
    own = load_own(profile)
    gone = find_script(profile, own, file)
    _save(profile, [one for one in own if one != gone])
    (folder_of(profile) / gone.file).unlink(missing_ok=True)


def find_script(profile: str, own: Sequence[OwnScript], file: str) -> OwnScript:
    """The script of this name.

    Raises:
        BadInput: ``no-such-script``.
    """
    for script in own:
        if script.file.lower() == file.lower():
            return script
    there = ", ".join(script.file for script in own) or "none"
    what = f"{profile} has no own script {file!r}."
    raise BadInput("no-such-script", what, f"There are: {there}.")


def _read_script(table: Table, folder: Path) -> OwnScript:
    file = table.string("file", form=SCRIPT_NAME)
    number = table.integer("number", low=1, high=MOST)
    content = _read_content(table, folder, file) if not SCRIPT_NAME.complain(file) else b""
    return OwnScript(
        file,
        content,
        number,
        title=table.string("title", default=""),
        roles=table.strings("roles", default=(), form=forms.ROLE),
        nodes=table.strings("nodes", default=(), form=forms.HOSTNAME),
        timeout_seconds=table.integer(
            "timeout_seconds", default=USUAL_SECONDS, low=1, high=MAX_SECONDS
        ),
        enabled=table.boolean("enabled", default=True),
    )


def _read_content(table: Table, folder: Path, file: str) -> bytes:
    try:
        return read_file(folder / file)
    except BadInput as error:
        table.fault("file", error.message, f"Put it back into {folder}, or delete these lines.")
        return b""


def _check_between(top: Table, scripts: Sequence[OwnScript]) -> None:
    for what in ("file", "number"):
        words = [str(getattr(script, what)).lower() for script in scripts]
        for word in sorted({word for word in words if words.count(word) > 1}):
            top.fault("script", f"Two scripts have the {what} {word}.", "Change one of them.")


def _taking_over(before: OwnScript, draft: OwnScript) -> OwnScript:
    whom = draft if draft.roles or draft.nodes else before
    return replace(
        before,
        content=draft.content,
        title=draft.title or before.title,
        roles=whom.roles,
        nodes=whom.nodes,
    )


def _with_room(profile: str, own: Sequence[OwnScript]) -> list[OwnScript]:
    """The scripts as they are, or numbered anew where the numbers have come to their end."""
    if len(own) >= MOST:
        what = f"{profile} has {len(own)} scripts of its own, which is all that a card can number."
        raise BadInput("too-many-scripts", what, "Remove one, or put two into one file.")
    if own and own[-1].number == MOST:
        return [replace(one, number=number) for number, one in enumerate(own, 1)]
    return list(own)


def _put(profile: str, script: OwnScript) -> None:
    path = folder_of(profile) / script.file
    paths.make_folder(path.parent)
    write_atomic(path, script.content)
    paths.hand_over(path)


def _save(profile: str, scripts: Sequence[OwnScript]) -> None:
    """Replace the list by one that can be read back, or by none."""
    path = folder_of(profile) / LIST
    raw = dumps({"format": FORMAT, "script": [_as_table(one) for one in scripts]}).encode()
    with reading_document("list of own scripts", path, raw) as top:
        _check_between(top, [_read_script(table, path.parent) for table in top.tables("script")])
    write_atomic(path, raw)
    paths.hand_over(path)


def _as_table(script: OwnScript) -> dict[str, str | int | bool | tuple[str, ...]]:
    return {
        "file": script.file,
        "number": script.number,
        "title": script.title,
        "roles": script.roles,
        "nodes": script.nodes,
        "timeout_seconds": script.timeout_seconds,
        "enabled": script.enabled,
    }
