"""What a config sets of a rig and its person is told apart from the image."""

from builder.formats.pi_gen.recipe import personal
from builder.personal import Personal

from .folder import settings


def test_a_config_tells_account_keys_and_wifi() -> None:
    told = personal(
        settings(
            FIRST_USER_NAME="ada",
            FIRST_USER_PASS="engine",
            PUBKEY_SSH_FIRST_USER="ssh-ed25519 AAAA ada\n",
            WPA_ESSID="Loft",
            WPA_PASSWORD="difference",
            WPA_COUNTRY="GB",
        )
    )
    assert told
    assert (told.user, told.password, told.keys) == ("ada", "engine", ("ssh-ed25519 AAAA ada",))
    assert (told.ssid, told.passphrase, told.country) == ("Loft", "difference", "GB")
    assert (told.language, told.keyboard, told.timezone) == ("en_GB.UTF-8", "gb", "Europe/London")


def test_defaults_alone_are_nothing_to_keep() -> None:
    assert not personal(settings())


def test_both_keys_of_the_fork_are_kept() -> None:
    keys = {"PUBKEY_SSH_FIRST_USER": "ssh-rsa A a", "PUBKEY2_SSH_FIRST_USER": "ssh-rsa B b"}
    assert personal(settings("qcow2", **keys)).keys == ("ssh-rsa A a", "ssh-rsa B b")


def test_upper_layers_win_and_say_nothing_of_what_they_leave_out() -> None:
    lower, upper = Personal(user="pi", ssid="Loft"), Personal(user="ada", password="engine")
    assert upper.over(lower) == Personal(user="ada", password="engine", ssid="Loft")


def test_no_secret_is_shown() -> None:
    assert "engine" not in repr(Personal(password="engine"))
