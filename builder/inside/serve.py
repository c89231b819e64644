"""Run programs for a caller outside, for as long as it asks: one sandbox for many of them.

Runs as a script of its own (standard library only): the arguments are descriptors of sockets, each
a lane; its programs run one after the other, and beside those of other lanes. A request is a line
of JSON, a list of the command line and the environment. The answer is a line of JSON, a list of
the exit status and how many bytes of standard output and standard error follow. A lane ends when
the caller closes it, the script with its last lane.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys


def serve(lane: socket.socket) -> None:
    """Do what one lane asks."""
    with lane.makefile("rwb") as stream:
        for request in stream:
            argv, env = json.loads(request)
            done = subprocess.run(
                argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            told = (done.returncode, len(done.stdout), len(done.stderr))
            stream.write(f"{json.dumps(told)}\n".encode())
            stream.write(done.stdout)
            stream.write(done.stderr)
            stream.flush()


def main() -> None:
    """Serve every lane in a process of its own; where one breaks, all end."""
    for descriptor in map(int, sys.argv[1:]):
        if os.fork() == 0:
            serve(socket.socket(fileno=descriptor))
            os._exit(0)
    for _ in sys.argv[1:]:
        if os.wait()[1]:
            sys.exit(1)


if __name__ == "__main__":
    main()
