"""The node's own scripts, in the order of their numbers, as root; none runs again once finished.

A power cut while one runs, or in the instant after, makes that one run again from its beginning.
What it leaves running ends with it: a program that shall stay is a unit, started by systemctl.
"""

from __future__ import annotations

import hashlib
import os

from autosetup.errors import AgentError
from autosetup.settings import Script
from autosetup.steps.context import Context

NAME = "scripts"


def check(context: Context) -> bool:
    """Whether every script has finished, now or ever."""
    return all(_key(context, s) in context.finished_scripts for s in context.settings.scripts)


def apply(context: Context) -> None:
    """Run those that have not; the first that fails ends it."""
    for script in _in_order(context):
        if _key(context, script) not in context.finished_scripts:
            _run(context, script)
            os.sync()
            context.finish_script(_key(context, script))


def keeps_restarting(context: Context) -> AgentError:
    """What to say where the node went down each time that the next script ran."""
    left = (s for s in _in_order(context) if _key(context, s) not in context.finished_scripts)
    name = next((script.source.removeprefix("scripts/") for script in left), "that comes next")
    what = f"The script {name} restarts the node, or brings it down, each time that it runs."
    return AgentError("script-reboots", what, "Take the restart out of it: [role.boot] has one.")


def _in_order(context: Context) -> list[Script]:
    return sorted(context.settings.scripts, key=lambda script: script.source)


def _key(context: Context, script: Script) -> str:
    named = script.source.encode() + b"\0" + context.files[script.source]
    return hashlib.sha256(named).hexdigest()


def _run(context: Context, script: Script) -> None:
    name = script.source.removeprefix("scripts/")
    folder = str(context.folder)
    argv = [f"{folder}/{script.source}"]
    try:
        finished = context.system.run(
            argv, env=context.environment, cwd=folder, seconds=script.timeout_seconds
        )
    except OSError as error:
        what = f"The script {name} cannot be started: {error.strerror}."
        raise AgentError("script-failed", what, "Check the program in its first line.") from None
    for line in finished.output.splitlines():
        context.log(f"{name}: {line}")
    if finished.left:
        context.log(f"{name} left {finished.left} programs running; they were stopped.")
    if finished.status is None:
        what = f"The script {name} was stopped after {script.timeout_seconds} s."
        raise AgentError("script-timeout", what, "Look in log.txt, or give it more time.")
    if finished.status:
        last = (finished.output.strip().splitlines() or ["it printed nothing"])[-1]
        what = f"The script {name} failed ({finished.status}): {last}"
        raise AgentError("script-failed", what, "Look in log.txt, and mend the script.")
