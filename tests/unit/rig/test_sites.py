"""Sites: what is wrong is said in full before any card is touched, and no secret is shown."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autosetup.host_key import public_line
from autosetup.payload import Packages, Wifi, unpack
from flasher import paths
from flasher.errors import BadDocument, BadInput
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import lay_out
from flasher.rig.signing import make_signer
from flasher.rig.site import SiteSecrets, list_sites, load_site, save_site
from tests.unit.rig.rigs import NOW, edited, new_site, rig


def test_a_site_without_a_key_changes_nobodys_trust(tmp_path: Path) -> None:
    key = '[[role.file]]\npath = "/etc/autosetup/policy"\nsource = "policy"\n\n[[role.script]]'
    path = edited(tmp_path, "[[role.script]]", key)
    (path.parent / "policy").write_text("refuse\n")
    site, secrets = load_site("demo")
    unsigned = lay_out(load_profile(str(path)), site, replace(secrets, signer=None))
    with pytest.raises(BadInput, match="only a signed payload may") as refused:
        compose(unsigned, unsigned.nodes[0], CardIdentity.fresh(NOW), "0" * 64)
    assert refused.value.code == "untrusted"
    signed = replace(unsigned, secrets=replace(secrets, signer=make_signer(tmp_path, "demo")))
    assert compose(signed, signed.nodes[0], CardIdentity.fresh(NOW), "0" * 64)


def test_a_site_may_want_each_card_to_bring_its_nodes_host_key() -> None:
    site, secrets = new_site()
    save_site(replace(site, host_keys=True), secrets)
    laid_out = lay_out(load_profile("body-16x7"), *load_site("studio"))
    keys = set()
    for node in laid_out.nodes[:2]:
        identity = CardIdentity.fresh(NOW)
        payload = unpack(compose(laid_out, node, identity, "0" * 64))
        assert payload.secrets.host_key == identity.host_key
        keys.add(public_line(identity.host_key))
    assert len(keys - {None}) == 2
    raw = compose(rig(), rig().nodes[0], CardIdentity.fresh(NOW), "0" * 64)
    assert unpack(raw).secrets.host_key == ""


def test_packages_by_name_come_from_the_sites_mirror(tmp_path: Path) -> None:
    path = edited(tmp_path, "columns = 16", 'columns = 16\npackages = ["i2c-tools"]')
    site, secrets = new_site()
    save_site(replace(site, mirror="http://controller/debian"), secrets)
    laid_out = lay_out(load_profile(str(path)), *load_site("studio"))
    packages = {
        name: unpack(
            compose(laid_out, laid_out.find(name), CardIdentity.fresh(NOW), "0" * 64)
        ).settings.packages
        for name in ("cam-0101", "controller")
    }
    assert packages["cam-0101"] == Packages(("i2c-tools",), "http://controller/debian")
    assert packages["controller"] == Packages()


@pytest.mark.parametrize("mirror", ["ftp://x", "controller", "http://a b", "http://u:p@x/"])
def test_a_mirror_that_no_node_could_ask_is_refused(tmp_path: Path, mirror: str) -> None:
    shutil.copytree(paths.assets() / "sites/demo", tmp_path / "demo")
    with (tmp_path / "demo/site.toml").open("a") as site:
        site.write(f'\n[packages]\nmirror = "{mirror}"\n')
    with pytest.raises(BadDocument, match="the address of an archive"):
        load_site(str(tmp_path / "demo"))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("site.toml", 'country = "DE"', 'country = "UK"'),
        ("site.toml", 'language = "en_GB.UTF-8"', 'language = "english.UTF-8"'),
        ("site.toml", 'timezone = "Europe/Berlin"', 'timezone = "_"'),
        ("secrets.toml", "$6$demodemodemo$", "$6$"),
    ],
)
def test_what_a_node_would_refuse_is_refused_in_a_site(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    folder = tmp_path / "site"
    shutil.copytree(paths.assets() / "sites" / "demo", folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    with pytest.raises(BadDocument):
        load_site(str(folder))


def test_a_saved_site_reads_back_the_same() -> None:
    site, secrets = new_site()
    path = save_site(site, secrets)
    loaded, loaded_secrets = load_site("studio")
    assert replace(loaded, digest="", path=Path()) == site
    assert loaded_secrets.wifi_passphrases == secrets.wifi_passphrases
    assert path.with_name("secrets.toml").stat().st_mode & 0o777 == 0o600
    assert "studio" in list_sites()


def test_a_site_that_exists_is_not_overwritten() -> None:
    save_site(*new_site())
    with pytest.raises(BadInput, match="lies in"):
        save_site(*new_site())


def test_a_missing_passphrase_is_said_before_any_card_is_touched() -> None:
    path = save_site(*new_site())
    path.with_name("secrets.toml").write_text("format = 1\n")
    with pytest.raises(BadDocument, match="passphrase of 'Café 📶' is missing"):
        load_site("studio")


@pytest.mark.parametrize("passphrase", ["long enough", "short"])
def test_a_site_that_could_not_be_read_back_leaves_nothing(passphrase: str) -> None:
    site, _ = new_site()
    ssid = "s" * 40 if passphrase == "long enough" else "Ring"
    with pytest.raises(BadDocument):
        save_site(replace(site, wifi=(Wifi(ssid),)), SiteSecrets(None, {ssid: passphrase}))
    assert not (paths.data() / "sites").exists()


def test_a_site_without_its_secrets_says_how_to_make_them() -> None:
    path = save_site(*new_site())
    path.with_name("secrets.toml").unlink()
    with pytest.raises(BadInput, match=r"studio has no secrets\.toml beside it") as caught:
        load_site("studio")
    assert "flasher site new" in caught.value.hint


def test_secrets_do_not_show_in_a_representation() -> None:
    _, secrets = new_site()
    assert "long enough" not in f"{secrets} {secrets!r} {rig()!r}"


@pytest.mark.parametrize("bad", ['"hunter2"', "77077", '["hunter2"]', "“hunter2”", '"hunter2'])
@pytest.mark.parametrize("key", ["password_hash", '"Scanner Demo"'])
def test_a_fault_in_the_secrets_of_a_site_shows_no_value(
    tmp_path: Path, key: str, bad: str
) -> None:
    folder = tmp_path / "site"
    shutil.copytree(paths.assets() / "sites" / "demo", folder)
    lines = (folder / "secrets.toml").read_text().splitlines()
    text = "\n".join(f"{key} = {bad}" if line.startswith(key) else line for line in lines)
    (folder / "secrets.toml").write_text(text)
    with pytest.raises(BadDocument) as caught:
        load_site(str(folder))
    assert "hunter2" not in caught.value.message
    assert "77077" not in caught.value.message
