"""List, show and check scanner profiles."""

from __future__ import annotations

import argparse
from pathlib import Path

from flasher.console import Console
from flasher.errors import ExitCode, FlasherError
from flasher.rig.profile import Profile, Role, list_profiles, load_profile

EXAMPLE = "flasher profile show body-16x7"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=("list", "show", "check"))
    parser.add_argument("profile", nargs="*", help="names, or paths of TOML files")


def run(args: argparse.Namespace, console: Console) -> int:
    """List all profiles, or show or check those named; without names, all of them."""
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
            console.say(f"{profile.name}: no faults")
    console.result("profiles", {"profiles": [_as_json(profile) for profile in profiles]})
    return ExitCode.DONE if all(loaded) else ExitCode.USAGE


def _load(name: str, console: Console) -> Profile | None:
    """A profile, or None after saying what is wrong with it: one bad one hides no other."""
    try:
        return load_profile(name)
    except FlasherError as error:
        console.error(error)
        return None


def _show(profile: Profile, console: Console) -> None:
    console.say(f"{profile.name}: {profile.title}\n{profile.description}\n")
    for role in profile.roles:
        console.say(f"{role.title}: {role.count} × {role.name}, {role.does}")
        for line in _installs(role):
            console.say(f"    {line}")
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
    return {"name": profile.name, "title": profile.title, "digest": profile.digest, "roles": roles}
