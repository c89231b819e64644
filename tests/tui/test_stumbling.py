"""A fault of the program itself ends a screen as it ends a command: one error in plain words."""

from __future__ import annotations

import pytest

from flasher.sizes import parse_size
from flasher.tui.plain_app import PlainApp

SECRET = "winter-morning-77"


class Stumbling(PlainApp):
    """Fails with a password at hand, as a form could."""

    def on_ready(self) -> None:
        password = SECRET
        parse_size(password.encode())  # type: ignore[arg-type]


def test_a_fault_of_the_program_shows_none_of_what_was_typed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Stumbling().run(headless=True)
    told = "".join(capfd.readouterr())
    assert SECRET not in told
    assert "Traceback" not in told


def test_a_fault_of_the_program_is_told_with_its_place() -> None:
    app = Stumbling()
    app.run(headless=True)
    assert app.return_code == 1
    assert app.trouble is not None
    assert app.trouble.code == "internal"
    assert "TypeError" in app.trouble.message
    assert "(flasher/sizes.py, line " in app.trouble.message
