"""Who takes a secret and its name for each other is told where, and the secret is not shown."""

from __future__ import annotations

import pytest

from autosetup.faults import Faulty
from autosetup.secrets_file import read_secrets
from tests.unit.autosetup.sample_payloads import HASH, SETTINGS, USER_KEY


@pytest.mark.parametrize(
    "text",
    [
        '[wifi_passphrases]\n"hunter2hunter2" = "Studio"',
        '[wifi_passphrases]\n"hunter2hunter2" = "A long name"',
        '[wifi_passphrases]\n"hunter2hunter2" = 1',
        "hunter2hunter2 = 'Studio'",
        f'[password_hashes]\n"hunter2hunter2" = "{HASH}"',
        f'[user_keys]\n"hunter2hunter2" = "{USER_KEY}"',
        '[user_keys]\n"hunter2hunter2" = "none"',
    ],
)
def test_a_secret_in_place_of_a_name(text: str) -> None:
    with pytest.raises(Faulty) as caught:
        read_secrets(text.encode(), SETTINGS, by_hand=True)
    faults = [
        fault for fault in caught.value.faults if "passphrase of the network" not in str(fault)
    ]
    assert all((fault.line, fault.column) == (text.count("\n") + 1, 1) for fault in faults)
    assert faults
    assert "hunter2" not in str(caught.value)
