"""The actions of `release`; loaded only when one is called, for the libraries take long."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime

from flasher.arguments import separated
from flasher.commands._heard import board_of, generations
from flasher.commands._release_copies import copied, copies_wanted
from flasher.commands._release_keys import OPTION, passphrase, signer_of, site_signer, targets_key
from flasher.commands._release_prune import prune_repository
from flasher.commands._release_told import as_json, cards, how, tell_draft, tell_ends, where
from flasher.commands._secret_input import new_secret
from flasher.commands._sites import load
from flasher.console import Console
from flasher.errors import BadInput, ExitCode, FlasherError
from flasher.fleet.release import steps
from flasher.fleet.release.chosen import Wish
from flasher.fleet.release.compose import compose_release
from flasher.fleet.release.draft import Draft, DraftFolder
from flasher.fleet.release.place import Place, find_place, new_place
from flasher.fleet.release.plan import read_plan_of
from flasher.fleet.release.root import RootKeys, make_repository, renew_root
from flasher.fleet.release.state import State
from flasher.progress import readable_size
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.released import record_release
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.signing import SiteSigner
from flasher.rig.site import SiteSecrets, open_site
from flasher.rig.strength import strength
from flasher.rig.wrong_clock import tell_wrong_clock

_WEAK = 1


def init(args: argparse.Namespace, console: Console) -> int:
    """Make a repository."""
    place = new_place(args.folder, args.name)
    wanted = RootKeys(args.root_keys or 1, args.threshold or 1)
    wanted.check()
    what = f"New passphrase of the root and targets keys of {place.name}"
    secret = new_secret(what, args.passphrase_fd, console, OPTION)
    if (found := strength(secret, [place.name])).score <= _WEAK:
        console.warn(f"This passphrase is {found.words}. {found.advice}".rstrip())
    state = make_repository(place, wanted, secret, _now())
    console.say(
        f"The repository {place.name} lies in {place.folder}, its keys in {place.keys}.\n"
        f"Take the files *.vault there onto a stick, and keep a copy: what nodes trust hangs on"
        f" them. They are needed for new sites, new agents, and once a year.\n"
        f"Bake its root into images: flasher build-base --update-root {place.root_file}"
    )
    tell_ends(state, console)
    console.result("repository", {**where(place), "keys": str(place.keys)})
    return ExitCode.DONE


def new(args: argparse.Namespace, console: Console) -> int:
    """Draft a release."""
    if args.agent and not args.agent.is_file():
        what = f"There is no file {args.agent}."
        raise BadInput("no-such-file", what, "Make the agent's packages: flasher build-agent")
    place = find_place(args.repository)
    site, secrets = load(args.site, args, console)
    rig = lay_out(load_profile(args.scanner), site, secrets)
    with place.alone(), console.progress() as emit:
        state, folder = place.read(), DraftFolder(place.draft)
        entries, has = Ledger().entries(), generations(board_of(site.name))
        wish = _wish(args, rig)
        draft = compose_release(state, folder, rig, wish, entries, _now(), emit, has)
        tell_wrong_clock(entries, emit, draft.generation)
    tell_draft(draft, console)
    if args.publish:
        _sign(place, args, signer_of(site, secrets), console)
        return _publish(place, args, console)
    console.say("Sign it: flasher release sign")
    console.result("release", as_json(draft))
    return ExitCode.DONE


def sign(args: argparse.Namespace, console: Console) -> int:
    """Sign the draft."""
    place = find_place(args.repository)
    draft = DraftFolder(place.draft).load()
    tell_draft(draft, console)
    roles = _sign(place, args, site_signer(draft.site, args, console), console)
    console.say("Publish it: flasher release publish")
    console.result("signed", {"site": draft.site_name, "roles": roles})
    return ExitCode.DONE


def publish(args: argparse.Namespace, console: Console) -> int:
    """Put the signed draft in force; or copy what is in force."""
    return _publish(find_place(args.repository), args, console)


def discard(args: argparse.Namespace, console: Console) -> int:
    """Throw the draft away."""
    place = find_place(args.repository)
    with place.alone():
        was_there = steps.discard_draft(place, place.read())
    console.say("The draft is gone." if was_there else "There was no draft.")
    console.result("repository", where(place))
    return ExitCode.DONE


def show(args: argparse.Namespace, console: Console) -> int:
    """Tell what is in force."""
    place = find_place(args.repository)
    state = place.read()
    console.say(f"{place.name}, in {place.folder}: version {state.timestamp.signed.version}.")
    plans = [read_plan_of(state, site) for site in state.sites]
    rows = [(p.site, p.generation, p.released_at, len(p.cards), how(p)) for p in plans]
    if rows:
        console.table(("SITE", "GENERATION", "RELEASED", "CARDS", "ROLLOUT"), rows)
    else:
        console.say("Nothing was released yet: flasher release new")
    expiry = state.expiry()
    console.table(("METADATA", "ENDS"), [(r, at.date()) for r, at in expiry.items()])
    tell_ends(state, console)
    ends = {role: at.isoformat() for role, at in expiry.items()}
    told = {plan.site: {"generation": plan.generation, "how": how(plan)} for plan in plans}
    console.result("repository", {**where(place), "sites": told, "ends": ends})
    return ExitCode.DONE


def renew(args: argparse.Namespace, console: Console) -> int:
    """Sign anew what would end."""
    place = find_place(args.repository)
    signers = [site_signer(args.site, args, console)] if args.site else []
    with place.alone():
        state = place.read()
        key = targets_key(place, state, args, console) if args.targets else None
        state = steps.renew(place, state, _now(), signers=signers, targets_key=key)
    tell_ends(state, console)
    console.result("repository", where(place))
    return ExitCode.DONE


def root(args: argparse.Namespace, console: Console) -> int:
    """Sign the next root."""
    place = find_place(args.repository)
    with place.alone():
        before, folder = place.read(), args.keys or place.keys
        wanted = _root_keys(args, before)
        changes = [*args.replace, *(["root"] if wanted and "root" not in args.replace else [])]
        secret = passphrase(place, args, console)
        state = renew_root(place, before, folder, secret, _now(), changes=changes, wanted=wanted)
    console.say(f"Root {state.root.signed.version} is in force; nodes find it by themselves.")
    if changes:
        console.say(
            f"Files of new keys have -v{state.root.signed.version} in their names; copy them."
        )
    tell_ends(state, console)
    console.result("repository", {**where(place), "root": state.root.signed.version})
    return ExitCode.DONE


def _root_keys(args: argparse.Namespace, state: State) -> RootKeys | None:
    """The root keys asked for; what was not said stays as it is. None where nothing was."""
    if not (args.root_keys or args.threshold):
        return None
    role = state.root.signed.roles["root"]
    count = args.root_keys or len(role.keyids)
    return RootKeys(count, args.threshold or min(role.threshold, count))


RUN: dict[str, Callable[[argparse.Namespace, Console], int]] = {
    "init": init,
    "new": new,
    "sign": sign,
    "publish": publish,
    "discard": discard,
    "show": show,
    "renew": renew,
    "prune": prune_repository,
    "root": root,
}


def _wish(args: argparse.Namespace, rig: RigMap) -> Wish:
    return Wish(
        scanner=str(rig.profile.path.absolute()),
        site=str(rig.site.path.absolute()),
        nodes=separated(args.node),
        canaries=separated(args.canary),
        swaps=[_pair(text) for text in args.swap],
        at_once=args.at_once,
        spacing_seconds=args.spacing,
        agent=args.agent,
        instead=args.instead,
        forget=args.forget,
    )


def _pair(text: str) -> tuple[str, str]:
    first, equals, second = text.partition("=")
    if not (first and equals and second):
        what = f"--swap takes two nodes, not {text!r}."
        raise BadInput("usage", what, "Write --swap SEG1-CAM1=SEG1-CAM2.")
    return first, second


def _sign(
    place: Place, args: argparse.Namespace, signer: SiteSigner, console: Console
) -> tuple[str, ...]:
    with place.alone():
        state = place.read()
        key = targets_key(place, state, args, console)
        _, roles = steps.sign_draft(place, state, signer, key, _now)
    console.say(f"Signed: {', '.join(roles)}.")
    return roles


def _publish(place: Place, args: argparse.Namespace, console: Console) -> int:
    folder, draft = DraftFolder(place.draft), None
    copies = copies_wanted(args.to, args.stick)
    if not copies and not folder.is_there():
        what = "No release waits to be published."
        hint = "Make one: flasher release new. To copy what is in force: --to or --stick."
        raise BadInput("no-draft", what, hint)
    with place.alone(), console.progress() as emit:
        if not copies or folder.is_there():
            draft = steps.publish_draft(place, place.read(), _now(), emit)
            if _record(draft, console):
                folder.discard()
        state = place.read()
        written = {str(to): copied(state, to, emit) for to in copies}
    if draft:
        console.say(
            f"Generation {draft.generation} is in force at {draft.site_name}: {cards(draft)}."
        )
    for to, size in written.items():
        console.say(f"{to} has what is in force; {readable_size(size)} were written.")
    tell_ends(state, console)
    told = as_json(draft) if draft else {}
    console.result("release", {**told, **where(place), "copies": written})
    return ExitCode.DONE


def _record(draft: Draft, console: Console) -> bool:
    """Tell the ledger, which the next release is made from; whether it knows. Nodes need it not."""
    try:
        rig = lay_out(load_profile(draft.scanner), open_site(draft.site), SiteSecrets(None, {}))
        record_release(Ledger(), rig, draft.cards)
    except FlasherError as error:
        console.warn(f"The ledger does not know of it: {error} {error.hint}")
        console.warn("Tell it before the next release is made: flasher release publish")
        return False
    return True


def _now() -> datetime:
    return datetime.now(UTC)
