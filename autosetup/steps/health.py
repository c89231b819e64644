"""The proof that all is well: services that did not fail, and the payload's own checks.

It changes nothing. What fails is tried again for a while, as a camera or a server may need time;
then it ends the run, and a payload that is not the first one is taken back.
"""

from __future__ import annotations

import time

from autosetup.errors import AgentError
from autosetup.steps.context import Context

NAME = "health"
_PAUSE_SECONDS = 1.0


def check(context: Context) -> bool:
    """Whether nothing complains."""
    return not _complaint(context)


def apply(context: Context) -> None:
    """Wait until nothing complains any more, as long as the payload says."""
    end = time.monotonic() + context.settings.health.seconds
    while complaint := _complaint(context):
        left = end - time.monotonic()
        if left <= 0:
            hint = "Mend what it misses: a camera, a cable, a server; or the payload."
            raise AgentError("unhealthy", complaint, hint)
        time.sleep(min(_PAUSE_SECONDS, left))


def _complaint(context: Context) -> str:
    """The first one; empty where all is well."""
    complaints = (_of_check(context, source) for source in sorted(context.settings.health.checks))
    return _of_services(context) or next(filter(None, complaints), "")


def complaint_of_services(shown: str) -> str:
    """The first service that failed, as systemctl(1) shows some; empty where none did."""
    for block in shown.split("\n\n"):
        found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if found.get("ActiveState") == "failed" or found.get("SubState") == "auto-restart":
            return f"The service {found.get('Id')} failed ({found.get('Result')})."
    return ""


def _of_services(context: Context) -> str:
    units = context.settings.services.enable
    if not units or not context.system.booted:
        return ""
    properties = "--property=Id,ActiveState,SubState,Result"
    return complaint_of_services(
        context.system.run(["systemctl", "show", properties, *units]).output
    )


def _of_check(context: Context, source: str) -> str:
    name, folder = source.removeprefix("health/"), str(context.folder)
    seconds = context.settings.health.timeout_seconds
    try:
        finished = context.system.run(
            [f"{folder}/{source}"], env=context.environment, cwd=folder, seconds=seconds
        )
    except OSError as error:
        return f"The health check {name} cannot be started: {error.strerror}."
    if finished.status is None:
        return f"The health check {name} was stopped after {seconds} s."
    last = (finished.output.strip().splitlines() or ["it printed nothing"])[-1]
    return f"The health check {name} failed ({finished.status}): {last}" if finished.status else ""
