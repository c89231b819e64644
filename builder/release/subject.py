"""The image that papers speak of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Subject:
    """A finished image.

    Attributes:
        file: name of the raw image.
        title: for people.
        sha256: of the raw image, 64 hex digits.
        epoch: of the image, seconds since 1970, UTC; the only time that papers tell.
    """

    file: str
    title: str
    sha256: str
    epoch: int

    @property
    def time(self) -> str:
        """The epoch as RFC 3339 writes it."""
        return datetime.fromtimestamp(self.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def uuid(self, what: str) -> UUID:
        """An id for a paper about this image: another for each image, always the same for one."""
        told = f"{what} {self.file} {self.sha256} {self.epoch}"
        return UUID(bytes=hashlib.sha256(told.encode()).digest()[:16], version=4)
