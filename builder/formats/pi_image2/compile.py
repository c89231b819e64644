"""From a customisation script to a layer of ours: locked packages, its name, its customisations."""

from __future__ import annotations

from builder.formats.pi_image2.inside.run import TOOLS
from builder.formats.pi_image2.lint import (
    asks_apt,
    missing_user,
    packages_of_modules,
    personal,
    require_possible,
)
from builder.formats.pi_image2.read import Customization
from builder.recipe import LayerRecipe, RecipeFile
from builder.steps.script import Script

_HOSTS = """\
127.0.0.1\tlocalhost
127.0.1.1\t{name} {name}.local
::1\t\tlocalhost ip6-localhost ip6-loopback
ff02::1\t\tip6-allnodes
ff02::2\t\tip6-allrouters
"""


def compile_layer(customization: Customization, name: str, *, network: bool = False) -> LayerRecipe:
    """The layer of a script.

    Args:
        network: the script may use the network.

    Raises:
        BadInput: it asks for what a build does not offer.
    """
    require_possible(customization)
    conf, codes = customization.conf, customization.codes
    words = dict.fromkeys((*conf.apt_get_packages, *packages_of_modules(codes)))
    return LayerRecipe(
        name,
        packages=("--install-recommends", *words) if words else (),
        files=(
            RecipeFile("/etc/hostname", f"{conf.hostname}\n".encode()),
            RecipeFile("/etc/hosts", _HOSTS.format(name=conf.hostname).encode()),
        ),
        scripts=(_script(customization, name, network=network),),
        personal=personal(customization),
    )


def _script(customization: Customization, name: str, *, network: bool) -> Script:
    users = [user] if (user := missing_user(customization)) else []
    refresh = {"FLASHER_REFRESH": "1"} if network and asks_apt(customization.codes) else {}
    return Script(
        name=f"{name}-customise",
        epoch=0,
        argv=(
            *("python3", "-I", "-B", "-u", f"{TOOLS}/run.py", "customise", customization.at),
            *users,
        ),
        env={"DEBIAN_FRONTEND": "noninteractive", **refresh},
        files=customization.files,
        network=network,
    )
