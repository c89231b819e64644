"""Recipes: what a base image is made of, as people write it in TOML.

format = 1
name = "base"
title = "Debian 13 for the Raspberry Pi"
from = "debian:trixie"          # or apt:SUITE, image:FILE, raspios:NAME, rootfs:FILE, oci:FILE, …
architecture = "arm64"

[archive]                       # of the suite; needed for apt:
mirror = "https://example.org/debian"

[[apt]]                         # a further source of packages, for the image too
name = "vendor"
uri = "https://example.org/vendor"
key = "vendor.asc"              # beside the recipe

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

[trust]                 # whose payloads the agent takes
keys = ["studio.pub"]   # beside the recipe
policy = "refuse"       # of others and of edited ones; or "network-only", "allow"
"""

from builder.recipe.load import load_recipe, start_from
from builder.recipe.model import (
    AptSource,
    ArchiveRecipe,
    BootSettings,
    ImageSettings,
    LayerRecipe,
    Origin,
    PublicKey,
    Recipe,
    RecipeFile,
    ReleaseSettings,
    UserRecipe,
)
from builder.recipe.rescue import with_rescue
from builder.recipe.shipped import Shipped, list_shipped, load_shipped_layer
from builder.recipe.trust import with_trust

__all__ = [
    "AptSource",
    "ArchiveRecipe",
    "BootSettings",
    "ImageSettings",
    "LayerRecipe",
    "Origin",
    "PublicKey",
    "Recipe",
    "RecipeFile",
    "ReleaseSettings",
    "Shipped",
    "UserRecipe",
    "list_shipped",
    "load_recipe",
    "load_shipped_layer",
    "start_from",
    "with_rescue",
    "with_trust",
]
