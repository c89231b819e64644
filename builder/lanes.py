"""Several programs in one sandbox: starting one takes as long as many a program in it.

What the kernel has looked up in the tree for one program is there for the next, too.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedRWPair

from builder.bench import Bench, build_environment
from builder.diagnosis import diagnose
from builder.inside import serve
from builder.sandbox import script
from flasher.process import Finished


@dataclass(frozen=True, slots=True)
class Lane:
    """Programs of the host that see the bench's tree, one after the other."""

    bench: Bench
    stream: BufferedRWPair

    def run(self, argv: tuple[str, ...], env: Mapping[str, str] | None = None) -> Finished:
        """Run a program; see `Bench.run_host`.

        Raises:
            StepFailed: its exit status was not 0.
        """
        self.bench.log.write(f"+ {' '.join(argv)}")
        request = (argv, build_environment(self.bench.epoch, env))
        self.stream.write(f"{json.dumps(request)}\n".encode())
        self.stream.flush()
        answer = self.stream.readline()
        if not answer:
            raise ConnectionResetError
        status, *sizes = json.loads(answer)
        output, errors = map(self.stream.read, sizes)
        finished = Finished(argv, status, output, errors.decode(errors="replace"))
        for line in finished.errors.splitlines():
            self.bench.log.write(line)
        if status:
            raise diagnose(argv[0], finished, self.bench.log.path)
        return finished


@contextmanager
def open_lanes(bench: Bench, count: int) -> Iterator[tuple[Lane, ...]]:
    """Give lanes whose programs may run beside each other, all in one sandbox.

    Raises:
        EnvironmentLacks: this computer does not let us make it.
        Cancelled: the bench's flag was set; what ran was killed.
    """
    ending = ExitStack()
    with ThreadPoolExecutor(1) as beside, ExitStack() as closing:
        pairs = [socket.socketpair() for _ in range(count)]
        numbers = [ending.enter_context(theirs).fileno() for _, theirs in pairs]
        argv = script(serve.__file__, *map(str, numbers))
        serving = beside.submit(lambda: bench.run_host(argv, keep=numbers))
        # Whatever ends the sandbox: who waits for an answer then hears so.
        serving.add_done_callback(lambda _: ending.close())
        for ours, _ in pairs:
            closing.enter_context(ours)
        streams = [closing.enter_context(ours.makefile("rwb")) for ours, _ in pairs]
        try:
            yield tuple(Lane(bench, stream) for stream in streams)
        except ConnectionError:
            serving.result()  # says why
            raise
        closing.close()
        serving.result()
