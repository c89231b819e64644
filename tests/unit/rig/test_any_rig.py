"""Whatever a profile or a site holds: it is refused by its lines, or good for every card."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosetup import forms
from autosetup.faults import Fault
from autosetup.payload import User, unpack
from flasher.errors import BadDocument
from flasher.rig.documents import NAME
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.rigmap import RigMap
from flasher.rig.site import Site, SiteSecrets, load_site, save_site
from tests.examples import examples
from tests.unit.autosetup.any_documents import complaint, spoiled
from tests.unit.autosetup.random_payloads import (
    DOMAINS,
    LOCALES,
    PHRASES,
    TEXTS,
    VARIABLES,
    WIFI,
    fitting,
)
from tests.unit.autosetup.sample_payloads import public_key
from tests.unit.rig.whole_rig import load_rig, make_whole_rig

DOCUMENTS = ["profile/profile.toml", "site/site.toml", "site/secrets.toml"]
IDENTITY = CardIdentity.fresh(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile and a site with all that they can say, free to be spoiled."""
    folder = tmp_path_factory.mktemp("shelf")
    make_whole_rig(folder)
    return folder


def load_with(shelf: Path, file: str, raw: bytes) -> RigMap | tuple[Fault, ...]:
    """The rig with this in place of one of its documents, or why it is refused."""
    sound = (shelf / file).read_bytes()
    (shelf / file).write_bytes(raw)
    try:
        return load_rig(shelf)
    except BadDocument as bad:
        return bad.faults
    finally:
        (shelf / file).write_bytes(sound)


def make_cards(rig: RigMap) -> tuple[Fault, ...]:
    """What keeps the payload of a node of any role from being made."""
    try:
        for node in (rig.nodes[0], rig.nodes[-1]):
            assert unpack(compose(rig, node, IDENTITY, "0" * 64)).settings.name == node.name
    except BadDocument as bad:
        return bad.faults
    return ()


def test_every_card_can_be_made_of_all_that_can_be_said(shelf: Path) -> None:
    assert make_cards(load_rig(shelf)) == ()


@pytest.mark.parametrize("file", DOCUMENTS)
@given(data=st.data())
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_profile_or_a_site_is_refused_by_its_lines_or_good_for_every_card(
    shelf: Path, file: str, data: st.DataObject
) -> None:
    raw = data.draw(spoiled((shelf / file).read_bytes()))
    loaded = load_with(shelf, file, raw)
    if isinstance(loaded, RigMap):
        # Whether a template names what nobody knows is told by profile and site together.
        assert all(fault.file.startswith("templates/") for fault in make_cards(loaded))
    else:
        assert loaded
        assert not complaint(loaded, raw)


@st.composite
def sites(draw: st.DrawFn) -> tuple[Site, SiteSecrets]:
    """Whatever can be said of a site."""
    wifi = draw(st.lists(WIFI, max_size=3, unique_by=lambda network: network.ssid))
    keys = draw(st.lists(st.sampled_from([public_key(), public_key("ssh-rsa")]), unique=True))
    country = st.sampled_from(sorted(forms.COUNTRIES))
    site = Site(
        name=draw(fitting(NAME)),
        title=draw(TEXTS),
        user=User(draw(fitting(forms.USER_NAME)), (), tuple(keys), draw(st.booleans())),
        country=draw(country if wifi else st.none() | country),
        wifi=tuple(wifi),
        locale=draw(LOCALES),
        digest="",
        path=Path(),
        domain=draw(st.just("") | DOMAINS),
        ntp=tuple(draw(st.lists(DOMAINS | st.ip_addresses().map(str), max_size=2))),
        variables=draw(VARIABLES),
        host_keys=draw(st.booleans()),
        keys_only=bool(keys) and draw(st.booleans()),
        dealt=tuple(network.ssid for network in wifi if draw(st.booleans())),
        mirror=draw(st.just("") | fitting(forms.MIRROR)),
    )
    secured = [network.ssid for network in wifi if network.security != "open"]
    passphrases = {ssid: draw(PHRASES) for ssid in secured}
    return site, SiteSecrets(draw(st.none() | fitting(forms.CRYPT_HASH)), passphrases)


@given(sites())
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
def test_a_site_that_is_saved_is_read_as_it_was(saved: tuple[Site, SiteSecrets]) -> None:
    site, secrets = saved
    path = save_site(site, secrets)
    try:
        found, read = load_site(str(path))
    finally:
        shutil.rmtree(path.parent)
    assert replace(found, digest="", path=Path()) == site
    assert (read.password_hash, read.wifi_passphrases) == (
        secrets.password_hash,
        secrets.wifi_passphrases,
    )
