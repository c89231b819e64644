"""The lowest layer where it is not Debian's packages: what an image, archive or container holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.layers import Inputs
from builder.sandbox import script
from builder.sources import unpack
from builder.sources.overheard import Overheard
from flasher.events import Noted

_TOLD = 5


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A tree as it was packed.

    Attributes:
        form: see `builder.sources.unpack.Order`.
        file: what to unpack.
        digest: SHA-256 (hex) of its contents, by which the layer is known.
        epoch: when it was made.
    """

    name: str
    form: str
    file: Path
    digest: str
    architecture: str
    epoch: int
    kind: str = "source"
    version: int = 1

    def inputs(self) -> Inputs:
        """The file by its contents, and what it is read as."""
        return {"form": self.form, "sha256": self.digest, "architecture": self.architecture}

    def make(self, bench: Bench) -> None:
        """Unpack; what cannot be kept is told.

        Raises:
            BadInput: the file is not what it is said to be, or is damaged.
            StepFailed: it could not be written.
        """
        assert bench.draft is not None
        order = unpack.Order(
            self.form,
            str(self.file),
            str(bench.merged),
            self.architecture,
            str(bench.draft.folder / "work"),
        )
        heard = Overheard(bench.progress)
        try:
            said = bench.run_host(script(unpack.__file__, order.to_json()), on_line=heard.hear)
        except StepFailed as failure:
            if heard.fault:
                raise heard.fault from failure
            raise
        left_out = said.text.splitlines()
        if left_out:
            more = f" and {len(left_out) - _TOLD} more" if len(left_out) > _TOLD else ""
            what = f"Left out of {self.file.name}: {', '.join(left_out[:_TOLD])}{more}."
            bench.log.emit(Noted(self.name, what, warning=True))
            for line in left_out:
                bench.log.write(f"left out: {line}")
