"""What a build needs of an ordinary user's rights, and that it is no more than that."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest

from builder.layers import open_store
from builder.sandbox import try_overlay
from flasher.events import CancelFlag, ignore
from tests.integration.builder.ordinary_user import LENT, as_user

FLASHER = str(Path(sys.executable).with_name("flasher"))

AsUser = Callable[..., subprocess.CompletedProcess[str]]

SANDBOX = """
import sys
from builder.sandbox import Plan, remove_tree, run_inside
from pathlib import Path
env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
folder = Path(sys.argv[1])
run_inside(Plan(("install", "-d", "-o", "33", "-g", "42", "-m", "700", str(folder / "a")), env))
run_inside(Plan(("touch", str(folder / "a/b")), env))
print((folder / "a").stat().st_uid, (folder / "a").stat().st_gid)
print(run_inside(Plan(("stat", "-c", "%u %g", str(folder / "a")), env)).text)
remove_tree(folder / "a")
print((folder / "a").exists())
"""


HANDLER = """
import sys
from builder.sandbox import Plan, run_inside
print(run_inside(Plan((sys.argv[1],), {}, handler=":own:M::own-magic::/bin/cat:F")).text)
"""


@pytest.fixture
def run_as_user(tmp_path: Path) -> AsUser:
    def run(*argv: str, lent: int = LENT) -> subprocess.CompletedProcess[str]:
        command = as_user(tmp_path / "user", *argv, lent=lent)
        return subprocess.run(command, capture_output=True, text=True)

    return run


def test_owners_inside_are_lent_ids_on_disk_and_such_trees_can_be_removed(
    tmp_path: Path, run_as_user: AsUser
):
    home = tmp_path / "user/home"
    done = run_as_user(sys.executable, "-c", SANDBOX, str(home))
    assert done.stdout.split() == [str(LENT + 32), str(LENT + 41), "33", "42", "False"], done.stderr


def test_a_user_has_handlers_too_that_the_host_never_sees(tmp_path: Path, run_as_user: AsUser):
    program = tmp_path / "user/home/program"
    program.parent.mkdir(parents=True)
    program.write_text("own-magic")
    program.chmod(0o755)
    done = run_as_user(sys.executable, "-c", HANDLER, str(program))
    assert done.stdout.strip() == "own-magic", done.stderr
    assert not Path("/proc/sys/fs/binfmt_misc/own").exists()


def test_the_doctor_tells_a_user_who_lacks_nothing_but_the_right_to_write_drives(
    run_as_user: AsUser,
):
    findings = json.loads(run_as_user(FLASHER, "doctor", "--json").stdout)["findings"]
    lacking = [finding["what"] for finding in findings if finding["remedy"]]
    assert [what for what in lacking if " free below " not in what] in (
        [],
        ["a way to real drives"],
    )


def test_a_store_of_roots_is_no_store_for_a_user(tmp_path: Path, run_as_user: AsUser):
    store = tmp_path / "user/home/cache/layers"
    with open_store(store, emit=ignore, cancel=CancelFlag()):
        pass
    done = run_as_user(FLASHER, "build-base", "--arch", "amd64")
    assert done.returncode == 5
    assert f"The layers in {store} were built by another user" in done.stderr
    assert "FLASHER_CACHE" in done.stderr


def test_a_store_made_with_other_lent_ids_is_told_from_ones_own(
    tmp_path: Path, run_as_user: AsUser
):
    code = (
        "import sys; from pathlib import Path; from builder.layers import open_store;"
        "from flasher.events import *;"
        "open_store(Path(sys.argv[1]), emit=ignore, cancel=CancelFlag()).__enter__()"
    )
    argv = (sys.executable, "-c", code, str(tmp_path / "user/home/store"))
    assert run_as_user(*argv).returncode == 0
    assert run_as_user(*argv).returncode == 0
    again = run_as_user(*argv, lent=LENT + 65536)
    assert "built by another user, with other owners" in again.stderr


@pytest.mark.parametrize("kind", ["ramfs", "overlay"])
def test_a_file_system_that_cannot_hold_layers_is_refused_before_anything_is_built(
    tmp_path: Path, kind: str
):
    for name in ("place", "lower", "upper", "work"):
        (tmp_path / name).mkdir()
    options = "-o lowerdir=lower,upperdir=upper,workdir=work" if kind == "overlay" else ""
    script = f"mount -t {kind} {options} none place; {FLASHER} build-base --arch amd64"
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script]
    environment = {**os.environ, "FLASHER_CACHE": str(tmp_path / "place")}
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 5, done.stderr
    assert "cannot hold layers" in done.stderr or "mounting overlay" in done.stderr
    assert "FLASHER_CACHE" in done.stderr


def test_a_file_system_that_can_is_left_as_it_was(tmp_path: Path):
    try_overlay(tmp_path)
    assert not (tmp_path / "work").exists()


def test_no_lent_ids_is_a_clear_word(tmp_path: Path):
    place = tmp_path / "user"
    command = as_user(place, FLASHER, "build-base", "--arch", "amd64")
    text = (place / "subuid").read_text()
    (place / "subuid").write_text(text.replace("builder:", "other:"))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 5
    assert "subuid lends builder no 65535 ids" in done.stderr


def test_a_missing_lender_is_named(tmp_path: Path):
    command = as_user(tmp_path / "user", FLASHER, "build-base", "--arch", "amd64")
    command[-1] = f"mount --bind /dev/null {which('newuidmap')}\n{command[-1]}"
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 5
    assert "newuidmap is not installed" in done.stderr
