"""Run pi-gen's own engine on the stages beside this file, and keep what it made.

    python tests/integration/builder/pi_gen/judge.py DIALECT CLONE [--keep]

CLONE is a clone of RPi-Distro/pi-gen, sgothel/pi-gen or westwork-org/westwork-gen. Needs root and
the packages quilt, rsync and libcap2-bin. Replaced in a copy of the clone: what fetches a system (a
small tree is unpacked), its list of needed programs, and for the qcow2 dialect the disks (a folder
a stage). Prints how what it made differs from what is kept; --keep keeps it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from judged import HERE, Expected, changes, load, make_tree, tell

_BOOTSTRAP = """
bootstrap() { mkdir -p "$2"; cp -a "$FIXTURE/." "$2/"; }
export -f bootstrap
"""
_FOLDERS = """
load_qimage() { mkdir -p "$ROOTFS_DIR"; [ -z "$PREV_ROOTFS_DIR" ] || cp -a "$PREV_ROOTFS_DIR/." "$ROOTFS_DIR/"; }
unload_qimage() { umount -R "$ROOTFS_DIR"/* 2>/dev/null || true; }
"""  # noqa: E501
_FILE = re.compile(r"Begin \S+?/((?:stage\d)/(?:\S+/\d\d-\S+|prerun\.sh)|export-image)$")


def judge(dialect: str, clone: Path, folder: Path) -> Expected:
    """Run the engine in a folder of its own, and tell what came of it."""
    base, fixture = folder / "pi-gen", folder / "fixture"
    make_tree(fixture)
    base.mkdir()
    for name in ("build.sh", "scripts"):
        told = subprocess.run(
            ["git", "-C", str(clone), "archive", "HEAD", name], capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", str(base)], input=told.stdout, check=True)
    _replace(dialect, base)
    programs = folder / "bin"
    programs.mkdir()
    for name in ("arch-test", "git"):
        (programs / name).write_text("#!/bin/sh\necho 0\n")
        (programs / name).chmod(0o755)
    config = ["-c", "config"] if dialect == "qcow2" else []
    done = subprocess.run(
        ["unshare", "--mount", "bash", "./build.sh", *config],
        cwd=base,
        env={**os.environ, "FIXTURE": str(fixture), "PATH": f"{programs}:{os.environ['PATH']}",
             "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    work = next(base.glob("work/*/build.log"), base / "work/build.log").parent
    log = (work / "build.log").read_text()
    if done.returncode and not (dialect == "qcow2" and "stage2" in log):
        sys.exit(f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\nThe engine failed.")
    tree = work / "stage1/rootfs"
    calls = (tree / "var/log/apt").read_text().splitlines()
    return Expected(
        tuple(_place(match[1]) for match in map(_FILE.search, log.splitlines()) if match),
        tuple(_call(line) for line in calls),
        changes(tell(fixture), tell(tree)),
    )


def _replace(dialect: str, base: Path) -> None:
    shutil.copytree(HERE / dialect, base, dirs_exist_ok=True)
    (base / "depends").write_text("")
    (base / "export-image").mkdir()
    with (base / "scripts/common").open("a") as common:
        common.write(_BOOTSTRAP)
    (base / "scripts/dependencies_check").write_text("dependencies_check() { :; }\n")
    if dialect == "qcow2":
        (base / "scripts/qcow2_handling").write_text(_FOLDERS)


def _place(found: str) -> str:
    return "export" if found == "export-image" else found


def _call(line: str) -> tuple[bool, tuple[str, ...]]:
    return "--no-install-recommends" not in line, tuple(line.partition(" -y ")[2].split())


def main() -> None:
    dialect, clone = sys.argv[1], Path(sys.argv[2])
    with TemporaryDirectory() as folder:
        found = judge(dialect, clone, Path(folder))
    path = HERE / f"{dialect}.expected.json"
    if "--keep" in sys.argv:
        path.write_text(json.dumps(asdict(found), indent=1, ensure_ascii=False) + "\n")
    elif found == load(dialect):
        print("The same as what is kept.")  # noqa: T201
    else:
        sys.exit(f"What is kept differs:\n{load(dialect)}\n{found}")


if __name__ == "__main__":
    main()
