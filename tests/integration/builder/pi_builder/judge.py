"""Have buildah build the stages beside this file, and keep what it made in expected.json.

Run it by hand, as root, with Debian's buildah:
``python -m tests.integration.builder.pi_builder.judge``.
The stages are put together here as pi-builder's makefile does it, with its copies and its order.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from tests.integration.builder.pi_builder import judged
from tests.integration.builder.pi_gen.judged import changes, tell

# Where buildah mounts what RUNs see of the computer.
_MOUNTED = ("+etc/hostname ", "+etc/resolv.conf ")
_GIVEN = ("OS", "BOARD", "ARCH", "LOCALE", "TIMEZONE")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        told = judge(Path(folder))
    text = json.dumps(told, indent=1, ensure_ascii=False)
    judged.EXPECTED.write_text(f"{text}\n", encoding="utf-8")


def judge(folder: Path) -> list[str]:
    bottom, context = folder / "bottom", folder / "context"
    judged.make_bottom(bottom)
    context.mkdir()
    _run("tar", "-C", str(bottom), "-cf", str(context / "base.tar"), ".")
    _run("cp", "-a", str(judged.HERE / "stages/common"), str(context / "stages"))
    for stage in (judged.HERE / "stages/rpios").iterdir():
        _run("cp", "-a", str(stage), str(context / "stages"))
    (context / "Dockerfile").write_text(_dockerfile(context))
    built = _run("buildah", *_places(folder), "bud", "--isolation", "chroot", "--quiet",
                 *_arguments(), str(context))  # fmt: skip
    container = _run("buildah", *_places(folder), "from", built)
    tree = Path(_run("buildah", *_places(folder), "mount", container))
    told = changes(tell(bottom), tell(tree))
    return [line for line in told if not line.startswith(_MOUNTED)]


def _dockerfile(context: Path) -> str:
    lines = ["FROM scratch", "ADD base.tar /"]
    for name in _GIVEN:
        lines += [f"ARG {name}", f"ENV {name}=${name}"]
    parts = [(context / f"stages/{stage}/Dockerfile.part").read_text() for stage in judged.STAGES]
    return "\n".join([*lines, *parts])


def _arguments() -> list[str]:
    return [f"--build-arg={name}={value}" for name, value in judged.ARGUMENTS.items()]


def _places(folder: Path) -> tuple[str, ...]:
    return "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--storage-driver", "vfs"


def _run(*argv: str) -> str:
    env = {**os.environ, "BUILDAH_FORMAT": "docker"}
    done = subprocess.run(argv, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
