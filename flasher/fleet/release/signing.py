"""The metadata of a release: made from what is in force, signed by whoever vouches for it.

A site's role vouches for its plan, and for the roles of its scanners, whose keys come from its own.
These vouch for the letters of their nodes. The repository's targets key says whose key is whose; it
is needed only for a new site, another key of one, another agent, and once a year.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from securesystemslib.signer import CryptoSigner, Signer  # type: ignore[attr-defined]
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, TargetFile, Targets

from autosetup.faults import Faulty
from flasher.fleet.release import keys, names, times
from flasher.fleet.release.plan import plan_before, plan_of
from flasher.fleet.release.state import State
from flasher.fleet.release.store import Source, sha256_of, size_of
from flasher.rig.signing import SiteSigner

Signed = dict[str, Metadata[Targets]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a site is to have.

    Attributes:
        site: its name.
        plan: the bytes of its rollout plan.
        letters: new ones, as bytes or files, by target path.
        keeps: whether a letter that is there already stays, by its card's id.
        renews: roles whose letters stay as they are are signed anew, too.
    """

    site: str
    plan: bytes
    letters: Mapping[str, Source] = field(default_factory=dict)
    keeps: Callable[[str], bool] = lambda _card: True
    renews: bool = False


def sign_site(state: State, wanted: Wanted, signer: SiteSigner, now: datetime) -> Signed:
    """The new metadata of a site, and of those of its roles that change, by role.

    Args:
        state: what is in force.
        wanted: what is to be.
        signer: with the site's key.
        now: UTC.
    """
    site = names.check_site(wanted.site)
    before = {role for role in state.delegated if role.startswith(f"{site}.")}
    scanner_roles = {role.partition(".")[2] for role in before}
    scanner_roles |= {target.split("/")[1] for target in wanted.letters}
    made = {}
    for scanner_role in sorted(scanner_roles):
        role, by = names.role_of(site, scanner_role), keys.role_signer(signer, scanner_role)
        letters = _letters(state, wanted, scanner_role)
        if wanted.renews or not _still_holds(state, site, role, letters, by, now):
            made[role] = signed_targets(state, role, letters, now, by)
    target = names.plan_target(site)
    plan = {target: _target(target, wanted.plan)}
    delegations = _delegations(site, sorted(scanner_roles), signer)
    own = keys.site_signer(signer)
    return {site: signed_targets(state, site, plan, now, own, delegations), **made}


def sign_targets(
    state: State,
    now: datetime,
    by: Signer,
    *,
    site: SiteSigner | None = None,
    agents: Mapping[str, Source] | None = None,
) -> Metadata[Targets]:
    """The repository's own targets: whose key each site has, and the agents' packages.

    Args:
        state: what is in force.
        now: UTC.
        by: the targets key.
        site: to take up, or whose key is another one now.
        agents: new packages by target path; of those that are there only what plans name stays.
    """
    before = state.targets.signed
    roles = dict(before.delegations.roles or {}) if before.delegations else {}
    known = dict(before.delegations.keys) if before.delegations else {}
    if site:
        public = keys.site_signer(site).public_key
        name = names.check_site(site.name)
        known[public.keyid] = public
        roles[name] = DelegatedRole(
            name, [public.keyid], 1, terminating=True, paths=[f"{name}/*", f"{name}/*/*"]
        )
    used = {keyid for role in roles.values() for keyid in role.keyids}
    delegations = Delegations({k: v for k, v in known.items() if k in used}, roles)
    new = {target: _target(target, source) for target, source in (agents or {}).items()}
    packages = {**_named(state), **new} if new else before.targets
    return signed_targets(state, "targets", packages, now, by, delegations)


def needs_targets(state: State, site: SiteSigner, now: datetime) -> bool:
    """Whether the targets key must sign before a site's release can be published.

    It must where the site is new or has another key, and where the targets end within two months.

    Args:
        state: what is in force.
        site: with the key that signs the release.
        now: UTC.
    """
    delegations = state.targets.signed.delegations
    role = (delegations.roles or {}).get(site.name) if delegations else None
    keyids = role.keyids if role else []
    is_known = keys.site_signer(site).public_key.keyid in keyids
    return not is_known or times.is_due("targets", state.targets.signed.expires, now)


def signed_targets(
    state: State,
    role: str,
    targets: Mapping[str, TargetFile],
    now: datetime,
    by: Signer,
    delegations: Delegations | None = None,
) -> Metadata[Targets]:
    """The next version of a role's metadata, signed; the first one where it is new.

    Args:
        state: what is in force.
        role: ``targets``, ``SITE`` or ``SITE.ROLE``.
        targets: all that it is to have, by path.
        now: UTC.
        by: its key.
        delegations: to whom it hands on; None for nobody.
    """
    before = state.targets if role == "targets" else state.delegated.get(role)
    version = before.signed.version + 1 if before else 1
    signed = Targets(version, None, times.ends(role, now), dict(targets), delegations)
    made = Metadata(signed)
    made.sign(by)
    return made


def _named(state: State) -> dict[str, TargetFile]:
    """Packages that plans in force name, and those before them, for a site may go back to it.

    All there are, where a plan cannot be read: it may be of a newer flasher.
    """
    packages = state.targets.signed.targets
    with suppress(Faulty):
        plans = [find(state, site) for site in state.sites for find in (plan_of, plan_before)]
        named = {plan.agent for plan in plans if plan}
        return {target: file for target, file in packages.items() if target in named}
    return dict(packages)


def _still_holds(
    state: State,
    site: str,
    role: str,
    letters: Mapping[str, TargetFile],
    by: CryptoSigner,
    now: datetime,
) -> bool:
    """Whether a role's metadata needs no new version."""
    before, delegator = state.delegated.get(role), state.delegated.get(site)
    if before is None or delegator is None or before.signed.targets != letters:
        return False
    is_due = times.is_due(role, before.signed.expires, now)
    keyids = delegator.signed.get_delegated_role(role).keyids
    return not is_due and keyids == [by.public_key.keyid]


def _letters(state: State, wanted: Wanted, scanner_role: str) -> dict[str, TargetFile]:
    """A role's letters: those that stay, and the new ones."""
    before = state.delegated.get(names.role_of(wanted.site, scanner_role))
    prefix = f"{wanted.site}/{scanner_role}/"
    kept = {
        target: file
        for target, file in (before.signed.targets if before else {}).items()
        if wanted.keeps(target.removeprefix(prefix).removesuffix(".json"))
    }
    new = {t: _target(t, s) for t, s in wanted.letters.items() if t.startswith(prefix)}
    return dict(sorted({**kept, **new}.items()))


def _delegations(site: str, scanner_roles: list[str], signer: SiteSigner) -> Delegations:
    public = {role: keys.role_signer(signer, role).public_key for role in scanner_roles}
    roles = {
        names.role_of(site, role): DelegatedRole(
            names.role_of(site, role), [key.keyid], 1, terminating=True, paths=[f"{site}/{role}/*"]
        )
        for role, key in public.items()
    }
    return Delegations({key.keyid: key for key in public.values()}, roles)


def _target(path: str, source: Source) -> TargetFile:
    return TargetFile(size_of(source), {"sha256": sha256_of(source)}, path)
