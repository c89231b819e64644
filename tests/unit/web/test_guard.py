"""The guard lets in whom it gave the token, once, and only from its own page."""

from __future__ import annotations

import pytest

from flasher.web.guard import Guard

PORT = 8123
HOST = f"127.0.0.1:{PORT}"


@pytest.fixture
def guard() -> Guard:
    return Guard(PORT)


def objects(guard: Guard, *, to_enter: bool = False, **headers: str) -> bool:
    named = {name.replace("_", "-"): text for name, text in {"Host": HOST, **headers}.items()}
    return guard.objection(named, to_enter=to_enter) is not None


def test_a_token_opens_once(guard: Guard) -> None:
    token = guard.token
    assert token is not None
    assert not guard.takes(token[:-1])
    assert not guard.takes("")
    assert guard.takes(token)
    assert not guard.takes(token)
    assert not guard.takes("None")


def test_secrets_are_of_each_guard_its_own(guard: Guard) -> None:
    other = Guard(PORT)
    assert len({guard.token, guard.cookie, other.token, other.cookie}) == 4
    assert not guard.knows(other.cookie)
    assert guard.knows(guard.cookie)


@pytest.mark.parametrize("shown", [None, "", "\udc80", "x" * 1000])
def test_what_is_no_cookie_of_ours_is_not_known(guard: Guard, shown: str | None) -> None:
    assert not guard.knows(shown)


def test_our_own_page_may_speak(guard: Guard) -> None:
    assert not objects(guard)
    assert not objects(guard, Origin=guard.origin, Sec_Fetch_Site="same-origin")
    assert not objects(guard, Origin=guard.origin, Upgrade="websocket")
    assert not objects(guard, to_enter=True, Sec_Fetch_Site="cross-site")  # a link in a mail


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": ""},
        {"Host": "127.0.0.1"},
        {"Host": f"localhost:{PORT}"},
        {"Host": f"evil.test:{PORT}"},
        {"Origin": "null"},
        {"Origin": f"https://{HOST}"},
        {"Origin": f"http://{HOST}.evil.test"},
        {"Origin": "http://127.0.0.1:8124"},
        {"Sec_Fetch_Site": "same-site"},
        {"Upgrade": "WebSocket"},
    ],
)
def test_all_others_may_not(guard: Guard, headers: dict[str, str]) -> None:
    assert objects(guard, **headers)
