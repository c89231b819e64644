"""What it costs the server to hand a large file to many nodes at once, without and with TLS.

    .venv/bin/python bench/downloads.py [CLIENTS] [MB]

Needs curl. The server is the program itself; its CPU time and memory are what the kernel counts.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

_SITE = "bench"
# Of loopback, and yet no address that counts as this computer alone: it has TLS.
_WITH_TLS = ("--site", _SITE, "--address", "127.0.0.2")


def measure(
    repository: Path, name: str, clients: int, options: tuple[str, ...]
) -> dict[str, object]:
    """All clients at once; what it took the server."""
    argv = [sys.executable, "-m", "flasher", "serve", "--repository", str(repository)]
    argv += ["--port", "0", "--json", *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        server = psutil.Process(process.pid)
        before, memory = sum(server.cpu_times()[:2]), server.memory_info().rss
        curl = ["curl", "--silent", "--insecure", "--fail", "--output", "/dev/null"]
        begun = time.monotonic()
        running = [
            subprocess.Popen([*curl, f"{told['repository']}/{name}"]) for _ in range(clients)
        ]
        most = memory
        while any(each.poll() is None for each in running):
            most = max(most, server.memory_info().rss)
            time.sleep(0.05)
        took, cpu = time.monotonic() - begun, sum(server.cpu_times()[:2]) - before
        process.terminate()
    sent = clients * (repository / name).stat().st_size
    return {
        "url": told["url"],
        "mb_per_second": round(sent / took / 1e6),
        "cpu_seconds_per_gb": round(cpu / sent * 1e9, 2),
        "memory_mb": round(memory / 1e6),
        "most_memory_mb": round(most / 1e6),
        "failed": sum(each.returncode != 0 for each in running),
    }


def main() -> None:
    """Measure both."""
    from flasher.rig.site import load_site, save_site

    clients, size = ([int(word) for word in sys.argv[1:]] + [40, 50][len(sys.argv) - 1 :])[:2]
    with tempfile.TemporaryDirectory(prefix="bench-downloads-") as folder:
        os.environ |= {"FLASHER_DATA": f"{folder}/data", "FLASHER_CACHE": f"{folder}/cache"}
        site, secrets = load_site("demo")
        save_site(replace(site, name=_SITE), secrets)
        data = os.urandom(size * 10**6)
        digest = hashlib.sha256(data).hexdigest()
        name, repository = f"blobs/{digest[:2]}/{digest}", Path(folder) / "repository"
        (repository / name).parent.mkdir(parents=True)
        (repository / "metadata").mkdir()
        (repository / name).write_bytes(data)
        for options in ((), _WITH_TLS):
            told = measure(repository, name, clients, options)
            sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
