"""An emulated 64-bit ARM computer whose running state is kept in a file and begun from again.

Its card is a disk behind a cache that forgets: QEMU's `virt` with a SCSI disk, which Linux flushes
where it wants something to be durable. All that reaches the card goes into a log of writes.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 900.0
_PAUSE_SECONDS = 0.02
_CONTROL = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\r")
_BUS = "card-bus"
CARD, LOG = "card.img", "writes.log"


class Ended(Exception):
    """The machine ended by itself: the node restarted, or switched itself off."""


@dataclass(slots=True)
class Machine:
    """A running one.

    Attributes:
        text: what it has printed so far, as far as somebody waited for it.
    """

    folder: Path
    child: subprocess.Popen[bytes]
    console: socket.socket
    control: Control
    text: bytes = b""

    def wait_for(self, *words: bytes) -> bytes:
        """Wait until one of these is printed; gives the console up to then. May raise `Ended`."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if any(word in self.text for word in words):
                return self.text
            self.listen(_PAUSE_SECONDS)
        raise AssertionError(f"none of {words} on the console:\n{self.tail()}")

    def listen(self, seconds: float) -> None:
        """Take in what is printed now; raises `Ended`."""
        self.console.settimeout(seconds)
        try:
            heard = self.console.recv(1 << 16)
        except TimeoutError:
            return
        if not heard:
            self.child.wait()
            raise Ended
        self.text += _CONTROL.sub(b"", heard)

    def say(self, words: bytes) -> None:
        self.console.sendall(words)

    def tail(self) -> str:
        return b"\n".join(self.text.splitlines()[-60:]).decode(errors="replace")

    def save(self, state: Path) -> None:
        """Stop, and keep the state in a file; what the card was told is on it then."""
        self.control.ask("stop")
        self.control.ask("migrate", uri=f"exec:cat > {state}")
        while self.control.ask("query-migrate")["status"] not in ("completed", "failed"):
            time.sleep(_PAUSE_SECONDS)
        assert self.control.ask("query-migrate")["status"] == "completed"

    def insert_card(self) -> None:
        """Put the card in."""
        self.control.ask("blockdev-add", **_fresh_card(self.folder))
        self.control.ask("device_add", driver="scsi-hd", id="card", drive="log", bus=f"{_BUS}.0")

    def go_on(self) -> None:
        self.control.ask("cont")


@dataclass(slots=True)
class Control:
    """QEMU's own door: the QEMU Machine Protocol, one JSON object a line."""

    line: socket.socket
    rest: bytes = field(default=b"")

    def ask(self, command: str, **arguments: object) -> dict[str, object]:
        question = {"execute": command, "arguments": arguments}
        self.line.sendall(json.dumps(question).encode() + b"\n")
        while True:
            answer = self.read()
            if "error" in answer:
                raise AssertionError(f"{command}: {answer['error']}")
            if isinstance(found := answer.get("return"), dict):
                return found

    def read(self) -> dict[str, object]:
        while b"\n" not in self.rest:
            heard = self.line.recv(1 << 16)
            if not heard:
                raise Ended
            self.rest += heard
        line, self.rest = self.rest.split(b"\n", 1)
        answer: dict[str, object] = json.loads(line)
        return answer


@dataclass(frozen=True, slots=True)
class Computer:
    """What a machine is made of, which must be the same whenever its state is begun from."""

    kernel: Path
    initramfs: Path
    cmdline: str

    @contextmanager
    def on(
        self, folder: Path, *, state: Path | None = None, has_card: bool = False
    ) -> Iterator[Machine]:
        """Switch on, or go on from a state; leaving the block pulls the plug.

        Args:
            folder: for its sockets. The card is `CARD` there; it stays as it is, for all that is
                written goes elsewhere, and into `LOG`.
            state: kept by `Machine.save`; the machine waits for `Machine.go_on`.
            has_card: the card was in it when the state was kept.
        """
        argv = self._argv(folder)
        if has_card:
            argv += ["-blockdev", json.dumps(_fresh_card(folder))]
            argv += ["-device", f"scsi-hd,id=card,drive=log,bus={_BUS}.0"]
        if state:
            argv += ["-S", "-incoming", f"exec:cat {state}"]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as child:
            try:
                console, line = _connect(folder / "console", child), _connect(folder / "qmp", child)
                with console, line:
                    control = Control(line)
                    control.read()
                    control.ask("qmp_capabilities")
                    while state and control.ask("query-status")["status"] == "inmigrate":
                        time.sleep(_PAUSE_SECONDS)
                    yield Machine(folder, child, console, control)
            finally:
                child.kill()

    def _argv(self, folder: Path) -> list[str]:
        # fmt: off
        return [
            "qemu-system-aarch64", "-nodefaults", "-display", "none", "-no-reboot",
            "-M", "virt,gic-version=3", "-cpu", "neoverse-n1", "-smp", "1", "-m", "512",
            "-kernel", str(self.kernel), "-initrd", str(self.initramfs), "-append", self.cmdline,
            "-chardev", f"socket,id=console,path={folder}/console,server=on,wait=off",
            "-serial", "chardev:console",
            "-qmp", f"unix:{folder}/qmp,server=on,wait=off",
            "-device", f"virtio-scsi-pci,id={_BUS}",
        ]
        # fmt: on


def _fresh_card(folder: Path) -> dict[str, object]:
    """A card as QEMU is told of it, with an empty layer for what is written, and an empty log."""
    layer, log = folder / "written.qcow2", folder / LOG
    made = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", folder / CARD, layer]
    subprocess.run(made, check=True)
    log.write_bytes(b"")
    return {
        "driver": "blklogwrites",
        "node-name": "log",
        "file": {"driver": "qcow2", "file": {"driver": "file", "filename": str(layer)}},
        "log": {"driver": "file", "filename": str(log)},
    }


def _connect(path: Path, child: subprocess.Popen[bytes]) -> socket.socket:
    """Knock until QEMU opens."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and child.poll() is None:
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(str(path))
        except OSError:
            made.close()
            time.sleep(_PAUSE_SECONDS)
        else:
            return made
    raise AssertionError(f"QEMU does not answer at {path}")
