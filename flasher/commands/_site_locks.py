"""`site lock` and `site unlock`: how the secrets of a site rest."""

from __future__ import annotations

import argparse

from flasher.commands._secret_input import new_secret
from flasher.commands._sites import unlocked
from flasher.console import Console
from flasher.errors import ExitCode
from flasher.rig.site import is_locked, open_site
from flasher.rig.site_changes import lock_site, unlock_site
from flasher.rig.site_secrets import Lock
from flasher.rig.strength import strength

_WEAK = 1


def add_lock(parser: argparse.ArgumentParser) -> None:
    """Add the option for how the secrets of a site that comes will rest."""
    parser.add_argument(
        "--lock",
        choices=("passphrase", "keyring", "none"),
        help="how the secrets rest; keyring: the desktop keeps the passphrase, too",
    )


def add_keyring(parser: argparse.ArgumentParser) -> None:
    """Add the option for the desktop's keyring."""
    parser.add_argument("--keyring", action="store_true", help="the desktop keeps it, too")


def add_lock_fd(parser: argparse.ArgumentParser) -> None:
    """Add the option for a new passphrase; without it, the person is asked."""
    parser.add_argument("--lock-fd", type=int, help="file descriptor to read a new passphrase from")


def asked_lock(args: argparse.Namespace, site: str, console: Console) -> Lock | None:
    """The lock that ``--lock`` asks for; None for open secrets."""
    if args.lock in (None, "none"):
        return None
    return Lock(new_passphrase(args, site, console), keyring=args.lock == "keyring")


def new_passphrase(args: argparse.Namespace, site: str, console: Console) -> str:
    """A passphrase for a site, or for the file of one; a weak one is told."""
    what = f"New passphrase of the site {site}"
    passphrase = new_secret(what, args.lock_fd, console, "--lock-fd")
    found = strength(passphrase, [site])
    if found.score <= _WEAK:
        console.warn(f"This passphrase is {found.words}. {found.advice}".rstrip())
    return passphrase


def lock(args: argparse.Namespace, console: Console) -> int:
    """Seal a site's secrets; one that is locked gets another passphrase."""
    name: str = args.site
    site, was_locked = open_site(name), is_locked(name)
    # Who does not know the old one is told before the new one is thought up.
    known = unlocked(name, args, console)
    wanted = Lock(new_passphrase(args, site.name, console), args.keyring)
    lock_site(name, wanted, known)
    also = " The desktop's keyring keeps it, too." if wanted.keyring else ""
    done = "has another passphrase now" if was_locked else "is locked with this passphrase"
    console.say(f"The site {site.name} {done}: without it, its secrets are lost.{also}")
    _tell(name, site.name, console)
    return ExitCode.DONE


def unlock(args: argparse.Namespace, console: Console) -> int:
    """Put a site's secrets into open files."""
    name: str = args.site
    site = open_site(name)
    if is_locked(name):
        unlock_site(name, unlocked(name, args, console))
    console.say(f"The secrets of {site.name} lie open in {site.path.parent}, for their owner only.")
    _tell(name, site.name, console)
    return ExitCode.DONE


def _tell(name: str, site: str, console: Console) -> None:
    console.result("site", {"site": site, "locked": is_locked(name)})
