"""The scripts that were added to a profile, on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flasher.arguments import Action
from flasher.console import Console
from flasher.errors import BadDocument, BadInput, ExitCode
from flasher.rig.addressees import getting, meant_for, missing
from flasher.rig.own_script import MAX_SECONDS, OwnScript, draft_script, read_file
from flasher.rig.own_scripts import (
    add_script,
    change_script,
    find_script,
    folder_of,
    load_own,
    move_script,
    remove_script,
)
from flasher.rig.profile import Profile, load_profile


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says, then tell the scripts as they are now."""
    profile = load_profile(args.profile)
    if args.action == "add-script":
        _add(args, profile, console)
    elif args.action == "set-script":
        _set(args, profile)
    elif args.action == "remove-script":
        _remove(args, profile, console)
    _tell(replace(profile, own=load_own(profile.name)), console)
    return ExitCode.DONE


def _add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profile", metavar="PROFILE", help="name, or path of its TOML file")


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the script; a copy is kept")
    parser.add_argument("--replace", action="store_true", help="it is a newer one")


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="NAME", help="as `profile scripts` tells it")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", action="append", default=[], help="for the nodes of this role")
    parser.add_argument("--node", action="append", default=[], help="for this node")
    parser.add_argument("--everyone", action="store_true", help="for every node again")
    parser.add_argument("--title", help="what it does, in your words")
    parser.add_argument(
        "--timeout", type=int, metavar="SECONDS", help="stopped after so long (600)"
    )
    parser.add_argument("--place", type=int, metavar="N", help="let it run as the N-th of your own")
    parser.add_argument("--on", action="store_true", help="put it onto cards again")
    parser.add_argument("--off", action="store_true", help="keep it, but put it onto no card")
    parser.add_argument(
        "--mend", action="store_true", help="mend line ends and encoding of the copy"
    )


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


ACTIONS = {
    "scripts": Action(
        "list the scripts of your own, in their order",
        "flasher profile scripts body-16x7",
        (_add_profile,),
    ),
    "add-script": Action(
        "add a script of your own",
        "flasher profile add-script body-16x7 warm-up.sh --role camera",
        (_add_profile, _add_file, _add_settings),
    ),
    "set-script": Action(
        "change when and for whom a script runs",
        "flasher profile set-script body-16x7 warm-up.sh --place 1",
        (_add_profile, _add_name, _add_settings),
    ),
    "remove-script": Action(
        "delete the copy of a script",
        "flasher profile remove-script body-16x7 warm-up.sh",
        (_add_profile, _add_name, _add_yes),
    ),
}


def _add(args: argparse.Namespace, profile: Profile, console: Console) -> None:
    file: Path = args.file
    try:
        draft = draft_script(file.name, read_file(file), mending=args.mend)
    except BadDocument as error:
        error.hint = (
            "Line ends and encoding are mended with --mend, in the copy only; else edit it."
        )
        raise
    draft = _changed(args, profile, draft)
    for fault in draft.examine().warnings:
        console.warn(str(fault))
    made = add_script(profile.name, draft, replacing=args.replace)
    if args.place is not None:
        move_script(profile.name, made.file, args.place)


def _set(args: argparse.Namespace, profile: Profile) -> None:
    file: str = args.file
    change_script(
        profile.name, file, lambda script: _changed(args, profile, script), mending=args.mend
    )
    if args.place is not None:
        move_script(profile.name, file, args.place)


def _remove(args: argparse.Namespace, profile: Profile, console: Console) -> None:
    script = find_script(profile.name, profile.own, args.file)
    question = f"The copy of {script.file} in {folder_of(profile.name)} will be deleted."
    console.confirm(question, yes=args.yes)
    remove_script(profile.name, script.file)


def _changed(args: argparse.Namespace, profile: Profile, script: OwnScript) -> OwnScript:
    """The script with what was asked for; everything else stays."""
    if args.on and args.off:
        raise BadInput("usage", "A script is on or off.", "Leave out --on or --off.")
    if args.role or args.node or args.everyone:
        if args.everyone and (args.role or args.node):
            raise BadInput("usage", "--everyone is for all nodes.", "Leave out --role and --node.")
        nodes = [word for text in args.node for word in text.split(",")]
        script = meant_for(profile, script, args.role, nodes)
    if args.timeout is not None and not 1 <= args.timeout <= MAX_SECONDS:
        what = f"A script may take 1 to {MAX_SECONDS} s."
        raise BadInput("bad-value", what, "Give a number within that.")
    return replace(
        script,
        title=script.title if args.title is None else args.title,
        timeout_seconds=args.timeout or script.timeout_seconds,
        enabled=(script.enabled or args.on) and not args.off,
    )


def _tell(profile: Profile, console: Console) -> None:
    if not profile.own:
        console.say(f"{profile.name} has no scripts of your own.")
    else:
        rows = [_row(profile, place, script) for place, script in enumerate(profile.own, 1)]
        console.table(("", "SCRIPT", "STATE", "FOR", "NODES", "TITLE"), rows)
    tell_troubles(profile, console)
    scripts = [_as_json(profile, script) for script in profile.own]
    folder = str(folder_of(profile.name))
    console.result("scripts", {"profile": profile.name, "folder": folder, "scripts": scripts})


def _row(profile: Profile, place: int, script: OwnScript) -> Sequence[object]:
    state = "on" if script.enabled else "off"
    faulty = not script.examine().runs
    count = len(getting(profile, script))
    return place, script.file, "faulty" if faulty else state, whom(script), count, script.title


def whom(script: OwnScript) -> str:
    """For whom a script is, in words."""
    return ", ".join((*script.roles, *script.nodes)) or "every node"


def tell_troubles(profile: Profile, console: Console) -> None:
    """Say what is wrong with the scripts, or with those whom they are for."""
    for script in profile.own:
        for trouble in _troubles(profile, script):
            console.warn(trouble)


def _troubles(profile: Profile, script: OwnScript) -> list[str]:
    found = script.examine()
    gone = ", ".join(missing(profile, script))
    lost = [f"{script.file} is for {gone}, which {profile.name} does not have (any more)."]
    mending = f"Mend it: flasher profile set-script {profile.name} {script.file} --mend"
    return [
        *(str(fault) for fault in (*found.faults, *found.mendable)),
        *([mending] if found.mendable and not found.faults else []),
        *(lost if gone else []),
    ]


def _as_json(profile: Profile, script: OwnScript) -> dict[str, object]:
    return {
        "file": script.file,
        "source": script.source,
        "title": script.title,
        "roles": script.roles,
        "nodes": script.nodes,
        "timeout_seconds": script.timeout_seconds,
        "enabled": script.enabled,
        "runs": script.examine().runs,
        "count": len(getting(profile, script)),
        "missing": missing(profile, script),
    }
