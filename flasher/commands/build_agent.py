"""Make the agent's Debian packages: nodes take a newer agent from a release."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import autosetup
from builder.agent_package import make_agent_packages
from flasher.console import Console
from flasher.errors import ExitCode

EXAMPLE = "flasher build-agent --out packages"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--out", type=Path, default=Path(), help="folder for the packages (default: here)"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Make them; say where they are."""
    agent, updater = make_agent_packages(args.out.absolute(), _source_date())
    console.say(
        f"The agent: {agent}\nWhat keeps it up to date, for images of your own: {updater}\n"
        f"Bring it to nodes: flasher release new --scanner P --site S --agent {agent}"
    )
    console.result("agent", {"agent": str(agent), "updater": str(updater)})
    return ExitCode.DONE


def _source_date() -> int:
    """The time that all files bear: ``SOURCE_DATE_EPOCH``, or that of the agent's newest module."""
    modules = Path(autosetup.__file__).parent.rglob("*.py")
    newest = max(int(module.stat().st_mtime) for module in modules)
    return int(os.environ.get("SOURCE_DATE_EPOCH", newest))
