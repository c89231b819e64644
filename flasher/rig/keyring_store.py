"""The desktop's keyring as the keeper of passphrases, reached through the library keyring.

It is optional: loaded only for a site that asks for it, and a computer without one asks the person.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from flasher.errors import EnvironmentLacks

_SERVICE = "flasher"


def new_entry(site: str) -> str:
    """A name in the keyring that no other site has, in whatever folder it lies."""
    return f"{site}-{secrets.token_hex(4)}"


def is_there() -> bool:
    """Whether this computer has a keyring to keep something in."""
    try:
        with _reached():
            return True
    except EnvironmentLacks:
        return False


def keep(entry: str, passphrase: str) -> None:
    """Give a passphrase to the keyring; raises `EnvironmentLacks` ``no-keyring``."""
    with _reached() as keyring:
        keyring.set_password(_SERVICE, entry, passphrase)


def kept(entry: str) -> str | None:
    """The passphrase, or None where the keyring has none; raises as `keep` does."""
    with _reached() as keyring:
        found: str | None = keyring.get_password(_SERVICE, entry)
        return found


def forget(entry: str) -> None:
    """Take a passphrase out of the keyring, if one can be reached."""
    try:
        with _reached() as keyring:
            if keyring.get_password(_SERVICE, entry) is not None:
                keyring.delete_password(_SERVICE, entry)
    except EnvironmentLacks:
        return


@contextmanager
def _reached() -> Iterator[ModuleType]:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise _lacking("Python's library keyring is not installed") from None
    try:
        is_any = keyring.get_keyring().priority > 0
    except RuntimeError as error:  # it was chosen earlier, and the login has ended since
        raise _lacking(str(error)) from None
    if not is_any:
        raise _lacking("there is none")
    try:
        yield keyring
    except KeyringError as error:
        raise _lacking(str(error) or type(error).__name__) from None


def _lacking(why: str) -> EnvironmentLacks:
    return EnvironmentLacks(
        "no-keyring",
        f"The desktop's keyring cannot be used: {why}.",
        "Log in to the desktop, or lock the site with a passphrase alone.",
    )
