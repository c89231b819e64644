"""The steps that make a node, in their order."""

from __future__ import annotations

from collections.abc import Iterator

from autosetup.faults import Fault
from autosetup.steps import (
    boot,
    clock,
    conf,
    files,
    health,
    hostname,
    identity,
    leftovers,
    locale,
    network,
    packages,
    scripts,
    serve,
    services,
    software,
    ssh,
    timezone,
    update,
    users,
)
from autosetup.steps.context import Context, Step

# Before network, SSH and logins are let go …
SETTINGS: tuple[Step, ...] = (
    *(leftovers, identity, hostname, users, ssh, network),
    *(locale, timezone, clock, serve, files, software, conf, boot),
)
# … and after: these may need the network, and may start what waits for us.
ACTIONS: tuple[Step, ...] = (packages, services, update, scripts, health)
STEPS = SETTINGS + ACTIONS
# On the way back to a good payload whoever looks after the node must reach it, whatever follows.
RETURNING: tuple[Step, ...] = (network, *(step for step in STEPS if step is not network))


def problems(context: Context) -> Iterator[Fault]:
    """Everything that the node has against the payload, before anything is changed."""
    for step in (users, ssh, network, locale, timezone, clock, serve):
        yield from step.problems(context)
    for step in (files, software, conf, boot, packages):
        yield from step.problems(context)
