"""The keys that `release` and `rollout` sign with, asked for only once they are needed."""

from __future__ import annotations

import argparse
from functools import cache

from flasher.commands._secret_input import known_secret
from flasher.commands._sites import load
from flasher.console import Console
from flasher.errors import BadInput
from flasher.fleet.release import keys, steps
from flasher.fleet.release.place import Place
from flasher.fleet.release.state import State
from flasher.rig.signing import SiteSigner
from flasher.rig.site import Site, SiteSecrets

OPTION = "--passphrase-fd"
_WHY_TARGETS = (
    "The repository's targets key must sign this, too, as it must the first release of a site, a"
    " new agent, and once a year."
)


def targets_key(
    place: Place, state: State, args: argparse.Namespace, console: Console
) -> steps.TargetsKey:
    """Opens the targets key once it is needed, wherever it lies now, and says why."""
    folder, wanted = args.keys or place.keys, state.root.signed.roles["targets"].keyids

    def asked() -> str:
        console.say(_WHY_TARGETS)
        return passphrase(place, args, console)()

    return lambda: keys.offline(folder, "targets", wanted, asked)[0]


def passphrase(place: Place, args: argparse.Namespace, console: Console) -> keys.Passphrase:
    """Asks for what opens root and targets keys; once, however often it is called."""
    what = f"Passphrase of the root and targets keys of {place.name}"
    return cache(lambda: known_secret(what, args.passphrase_fd, console, OPTION))


def site_signer(name: str, args: argparse.Namespace, console: Console) -> SiteSigner:
    """The site's own key; a locked site asks for its passphrase. Raises as `signer_of`."""
    return signer_of(*load(name, args, console))


def signer_of(site: Site, secrets: SiteSecrets) -> SiteSigner:
    """The key of a site that is open; raises `BadInput` ``no-site-key``."""
    if secrets.signer is None:
        what = f"The site {site.name} has no key to sign with."
        hint = f"Bring the site that its cards know; a first key: flasher site key {site.name}"
        raise BadInput("no-site-key", what, hint)
    return secrets.signer
