"""`secrets.toml`: the one file of a payload with secrets, and what is left of it after use."""

from __future__ import annotations

from autosetup import forms
from autosetup.faults import Fault, Faulty
from autosetup.host_key import public_line
from autosetup.settings import NodeSettings, Secrets
from autosetup.strict import Pattern, Table, reading
from autosetup.toml_writer import dumps

SECRETS = "secrets.toml"
_MARK = b"# Erased after use by autosetup."
_REMAINS = _MARK + b" To set this node up again, prepare the card again.\n"


def read_secrets(raw: bytes, settings: NodeSettings | None, *, by_hand: bool = False) -> Secrets:
    """Read the bytes of `secrets.toml`; raises `Faulty`.

    Args:
        raw: the file.
        settings: the node that the secrets must fit, or None where that is not known.
        by_hand: a person wrote it, and no person makes up a nonce.
    """
    if is_redacted(raw):
        what = "The secrets of this card were used and erased."
        raise Faulty([Fault(SECRETS, 0, 0, what, "Prepare the card again.")])
    with reading(SECRETS, raw, secret=True) as top:
        hashes, passphrases = top.table("password_hashes"), top.table("wifi_passphrases")
        keys = top.table("user_keys")
        nonce = top.string("nonce", form=forms.NONCE, default="" if by_hand else None)
        secrets = Secrets(
            bytes.fromhex(nonce) if forms.NONCE.regex.fullmatch(nonce) else b"",
            _values(hashes, forms.CRYPT_HASH),
            _values(passphrases, forms.PASSPHRASE),
            top.string("host_key", default=""),
            {name: keys.string(name) for name in keys.names()},
            _own_key(top, "sealing_key"),
            _own_key(top, "report_key"),
        )
        if secrets.host_key and not public_line(secrets.host_key):
            what = "The host key is no whole Ed25519 key without passphrase."
            top.fault("host_key", what, "Prepare the card again.")
        for name, key in secrets.user_keys.items():
            if not public_line(key):
                what = "This SSH key is no whole Ed25519 key without passphrase."
                keys.fault(name, what, "Prepare the card again.")
        if settings:
            _match_users(hashes, settings)
            _match_users(keys, settings)
            _match_networks(passphrases, settings)
    return secrets


def write_secrets(secrets: Secrets) -> bytes:
    """The bytes of `secrets.toml`; never shorter than what replaces it after use."""
    document = dumps(
        {
            "nonce": secrets.nonce.hex(),
            **({"host_key": secrets.host_key} if secrets.host_key else {}),
            **_own_keys(secrets),
            **({"user_keys": dict(sorted(secrets.user_keys.items()))} if secrets.user_keys else {}),
            "password_hashes": dict(sorted(secrets.password_hashes.items())),
            "wifi_passphrases": dict(sorted(secrets.wifi_passphrases.items())),
        }
    )
    return f"# Secrets of this node. It erases them after use.\n{document}".encode()


def redacted(size: int) -> bytes:
    """What replaces a file of `size` bytes: a sentence and blanks, of the same length."""
    return _REMAINS[:size].ljust(size, b"\n")


def is_redacted(raw: bytes) -> bool:
    """Whether these bytes are what is left after use, or after an erasing that was cut short."""
    return bool(raw) and raw[: len(_MARK)] == _MARK[: len(raw)]


def _own_key(top: Table, name: str) -> str:
    """A key of the card itself; empty where there is none."""
    return top.string(name, default="", form=forms.KEY if top.has(name) else None)


def _own_keys(secrets: Secrets) -> dict[str, str]:
    keys = {"sealing_key": secrets.sealing_key, "report_key": secrets.report_key}
    return {name: key for name, key in keys.items() if key}


def _values(table: Table, form: Pattern) -> dict[str, str]:
    """Every value of a table, each of this form."""
    return {key: table.string(key, form=form) for key in table.names()}


def _match_users(table: Table, settings: NodeSettings) -> None:
    known = {user.name for user in settings.users}
    for name in table.names():
        if name not in known:
            what = "node.toml has no user of this name."
            table.fault(name, what, "Delete the line, or add [[user]].")


def _match_networks(passphrases: Table, settings: NodeSettings) -> None:
    secured = {wifi.ssid for wifi in settings.wifi if wifi.security != "open"}
    for ssid in passphrases.names():
        if ssid not in secured:
            what = "node.toml has no secured network of this name."
            passphrases.fault(ssid, what, "Delete the line, or add [[network.wifi]].")
    for ssid in sorted(secured - set(passphrases.names())):
        what = f"The passphrase of the network {ssid!r} is missing."
        passphrases.fault(ssid, what, 'Add it under [wifi_passphrases]: "name" = "passphrase".')
