"""Random valid payloads: whatever has the forms that single values must have."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from autosetup import forms
from autosetup.node_serves import complaints
from autosetup.node_update import as_pem
from autosetup.payload import (
    Boot,
    InstalledFile,
    Locale,
    NodeSettings,
    Packages,
    Script,
    Secrets,
    Services,
    Time,
    User,
    Wifi,
    Wired,
)
from autosetup.settings import SECURITIES, SYSTEM_PACKAGES, Health, Serves, Update
from autosetup.software import Software
from autosetup.strict import Pattern
from autosetup.templates import BUILT_IN
from tests.unit.autosetup.sample_payloads import SERVER, SERVES, USER_KEY, public_key
from tests.unit.autosetup.sample_trees import tree

T = TypeVar("T")

_plain = st.characters(
    exclude_categories=("Cc", "Cs"), exclude_characters="\u201c\u201d\u201e\u201f«»"
)
_ssids = st.text(_plain, min_size=1, max_size=32).filter(
    lambda ssid: len(ssid.encode()) <= 32 and not ssid.startswith("hex:")
) | st.binary(min_size=1, max_size=32).map(lambda octets: f"hex:{octets.hex()}")
_parts = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,9}", fullmatch=True)
_programs = st.lists(st.from_regex(r"[0-9]{2}-[a-z]{1,9}", fullmatch=True), unique=True, max_size=4)
PHRASES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=63)
_keys = st.sampled_from([public_key(), f'from="10.40.0.1,fd00::1" {public_key("ssh-rsa")}'])
TEXTS = st.text(_plain, max_size=20)
_addresses = st.ip_addresses().map(str)
_bools = st.booleans()


def fitting(form: Pattern) -> st.SearchStrategy[str]:
    """Any text of a form."""
    found = st.from_regex(form.regex, fullmatch=True, alphabet=_plain)
    return found.filter(lambda text: form.complain(text) is None)


_own_keys = st.just("") | st.binary(min_size=32, max_size=32).map(lambda b: b64encode(b).decode())
_updates = st.builds(
    Update,
    st.just("") | fitting(forms.SITE),
    st.just("") | fitting(forms.SOURCE),
    st.just("") | fitting(forms.SOURCE),
    st.just("") | st.binary(max_size=200).map(lambda b: as_pem(b64encode(b"0" + b).decode())),
    st.integers(1, 10080),
    st.sampled_from(SYSTEM_PACKAGES),
)
DOMAINS = st.lists(fitting(forms.HOSTNAME), min_size=1, max_size=3).map(".".join)


WIFI = st.builds(Wifi, _ssids, st.sampled_from(SECURITIES), _bools)
LOCALES = st.builds(
    Locale, fitting(forms.LANGUAGE), fitting(forms.KEYBOARD), fitting(forms.TIMEZONE)
)
VARIABLES = st.dictionaries(fitting(forms.VARIABLE), TEXTS, max_size=3).filter(
    lambda values: not set(values) & set(BUILT_IN)
)


def _some(items: st.SearchStrategy[T], most: int = 3) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(items, max_size=most, unique=True).map(tuple)


_plain_files = st.builds(
    InstalledFile,
    st.just(""),
    st.just(""),
    st.integers(0, 0o7777),
    fitting(forms.ACCOUNT),
    fitting(forms.ACCOUNT),
    _some(fitting(forms.UNIT)),
)


_trees = st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True)
_versions = st.sampled_from(["", "v1 (1a2b3c4d5e6f)"])
_units = st.sampled_from([(), ("a.service",)])


@st.composite
def _networks(draw: st.DrawFn) -> tuple[Wired | None, Serves | None]:
    """Fixed addresses, and what a node with such a one serves."""
    wired = draw(
        st.none()
        | st.just(SERVER)
        | st.builds(
            Wired,
            _some(
                st.ip_addresses().map(lambda address: f"{address}/{address.max_prefixlen}")
            ).filter(bool),
            st.just(""),
            _some(_addresses),
        )
    )
    if wired != SERVER:
        return wired, None
    serves = st.builds(
        Serves,
        st.sampled_from([(), SERVES.leases]),
        st.integers(1, 8760),
        _some(_addresses),
        st.dictionaries(fitting(forms.HOSTNAME), st.just("10.1.1.1") | _addresses, max_size=3),
    )
    return wired, draw(st.none() | serves.filter(lambda s: not list(complaints(s, wired))))


@st.composite
def payloads(draw: st.DrawFn) -> tuple[NodeSettings, Secrets, dict[str, bytes]]:
    """Random valid settings, with the secrets and files that fit them."""
    users = draw(
        st.lists(
            st.builds(
                User, fitting(forms.USER_NAME), _some(fitting(forms.ACCOUNT)), _some(_keys), _bools
            ),
            max_size=3,
            unique_by=lambda user: user.name,
        )
    )
    wifi = draw(st.lists(WIFI, max_size=4, unique_by=lambda network: network.ssid))
    sources = draw(st.lists(_parts, max_size=3, unique_by=str.lower))
    scripts, checks = draw(_programs), draw(_programs)
    trees = draw(st.lists(_trees, max_size=2, unique=True))
    wired, serves = draw(_networks())
    settings = NodeSettings(
        name=draw(fitting(forms.HOSTNAME)),
        role=draw(fitting(forms.ROLE)),
        position=draw(fitting(forms.POSITION)),
        users=tuple(users),
        country=draw(st.none() | st.sampled_from(sorted(forms.COUNTRIES))),
        domain=draw(st.just("") | DOMAINS),
        time=draw(st.builds(Time, _some(_addresses | DOMAINS), _bools)),
        wired=wired,
        serves=serves,
        keys_only=draw(_bools),
        boot=draw(
            st.builds(Boot, _some(fitting(forms.CONFIG_LINE)), _some(fitting(forms.CMDLINE_WORD)))
        ),
        variables=draw(VARIABLES),
        wifi=tuple(wifi),
        locale=draw(LOCALES),
        packages=draw(
            st.builds(Packages, _some(fitting(forms.PACKAGE)), st.just("") | fitting(forms.MIRROR))
        ),
        files=tuple(
            replace(draw(_plain_files), path=f"/etc/{name}", source=f"files/{name}")
            for name in sources
        ),
        services=draw(st.sampled_from([Services(), Services(("a.service",), ("b.timer",))])),
        scripts=tuple(Script(f"scripts/{name}", draw(st.integers(1, 86400))) for name in scripts),
        health=Health(
            tuple(f"health/{name}" for name in checks),
            draw(st.integers(1, 3600)),
            draw(st.integers(1, 600)),
        ),
        update=draw(_updates),
        software=tuple(
            Software(f"software/{name}.tar", f"/opt/rig-{name}", draw(_versions), draw(_units))
            for name in trees
        ),
    )
    names = [user.name for user in users]
    secrets = Secrets(
        draw(st.binary(min_size=32, max_size=32)),
        {name: draw(fitting(forms.CRYPT_HASH)) for name in names if draw(_bools)},
        {w.ssid: draw(PHRASES) for w in wifi if w.security != "open"},
        draw(st.sampled_from(["", USER_KEY])),
        {name: USER_KEY for name in names if draw(_bools)},
        draw(_own_keys),
        draw(_own_keys),
    )
    files = {f"files/{name}": draw(st.binary(max_size=9)) for name in sources}
    programs = [f"scripts/{name}" for name in scripts] + [f"health/{name}" for name in checks]
    files |= {f"software/{name}.tar": tree({"run": b"#!/bin/sh\n"}) for name in trees}
    return settings, secrets, files | dict.fromkeys(programs, b"#!/bin/sh\n")
