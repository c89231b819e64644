"""Recipes: what a base image is made of, as people write it in TOML.

format = 1
name = "base"
title = "Debian 13 for the Raspberry Pi"
from = "debian:trixie"          # or image:FILE, raspios:NAME, rootfs:FILE, oci:FILE, build:FOLDER
architecture = "arm64"

[image]
boot_size_mib = 256

[release]
url = "https://example.org/images/"     # where the files will be found, for Raspberry Pi Imager

[[layer]]
name = "system"
packages = ["openssh-server"]
packages_for.arm64 = ["linux-image-arm64"]      # beside the others, in images for arm64
packages_for.armhf = ["linux-image-armmp"]

[[layer.file]]
path = "/etc/motd"
lines = ["Hello."]

[[layer.file]]
path = "/etc/default/old-boards"
architectures = ["armhf"]                       # in images for these only
lines = []

[[layer]]
name = "operator"
scripts = ["setup.sh"]          # beside the recipe; run in the image, as root
network = true                  # for the scripts; false by default
disable = ["apt-daily.timer"]
mask = ["bluetooth.service"]

[[layer.user]]
name = "scan"                   # with a locked password
groups = ["video"]

[layer.boot]
config = ["gpu_mem=128"]        # lines of config.txt
cmdline = ["quiet"]             # words of cmdline.txt

[[layer]]
uses = "agent"          # a layer that ships with the program
"""

from builder.recipe.load import load_recipe, start_from
from builder.recipe.model import (
    BootSettings,
    ImageSettings,
    LayerRecipe,
    Origin,
    Recipe,
    RecipeFile,
    ReleaseSettings,
    UserRecipe,
)
from builder.recipe.shipped import Shipped, list_shipped, load_shipped_layer

__all__ = [
    "BootSettings",
    "ImageSettings",
    "LayerRecipe",
    "Origin",
    "Recipe",
    "RecipeFile",
    "ReleaseSettings",
    "Shipped",
    "UserRecipe",
    "list_shipped",
    "load_recipe",
    "load_shipped_layer",
    "start_from",
]
