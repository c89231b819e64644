"""pi_image2's module of this name makes disks. Flasher makes them after the last layer."""

from __future__ import annotations

from typing import Any

_WHY = "Flasher makes the image after the last layer; a build has neither disks nor loop devices."


def create_image_file(*_: Any, **__: Any) -> None:
    """Refused."""
    raise NotImplementedError(_WHY)


loopdev_context_manager = mount_context_manager = create_image_file
