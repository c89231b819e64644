"""Binary structures written as tables: one line a field, with its offset and its form.

    @dataclass(frozen=True, slots=True)
    class Entry(Structure):
        status: int = at(0x00, "B")
        first_chs: bytes = at(0x01, "3s")

Forms are those of the `struct` module, little-endian without padding: B, H and I are numbers of 1,
2 and 4 bytes, ``Ns`` is N raw bytes.
"""

from __future__ import annotations

import struct
from dataclasses import Field, field, fields
from typing import Any, ClassVar, TypeVar

S = TypeVar("S", bound="Structure")


def at(offset: int, form: str) -> Any:
    """A field of a structure; `Any` only so that a type checker takes it as a field's default."""
    return field(metadata={"offset": offset, "form": form})


class Structure:
    """Base of structures; subclasses are frozen dataclasses whose fields follow without gaps."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @classmethod
    def layout(cls) -> struct.Struct:
        """The structure's form; raises ValueError where the table of offsets has a slip."""
        form = "<"
        for found in fields(cls):
            if struct.calcsize(form) != found.metadata["offset"]:
                raise ValueError(f"{cls.__name__}.{found.name} is not at its offset")
            form += found.metadata["form"]
        return struct.Struct(form)

    @classmethod
    def from_bytes(cls: type[S], raw: bytes, offset: int = 0) -> S:
        """Read one from `raw` at `offset`; there must be enough bytes."""
        return cls(*cls.layout().unpack_from(raw, offset))

    def __bytes__(self) -> bytes:
        values = [getattr(self, found.name) for found in fields(self)]
        return self.layout().pack(*values)
