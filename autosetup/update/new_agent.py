"""A newer agent that a release brought: put beside the one that runs, and tried."""

from __future__ import annotations

from autosetup.agent_package import read_agent
from autosetup.agents import agents_of
from autosetup.errors import AgentError
from autosetup.run import Tools

LAUNCHER = "/usr/bin/autosetup"
# A run of the new agent ends by itself where nothing is to be applied; its launcher sees to that.
_TRIAL_SECONDS = 3600


def change_agent(tools: Tools, version: str, package: bytes) -> bool:
    """Put a newer agent on trial; whether it is good. Without it, the update goes on.

    Args:
        tools: of the node.
        version: of the agent.
        package: its Debian package.

    Raises:
        AgentError: ``no-space``; it cannot be put there.
    """
    agents, log = agents_of(tools.system), tools.outlets.log
    try:
        if agents.current() != version:
            agents.put(version, read_agent(package, version))
            agents.want(version)
    except AgentError as error:
        if error.code != "agent-refused":
            raise
        agents.give_up(version, error.reason)
        log(f"{error}")
        return False
    tools.system.run([LAUNCHER, "run"], seconds=_TRIAL_SECONDS)
    is_good = agents.current() == version and not agents.is_on_trial(version)
    log(f"The agent {version} {'is good' if is_good else 'did not prove itself'}.")
    if is_good and tools.system.booted:
        tools.system.run(["systemctl", "try-restart", "autosetup-report.service"])
    return is_good
