"""An emulated computer, as fast as can be: kernel and initramfs from files, card, console."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 900.0
CMDLINE = "console=ttyS0 root=LABEL=rootfs rw rootwait fsck.repair=yes panic=1 quiet"


@dataclass(frozen=True, slots=True)
class Machine:
    """A running one; what it prints goes to a file."""

    child: subprocess.Popen[bytes]
    console: Path

    def text(self) -> str:
        return self.console.read_text(errors="replace")

    def wait_for(self, words: str) -> str:
        """Wait for a line of the console with these words; gives it from there on."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until and self.child.poll() is None:
            for line in self.text().splitlines()[:-1]:
                if words in line:
                    return line[line.index(words) :]
            time.sleep(0.2)
        tail = "\n".join(self.text().splitlines()[-40:])
        raise AssertionError(f"no {words!r} on the console:\n{tail}")


@contextmanager
def powered(card: Path, kernel: Path, initramfs: Path) -> Iterator[Machine]:
    """Switch on; leaving the block pulls the plug."""
    console = card.with_suffix(".console")
    console.write_bytes(b"")
    # fmt: off
    argv = [
        "qemu-system-x86_64", "-nodefaults", "-display", "none",
        "-m", "768", "-smp", "2", "-cpu", "max", "-accel", "tcg,thread=multi",
        "-kernel", str(kernel), "-initrd", str(initramfs), "-append", CMDLINE,
        "-drive", f"file={card},format=raw,if=virtio", "-serial", f"file:{console}",
    ]
    # fmt: on
    with subprocess.Popen(argv) as child:
        try:
            yield Machine(child, console)
        finally:
            child.kill()
