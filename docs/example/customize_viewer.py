"""A customisation script of pi_image2, run by the image's own Python."""

import subprocess


class customizeImage:
    def __init__(self) -> None:
        self.conf = {
            "hostname": "viewer",
            "rootfs_extra_space_mb": 100,
            "rootfs": "/tmp/viewer/rootfs",
            "flavour": "viewer",
            "release": "trixie",
            "imagedir": "/tmp/viewer/images",
            "apt_get_packages": ["tree"],
        }

    def execute_customizations(self) -> None:
        subprocess.run(["tree", "-L", "1", "/home"], check=True)
        with open("/etc/scanner-layers", "a") as layers:
            layers.write("viewer: pi_image2\n")
