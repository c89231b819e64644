"""Password hashes as the nodes' login knows them."""

from __future__ import annotations

from passlib.hash import sha512_crypt

# What glibc uses when nothing is said; more would only slow the Pi's logins.
ROUNDS = 5000


def hash_password(password: str) -> str:
    """The SHA-512 crypt hash (``$6$``) of a password, with a fresh random salt."""
    return str(sha512_crypt.using(rounds=ROUNDS).hash(password))  # type: ignore[no-untyped-call]
