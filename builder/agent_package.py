"""The agent as a Debian package, for releases: nodes in the field take a newer agent from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autosetup import __version__
from builder.debian_package import MAINTAINER, Entry, make_package
from builder.emulation import MACHINES
from builder.recipe.model import RecipeFile
from builder.recipe.shipped import load_shipped_layer
from builder.steps.files import python_files

AGENT, UPDATER = "autosetup", "autosetup-update"
_ABOUT = {
    AGENT: "makes a Raspberry Pi the node that its card says\n"
    " The agent of a rig's nodes: it reads the payload on the boot partition, applies it\n"
    " step by step, and tells how that went.",
    UPDATER: "keeps the nodes of a rig up to date\n"
    " Fetches what was released for a node, checks that it is for this node and from whom\n"
    " it should be, and gives it to the agent.",
}
_DEPENDS = {
    AGENT: "python3 (>= 3.11), python3-cryptography",
    UPDATER: f"{AGENT} (= {__version__}), python3-tuf",
}
# The layers of an image that has the same files.
_LAYERS = {AGENT: "agent", UPDATER: "update"}
_UPDATER_CODE = f"/{AGENT}/update/"


def make_agent_packages(folder: Path, epoch: int) -> tuple[Path, Path]:
    """Write the packages of the agent and of its updater; the same program, the same bytes.

    The agent's own has the updater's modules too: a node whose updater were older than its agent
    could not be mended from afar.

    Args:
        folder: is made if it is not there.
        epoch: the time that all files bear, in seconds since 1970.
    """
    folder.mkdir(parents=True, exist_ok=True)
    agent, updater = (folder / package_name(name) for name in (AGENT, UPDATER))
    for target, name in ((agent, AGENT), (updater, UPDATER)):
        make_package(_files(name), _control(name), target, epoch)
    return agent, updater


def package_name(package: str) -> str:
    """The name of a package's file."""
    return f"{package}_{__version__}_all.deb"


def _files(package: str) -> Iterator[Entry]:
    layer = load_shipped_layer(_LAYERS[package], next(iter(MACHINES)))
    code = python_files(AGENT) if package == AGENT else ()
    yield from (_entry(file) for file in (*code, *layer.files))


def _entry(file: RecipeFile) -> Entry:
    return Entry(file.path.lstrip("/"), file.data, file.mode)


def _control(package: str) -> dict[str, str]:
    return {
        "Package": package,
        "Version": __version__,
        "Architecture": "all",
        "Maintainer": MAINTAINER,
        "Depends": _DEPENDS[package],
        "Section": "admin",
        "Priority": "optional",
        "Description": _ABOUT[package],
    }
