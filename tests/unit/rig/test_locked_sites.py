"""A site that is locked: nothing of it lies open, and at no moment is it lost."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autosetup.payload import Locale, User, Wifi
from flasher import paths
from flasher.errors import BadInput, EnvironmentLacks
from flasher.rig import site as sites
from flasher.rig import vault
from flasher.rig.passwords import hash_password
from flasher.rig.site import Site, SiteSecrets, is_locked, load_site, save_site, try_unlock
from flasher.rig.site_changes import lock_site, replace_site, unlock_site
from flasher.rig.site_secrets import Lock
from flasher.rig.site_travel import export_site, import_site

PHRASE = "wren kettle orbit"
SITE = Site("studio", "", User("scanner"), "DE", (Wifi("Studio"),), Locale(), "", Path())
SECRETS = SiteSecrets(hash_password("a password"), {"Studio": "long enough"})
OPEN = {"site.toml", "secrets.toml", "signing.key"}
SEALED = {"site.toml", "secrets.sealed"}


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "_N", 2)


def knows(passphrase: str = PHRASE) -> Callable[[str], str]:
    return lambda _site: passphrase


def studio() -> Path:
    return paths.data() / "sites/studio"


def lies_there() -> set[str]:
    return {path.name for path in studio().iterdir()}


def same(loaded: tuple[Site, SiteSecrets], secrets: SiteSecrets = SECRETS) -> bool:
    site, found = loaded
    return (
        replace(site, digest="", path=Path()) == SITE
        and found.password_hash == secrets.password_hash
        and found.wifi_passphrases == secrets.wifi_passphrases
    )


def test_a_locked_site_has_its_secrets_and_its_key_in_one_sealed_file() -> None:
    save_site(SITE, SECRETS, Lock(PHRASE))
    assert lies_there() == SEALED
    raw = (studio() / "secrets.sealed").read_bytes()
    assert b"long enough" not in raw
    assert (studio() / "secrets.sealed").stat().st_mode & 0o777 == 0o600
    loaded = try_unlock("studio", PHRASE)
    assert same(loaded)
    assert loaded[1].signer is not None
    assert sites.public_key_line("studio") == loaded[1].signer.public.line


def test_locking_and_unlocking_keep_every_byte() -> None:
    path = save_site(SITE, SECRETS)
    before = {name: (studio() / name).read_bytes() for name in OPEN}
    lock_site("studio", Lock(PHRASE))
    assert lies_there() == SEALED
    assert is_locked("studio")
    unlock_site("studio", knows())
    assert {name: (studio() / name).read_bytes() for name in lies_there()} == before
    assert (studio() / "signing.key").stat().st_mode & 0o777 == 0o600
    assert same(load_site(str(path)))


@pytest.mark.parametrize(
    ("unlock", "code"), [(None, "site-locked"), (lambda _: None, "site-locked")]
)
def test_without_its_passphrase_a_site_stays_locked(
    unlock: Callable[[str], str | None] | None, code: str
) -> None:
    save_site(SITE, SECRETS, Lock(PHRASE))
    with pytest.raises(BadInput) as caught:
        load_site("studio", unlock)
    assert caught.value.code == code
    assert "--unlock-fd" in caught.value.hint


def test_a_wrong_passphrase_changes_nothing() -> None:
    save_site(SITE, SECRETS, Lock(PHRASE))
    before = (studio() / "secrets.sealed").read_bytes()
    for attempt in (
        lambda: try_unlock("studio", "wrong"),
        lambda: unlock_site("studio", knows("wrong")),
        lambda: lock_site("studio", Lock("new"), knows("wrong")),
        lambda: replace_site(sites.open_site("studio"), SECRETS, knows("wrong")),
    ):
        with pytest.raises(BadInput) as caught:
            attempt()
        assert caught.value.code == "wrong-passphrase"
    assert lies_there() == SEALED
    assert (studio() / "secrets.sealed").read_bytes() == before


def test_what_everybody_may_know_needs_no_passphrase() -> None:
    save_site(SITE, SECRETS, Lock(PHRASE))
    assert sites.open_site("studio").wifi == SITE.wifi
    assert "studio" in sites.list_sites()


def test_another_passphrase_takes_the_place_of_the_old_one() -> None:
    save_site(SITE, SECRETS, Lock(PHRASE))
    lock_site("studio", Lock("mauve"), knows())
    assert same(try_unlock("studio", "mauve"))
    with pytest.raises(BadInput):
        try_unlock("studio", PHRASE)


@pytest.mark.parametrize("lock", [None, Lock(PHRASE)])
def test_a_changed_site_keeps_its_key_and_stays_as_locked_as_it_was(lock: Lock | None) -> None:
    save_site(SITE, SECRETS, lock)
    site, secrets = load_site("studio", knows())
    wifi = (*site.wifi, Wifi("Hall", "sae"))
    more = replace(secrets, wifi_passphrases={**secrets.wifi_passphrases, "Hall": "wide enough"})
    replace_site(replace(site, wifi=wifi, title="Studio 5"), more, knows())
    changed, found = load_site("studio", knows())
    assert (changed.wifi, changed.title) == (wifi, "Studio 5")
    assert found.wifi_passphrases == more.wifi_passphrases
    assert found.signer is not None
    assert secrets.signer is not None
    assert found.signer.public == secrets.signer.public
    assert is_locked("studio") == (lock is not None)
    assert lies_there() == (SEALED if lock else OPEN)


def test_a_change_whose_new_lock_cannot_be_had_is_not_made_at_all() -> None:
    save_site(SITE, SECRETS)
    before = {name: (studio() / name).read_bytes() for name in OPEN}
    site, secrets = load_site("studio")
    with pytest.MonkeyPatch.context() as without:
        without.setitem(sys.modules, "keyring", None)
        with pytest.raises(EnvironmentLacks):
            replace_site(replace(site, title="New"), secrets, rest=Lock(PHRASE, keyring=True))
    assert {name: (studio() / name).read_bytes() for name in lies_there()} == before
    replace_site(replace(site, title="New"), secrets, rest=Lock(PHRASE))
    assert (lies_there(), try_unlock("studio", PHRASE)[0].title) == (SEALED, "New")
    replace_site(site, secrets, knows(), rest="open")
    assert (lies_there(), load_site("studio")[0].title) == (OPEN, "")


def test_a_change_of_secrets_alone_leaves_the_digest_and_the_comments() -> None:
    path = save_site(SITE, SECRETS)
    path.write_text(f"# ours\n{path.read_text()}")
    site, secrets = load_site("studio")
    replace_site(site, replace(secrets, wifi_passphrases={"Studio": "another one"}))
    again, found = load_site("studio")
    assert again.digest == site.digest
    assert found.wifi_passphrases == {"Studio": "another one"}


def test_a_change_that_no_node_would_take_is_not_made() -> None:
    save_site(SITE, SECRETS)
    site, secrets = load_site("studio")
    with pytest.raises(BadInput):
        replace_site(replace(site, wifi=(Wifi("Hall"),)), secrets)
    assert load_site("studio")[0] == site


def test_the_site_that_ships_is_neither_locked_nor_changed() -> None:
    for attempt in (
        lambda: lock_site("demo", Lock(PHRASE)),
        lambda: replace_site(*load_site("demo")),
    ):
        with pytest.raises(BadInput, match="ships with Flasher"):
            attempt()


@pytest.mark.parametrize("left", [{"secrets.toml"}, {"signing.key"}, OPEN - {"site.toml"}])
def test_what_a_power_cut_left_open_goes_at_the_next_start(tmp_path: Path, left: set[str]) -> None:
    save_site(SITE, SECRETS)
    kept = shutil.copytree(studio(), tmp_path / "kept")
    lock_site("studio", Lock(PHRASE))
    for name in left:
        shutil.copy2(kept / name, studio() / name)
    (studio() / ".secrets.toml.1a2b3c4d.part").write_bytes(b"long enough")
    assert same(load_site("studio", knows()))
    assert lies_there() == SEALED


def test_open_secrets_that_differ_from_the_locked_ones_are_told_and_stay() -> None:
    save_site(SITE, SECRETS)
    lock_site("studio", Lock(PHRASE))
    (studio() / "secrets.toml").write_text("format = 1\n")
    with pytest.raises(BadInput) as caught:
        load_site("studio", knows())
    assert caught.value.code == "two-secrets"
    assert lies_there() == SEALED | {"secrets.toml"}


def cut_at(step: int, action: Callable[[], object]) -> bool:
    """Kill a copy of this process at one of the changes that it makes to files; False: it ended."""
    with warnings.catch_warnings():  # other threads of the tests hold nothing that it needs
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        left = step
        changes = {"os.rename", "os.remove", "os.truncate", "os.chmod", "os.mkdir", "open"}

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            reads = event == "open" and not (int(str(arguments[2])) & (os.O_WRONLY | os.O_RDWR))
            if event in changes and not reads and "studio" in f"{arguments[0]}":
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            action()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize("lock", [None, Lock("mauve")])
def test_a_locked_key_without_its_site_is_never_overwritten(lock: Lock | None) -> None:
    save_site(SITE, SECRETS, Lock(PHRASE)).unlink()
    before = (studio() / "secrets.sealed").read_bytes()
    with pytest.raises(BadInput) as caught:
        save_site(SITE, SECRETS, lock)
    assert caught.value.code == "site-exists"
    assert lies_there() == {"secrets.sealed"}
    assert (studio() / "secrets.sealed").read_bytes() == before


def test_with_the_same_passphrase_a_site_that_was_cut_short_gets_its_key_back() -> None:
    path = save_site(SITE, SECRETS, Lock(PHRASE))
    key = sites.public_key_line("studio")
    path.unlink()
    save_site(SITE, SECRETS, Lock(PHRASE))
    assert sites.public_key_line("studio") == key
    assert lies_there() == SEALED


def test_an_import_overwrites_no_locked_key_and_completes_its_own(tmp_path: Path) -> None:
    file = tmp_path / "studio.flasher-site"
    path = save_site(SITE, SECRETS, Lock(PHRASE))
    key = sites.public_key_line("studio")
    file.write_bytes(export_site("studio", PHRASE, knows()))
    path.unlink()
    assert not import_site(file, PHRASE).was_there
    assert sites.public_key_line("studio") == key
    shutil.rmtree(studio())
    save_site(SITE, SECRETS, Lock(PHRASE)).unlink()
    before = (studio() / "secrets.sealed").read_bytes()
    with pytest.raises(BadInput) as caught:
        import_site(file, PHRASE)
    assert caught.value.code == "site-exists"
    assert (studio() / "secrets.sealed").read_bytes() == before


def test_what_was_cut_while_open_secrets_were_written_goes_with_the_next_writing() -> None:
    save_site(SITE, SECRETS)
    for draft in (".secrets.toml.1a2b3c4d.part", ".signing.key.1a2b3c4d.part"):
        (studio() / draft).write_bytes(b"long enough")
    replace_site(*load_site("studio"))
    assert lies_there() == OPEN


@pytest.mark.subprocess
@pytest.mark.parametrize("what", ["lock", "unlock", "change", "change and lock", "another"])
def test_cut_anywhere_a_site_still_opens_and_ends_in_one_state(what: str, tmp_path: Path) -> None:
    save_site(SITE, SECRETS)
    if what in ("unlock", "another"):
        lock_site("studio", Lock(PHRASE))
    site, secrets = load_site("studio", knows())
    start = shutil.copytree(studio(), tmp_path / "start")
    moved = replace(site, wifi=(Wifi("Hall"),))
    hall = replace(secrets, wifi_passphrases={"Hall": "wide enough"})
    actions: dict[str, Callable[[], object]] = {
        "lock": lambda: lock_site("studio", Lock(PHRASE)),
        "unlock": lambda: unlock_site("studio", knows()),
        "change": lambda: replace_site(moved, hall),
        "change and lock": lambda: replace_site(moved, hall, rest=Lock(PHRASE)),
        "another": lambda: lock_site("studio", Lock("mauve"), knows()),
    }
    steps = 0
    while cut_at(steps, actions[what]):
        assert opens_with_either(), f"after {steps} steps"
        assert lies_there() - {n for n in lies_there() if n.endswith(".part")} in (OPEN, SEALED)
        shutil.rmtree(studio())
        shutil.copytree(start, studio())
        steps += 1
    assert steps >= 3


def opens_with_either() -> bool:
    return "opened" in {tried(PHRASE), tried("mauve")} <= {"opened", "wrong-passphrase"}


def tried(passphrase: str) -> str:
    try:
        load_site("studio", knows(passphrase))
    except BadInput as error:
        return error.code
    return "opened"


def test_all_but_the_keyring_works_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    save_site(SITE, SECRETS, Lock(PHRASE))
    sealed = studio() / "secrets.sealed"
    files = vault.read_vault(sealed.read_bytes(), "it").open(PHRASE)
    elsewhere = {"site": "studio", "keyring": "studio-1a2b3c4d"}
    sealed.write_bytes(vault.seal(files, PHRASE, "secrets", elsewhere))
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert same(load_site("studio", knows()))
    with pytest.raises(EnvironmentLacks, match="keyring is not installed"):
        lock_site("studio", Lock("mauve", keyring=True), knows())
    assert same(try_unlock("studio", PHRASE))
    unlock_site("studio", knows())
    assert lies_there() == OPEN


def test_no_secret_shows_in_a_representation() -> None:
    save_site(SITE, SECRETS, Lock(PHRASE))
    shown = f"{Lock(PHRASE)!r} {try_unlock('studio', PHRASE)!r}"
    assert PHRASE not in shown
    assert "long enough" not in shown
