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
from functools import cache
from typing import Any, ClassVar, TypeVar

S = TypeVar("S", bound="Structure")


def at(offset: int, form: str) -> Any:
    """A field of a structure; `Any` only so that a type checker takes it as a field's default."""
    return field(metadata={"offset": offset, "form": form})


class Structure:
    """Base of structures: frozen dataclasses whose fields follow one another without gaps.

    The first field may stand at any offset: a structure can be the later part of a sector.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @classmethod
    def from_bytes(cls: type[S], raw: bytes, offset: int = 0) -> S:
        """Read one from `raw`, which starts at `offset` with the table's byte 0."""
        start, form = layout(cls)  # type: ignore[arg-type] # a class is hashable whatever its instances
        return cls(*form.unpack_from(raw, offset + start))

    def __bytes__(self) -> bytes:
        """The fields' bytes, from the first field on."""
        form = layout(type(self))[1]  # type: ignore[arg-type]
        return form.pack(*(getattr(self, found.name) for found in fields(self)))


@cache
def layout(structure: type[Structure]) -> tuple[int, struct.Struct]:
    """Offset of the first field, and the form; ValueError where the offsets have a slip."""
    start: int = fields(structure)[0].metadata["offset"]
    form = "<"
    for found in fields(structure):
        if start + struct.calcsize(form) != found.metadata["offset"]:
            raise ValueError(f"{structure.__name__}.{found.name} is not at its offset")
        form += found.metadata["form"]
    return start, struct.Struct(form)
