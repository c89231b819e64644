"""The way to the network while a build lasts."""

import pytest

from builder.proxy import find_proxy, proxy_of_apt

OWN = "http://proxy.example.org:3128"
APT = f"""Acquire "";
Acquire::http "";
Acquire::http::Proxy "{OWN}";
Acquire::http::Proxy::near.example.org "DIRECT";
Acquire::http::Timeout "10";
"""


def test_the_recipes_own_comes_first():
    found = find_proxy(OWN, {"http_proxy": "http://other.example.org:1"})
    assert set(found.values()) == {OWN}
    assert {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"} == found.keys()


def test_the_environments_is_left_as_it_is():
    assert find_proxy("", {"https_proxy": OWN}) == {}


def test_apts_own_setting_counts_for_all_that_is_fetched():
    assert proxy_of_apt(APT) == {
        "http_proxy": OWN,
        "https_proxy": OWN,
        "no_proxy": "near.example.org",
    }


@pytest.mark.parametrize(
    "told",
    [
        'Acquire::http::Timeout "10";\n',
        'Acquire::http::Proxy "DIRECT";\n',
        f'Acquire::http::Proxy::far.example.org "{OWN}";\n',
    ],
)
def test_without_one_nothing_is_set(told):
    assert proxy_of_apt(told) == {}
