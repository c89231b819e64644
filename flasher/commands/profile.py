"""List, show and check scanner profiles; take one over from a stick; add scripts of your own."""

from __future__ import annotations

import argparse
from pathlib import Path

from flasher.arguments import Action, Parser
from flasher.commands import _own_scripts
from flasher.console import Console
from flasher.errors import ExitCode, FlasherError
from flasher.rig.own_script import all_run
from flasher.rig.profile import Profile, list_profiles, load_profile
from flasher.rig.profile_import import find_profile, import_profile
from flasher.rig.role import Role

EXAMPLE = "flasher profile show body-16x7"


def configure(parser: Parser) -> None:
    """Add the command's actions."""
    parser.add_actions(ACTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """List all profiles, or show or check those named; without names, all of them."""
    if args.action in _own_scripts.ACTIONS:
        return _own_scripts.run(args, console)
    if args.action == "import":
        return _import(args, console)
    names: list[str] = args.profile or list_profiles()
    loaded = [_load(name, console) for name in names]
    profiles = [profile for profile in loaded if profile]
    if args.action == "list":
        rows = [(p.name, sum(r.count for r in p.roles), p.title) for p in profiles]
        console.table(("PROFILE", "NODES", "TITLE"), rows)
    elif args.action == "show":
        for profile in profiles:
            _show(profile, console)
    else:
        for profile in profiles:
            _judge(profile, console)
    console.result("profiles", {"profiles": [_as_json(profile) for profile in profiles]})
    sound = all(profile and all_run(profile.own) for profile in loaded)
    return ExitCode.DONE if sound or (args.action != "check" and all(loaded)) else ExitCode.USAGE


def _add_profiles(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "profile", nargs="*", metavar="PROFILE", help="names, or paths of TOML files; else all"
    )


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="with a profile.toml")
    parser.add_argument("--replace", action="store_true", help="it is a newer one")


ACTIONS = {
    "list": Action("list all profiles, or those named", "flasher profile list", (_add_profiles,)),
    "show": Action("tell what is in profiles", "flasher profile show body-16x7", (_add_profiles,)),
    "check": Action(
        "look for faults in profiles", "flasher profile check ./body/profile.toml", (_add_profiles,)
    ),
    "import": Action(
        "take over the profile in a folder", "flasher profile import /media/STICK", (_add_import,)
    ),
    **_own_scripts.ACTIONS,
}


def _load(name: str, console: Console) -> Profile | None:
    """A profile, or None after saying what is wrong with it: one bad one hides no other."""
    try:
        return load_profile(name)
    except FlasherError as error:
        console.error(error)
        return None


def _import(args: argparse.Namespace, console: Console) -> int:
    found = find_profile(args.folder)
    taken = import_profile(found, replacing=args.replace)
    console.say(f"The profile {taken.name} lies in {taken.path.parent} now.")
    console.result("profiles", {"profiles": [_as_json(taken)]})
    return ExitCode.DONE


def _judge(profile: Profile, console: Console) -> None:
    own = f"; scripts of your own: {len(profile.own)}" if profile.own else ""
    faults = "no faults" if all_run(profile.own) else "no faults of its own"
    console.say(f"{profile.name}: {faults}{own}")
    _own_scripts.tell_troubles(profile, console)


def _show(profile: Profile, console: Console) -> None:
    console.say(f"{profile.name}: {profile.title}\n{profile.description}\n")
    for role in profile.roles:
        console.say(f"{role.title}: {role.count} × {role.name}, {role.does}")
        for line in _installs(role):
            console.say(f"    {line}")
    for script in profile.own:
        off = "" if script.enabled else ", switched off"
        console.say(f"own script {script.file} for {_own_scripts.whom(script)}{off}")
    console.say()


def _installs(role: Role) -> list[str]:
    leases = role.serves.leases if role.serves else ()
    return [
        *(
            ["serves names and time on its wired network: plug it into no other"]
            * bool(role.serves)
        ),
        *([f"serves addresses {' to '.join(leases)}"] if leases else []),
        *([f"SSH from {role.reached_from} only"] if role.reached_from else []),
        *(f"script {Path(script.source).name}" for script in role.scripts),
        *(f"file {file.path}" for file in role.files),
        *(f"service {unit} on" for unit in role.services.enable),
        *(f"service {unit} off" for unit in role.services.disable),
    ]


def _as_json(profile: Profile) -> dict[str, object]:
    roles = [
        {"name": r.name, "title": r.title, "columns": r.columns, "rows": r.rows, "count": r.count}
        for r in profile.roles
    ]
    return {
        "name": profile.name,
        "title": profile.title,
        "digest": profile.digest,
        "roles": roles,
        "own_scripts": [script.file for script in profile.own],
    }
