"""A module that Python 3.13 took out. No password is built into an image, so none is hashed."""

from __future__ import annotations

METHOD_CRYPT, METHOD_MD5, METHOD_BLOWFISH = "CRYPT", "MD5", "BLOWFISH"
METHOD_SHA256, METHOD_SHA512 = "SHA256", "SHA512"
methods = [METHOD_SHA512, METHOD_SHA256, METHOD_BLOWFISH, METHOD_MD5, METHOD_CRYPT]


def mksalt(method: str | None = None, *, rounds: int | None = None) -> str:  # noqa: ARG001
    """Nothing: there is nothing to salt."""
    return ""


def crypt(word: str, salt: str | None = None) -> str:  # noqa: ARG001
    """What shadow(5) takes for a password that nobody has."""
    return "!"
