"""Services that failed are complaints of a running node, in systemctl's own words."""

from __future__ import annotations

import pytest

from autosetup.steps import health

RUNNING = "Result=success\nId=a.service\nActiveState=active\nSubState=running\n"
ONCE = "Result=success\nId=once.service\nActiveState=inactive\nSubState=dead\n"
FAILED = "Result=exit-code\nId=b.service\nActiveState=failed\nSubState=failed\n"
AGAIN = "Result=signal\nId=c.service\nActiveState=activating\nSubState=auto-restart\n"


@pytest.mark.parametrize(
    ("shown", "complaint"),
    [
        (RUNNING, ""),
        (f"{RUNNING}\n{ONCE}", ""),
        (f"{RUNNING}\n{FAILED}", "The service b.service failed (exit-code)."),
        (f"{AGAIN}\n{RUNNING}", "The service c.service failed (signal)."),
    ],
)
def test_a_service_that_failed_or_fails_again_and_again_is_named(
    shown: str, complaint: str
) -> None:
    assert health.complaint_of_services(shown) == complaint
