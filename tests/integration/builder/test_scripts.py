"""Programs of others run as layers: what they find, what becomes of what they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

import pytest
from psutil import process_iter

from builder.diagnosis import StepFailed
from builder.emulation import Emulation
from builder.history import explain, find_layer
from builder.layers import FAILED, Layer, Store, list_layers
from builder.log import Log, open_log
from builder.look import compare_layers, open_shell
from builder.native_root import NativeRoot
from builder.plan import plan_keys
from builder.steps.carried import Carried, carry_file, carry_folder
from builder.steps.script import Script
from builder.workshop import Workshop, make_layers
from flasher.events import CancelFlag, Event, Noted
from tests.integration.builder.bottom import EPOCH, Bottom, copy_system
from tests.integration.builder.ordinary_user import USER, as_user

BASH = ("/bin/bash", "-e")
PACKAGES = ("bash", "coreutils", "dash", "grep", "mount", "procps", "sed", "util-linux")


def _grow(root: Path, tree: Path) -> None:
    copy_system(root, ("dev", "etc", "mnt", "proc", "root", "run", "srv", "sys", "tmp"), tree)
    (tree / "etc/settings").write_text("old\n")


def bottom(root: Path) -> Bottom:
    """Debian's shell and tools, unpacked in a folder, as the lowest layer."""
    return Bottom(partial(_grow, root))


@pytest.fixture(scope="module")
def unpacked(extract_native: Callable[..., NativeRoot]) -> Path:
    return extract_native("bookworm", *PACKAGES).folder


@pytest.fixture(scope="module")
def system(unpacked: Path) -> Bottom:
    return bottom(unpacked)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def log(store: Store, events: list[Event]) -> Iterator[Log]:
    with open_log(store.root / "logs", events.append) as opened:
        yield opened


@pytest.fixture
def workshop(store: Store, log: Log, events: list[Event]) -> Workshop:
    native = partial(nullcontext, Emulation())
    return Workshop(store, native, log, events.append, CancelFlag())


@pytest.fixture
def make(workshop: Workshop, system: Bottom) -> Callable[..., tuple[Layer, ...]]:
    return lambda *scripts: make_layers(workshop, (system, *scripts))[0]


@pytest.fixture
def added(store: Store, make: Callable[..., tuple[Layer, ...]]) -> Callable[..., dict[str, Path]]:
    """What the topmost of some scripts adds to the tree, by path."""

    def add(*scripts: Script) -> dict[str, Path]:
        tree = store.root / make(*scripts)[-1].tree
        return {str(path.relative_to(tree)): path for path in tree.rglob("*")}

    return add


def in_tree(text: str, **more: object) -> Script:
    return replace(Script("setup", EPOCH, BASH, stdin=text.encode()), **more)


def on_host(text: str, **more: object) -> Script:
    return in_tree(text, place="host", argv=("bash", "-e"), **more)


def words(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Noted)]


def warnings(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Noted) and event.warning]


def test_a_script_finds_its_files_its_folder_and_its_environment(make, events: list[Event]):
    files = (
        Carried("/files", "hello", data=b"good day\n"),
        Carried("/files", "bin/tool", 0o755, data=b"#!/bin/sh\necho I am a tool\n"),
        Carried("/files", "link", link="hello"),
    )
    make(
        in_tree(
            "pwd; cat link; bin/tool; echo $GREETING",
            files=files,
            cwd="/files",
            env={"GREETING": "hi"},
        )
    )
    told = words(events)
    assert [line for line in ("/files", "good day", "I am a tool", "hi") if line not in told] == []


def test_owners_and_modes_are_those_that_the_script_gives(added):
    script = "install -o 1000 -g 33 -m 2750 -d /srv/own; touch /srv/x; chown 1000:1000 /srv/x"
    found = added(in_tree(script))
    own = found["srv/own"].stat()
    assert (own.st_uid, own.st_gid, own.st_mode & 0o7777) == (1000, 33, 0o2750)
    assert found["srv/x"].stat().st_uid == 1000


def test_what_a_script_mounts_starts_or_leaves_open_ends_with_it(added):
    found = added(
        in_tree(
            """mount -t tmpfs none /srv; touch /srv/in-memory; mount --bind /etc /mnt
            setsid sleep 98765 & exec 9> /etc/left-open; echo begun >&9"""
        )
    )
    assert set(found) == {"etc", "etc/left-open"}
    assert found["etc/left-open"].read_text() == "begun\n"
    assert ["sleep", "98765"] not in [each.info["cmdline"] for each in process_iter(["cmdline"])]


def test_files_of_the_script_do_not_become_part_of_the_layer(added):
    files = (Carried("/anywhere/deep", "x", data=b"x"),)
    assert set(added(in_tree("cat /anywhere/deep/x > /etc/y", files=files))) == {"etc", "etc/y"}


def test_a_script_of_this_computer_finds_the_tree_where_it_wants_it(added, events: list[Event]):
    script = on_host(
        """test "$ROOTFS_DIR" = /stage/rootfs
        install -o 1000 -m 600 /etc/hostname "$ROOTFS_DIR/etc/h"
        mount -t tmpfs none "$ROOTFS_DIR/srv"
        chroot "$ROOTFS_DIR" sh -c "echo below > /etc/below" """,
        env={"ROOTFS_DIR": "{tree}"},
        tree_at="/stage/rootfs",
    )
    found = added(script)
    assert set(found) == {"etc", "etc/h", "etc/below"}
    assert found["etc/h"].stat().st_uid == 1000
    assert warnings(events) == []


@pytest.mark.parametrize("path", ["/etc/flasher-was-here", "/usr/bin/flasher-was-here"])
def test_a_script_of_this_computer_cannot_change_it(make, path: str):
    with pytest.raises(StepFailed) as failed:
        make(on_host(f"touch {path}"))
    assert "Read-only file system" in failed.value.message
    assert "of this computer it may change nothing" in failed.value.hint
    assert not Path(path).exists()


def test_a_script_of_this_computer_sees_nobodys_home(make, tmp_path: Path):
    make(on_host(f'test -z "$(ls -A /home)$(ls -A /root)"; test ! -e {tmp_path}'))


def test_what_is_written_outside_of_the_image_is_told(make, events: list[Event]):
    files = (Carried("/stage", "kept", data=b"x"), Carried("/stage", "changed", data=b"x"))
    make(on_host("echo y > /stage/changed; touch /stage/new /root/cache /tmp/usual", files=files))
    assert warnings(events) == [
        "The script wrote outside of the image, which is not kept: "
        "/stage/changed, /stage/new, /root/cache."
    ]


def test_a_source_that_changed_before_its_script_runs_is_refused(make, tmp_path: Path):
    source = tmp_path / "setup.sh"
    source.write_text("true\n")
    script = in_tree("sh /mnt/setup.sh", files=(carry_file("/mnt", "setup.sh", source),))
    source.write_text("false\n")
    with pytest.raises(StepFailed) as failed:
        make(script)
    assert (failed.value.code, str(source) in failed.value.message) == ("script-changed", True)


def test_a_source_that_changes_while_its_script_runs_is_told(
    workshop: Workshop, system: Bottom, events: list[Event], tmp_path: Path
):
    source = tmp_path / "data"
    source.write_text("before\n")

    def hear(event: Event) -> None:
        events.append(event)
        if isinstance(event, Noted) and event.text == "running":
            source.write_text("after\n")

    script = in_tree("echo running; cat /mnt/data", files=(carry_file("/mnt", "data", source),))
    heard = replace(workshop, log=replace(workshop.log, emit=hear))
    make_layers(heard, (system, script))
    assert "before" in words(events)
    assert warnings(events) == [
        f"{source} changed meanwhile; the layer is made from what it was before."
    ]


def test_a_script_has_no_network(make, events: list[Event]):
    make(in_tree("sed -n 's/: .*//p' /proc/net/dev | sed 's/^ */device /'"))
    assert [line for line in words(events) if line.startswith("device")] == ["device lo"]


FAILING = """#!/bin/bash -e
touch /etc/done-before
prepare() {
    echo getting ready
    cp /nowhere /etc/somewhere
}
prepare
"""


def failing(text: str = FAILING) -> Script:
    files = (Carried("/mnt", "setup.sh", data=text.encode()),)
    return Script("setup", EPOCH, (*BASH, "/mnt/setup.sh"), files=files)


def test_a_failure_names_layer_file_line_and_last_output(make):
    with pytest.raises(StepFailed) as failed:
        make(failing())
    for told in (
        "The layer setup: setup.sh, line 5 (cp /nowhere /etc/somewhere)",
        "getting ready",
        "cannot stat '/nowhere'",
    ):
        assert told in failed.value.message
    assert "flasher layers shell setup" in failed.value.hint


def test_the_line_is_known_below_a_chroot_too(make):
    script = on_host("true\nchroot /image bash -e << 'END'\ntrue\nls /nowhere\nEND\n")
    with pytest.raises(StepFailed) as failed:
        make(script)
    assert "line 2 (chroot /image bash -e <<'END'): " in failed.value.message
    assert "line 2 (ls /nowhere): " in failed.value.message


def test_the_tree_of_a_failed_step_opens_in_a_shell_as_it_was(make, store: Store, capfd, tmp_path):
    with pytest.raises(StepFailed):
        make(failing())
    (tmp_path / "typed").write_text("ls /etc/done-before /mnt/setup.sh\necho 42 > /etc/tried\n")
    with (tmp_path / "typed").open() as typed:
        assert shell(store, "setup", typed) == 0
    assert capfd.readouterr().out.split() == ["/etc/done-before", "/mnt/setup.sh"]


def test_what_is_changed_in_the_shell_of_a_finished_layer_is_gone(
    make, store: Store, capfd, tmp_path
):
    layers = make(in_tree("echo mine > /etc/mine"))
    (tmp_path / "typed").write_text("cat /etc/mine; touch /etc/other; exit 3\n")
    with (tmp_path / "typed").open() as typed:
        assert shell(store, layers[-1].key[:10], typed) == 3
    assert capfd.readouterr().out == "mine\n"
    assert not (store.root / layers[-1].tree / "etc/other").exists()
    assert list(store.root.glob("draft-*")) == []


def shell(store: Store, layer: str, typed: TextIO) -> int:
    """The same as at a terminal, with lines from a file."""
    kept = os.dup(0)
    os.dup2(typed.fileno(), 0)
    try:
        return open_shell(store, layer, CancelFlag())
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_a_rerun_goes_on_below_the_step_that_failed_and_forgets_it(
    workshop: Workshop, system: Bottom, store: Store
):
    first = in_tree("echo 1 > /etc/1", name="first")
    with pytest.raises(StepFailed):
        make_layers(workshop, (system, first, failing()))
    assert [layer.name for layer in list_layers(store.root, FAILED)] == ["setup"]
    mended = failing(FAILING.replace("cp /nowhere", "cp /etc/1"))
    results = make_layers(workshop, (system, first, mended))[1]
    assert [result.reused for result in results] == [True, True, False]
    assert list_layers(store.root, FAILED) == ()


def test_why_a_layer_was_made_again_is_told_by_its_inputs(make, store: Store, tmp_path: Path):
    source = tmp_path / "stage"
    source.mkdir()
    (source / "a").write_text("1")
    make(in_tree("true", files=carry_folder("/mnt", source)), in_tree("true", name="above"))
    (source / "a").write_text("2")
    (source / "b").write_text("3")
    make(
        in_tree("true", files=carry_folder("/mnt", source), env={"MODE": "quick"}),
        in_tree("true", name="above"),
    )
    lines = explain(store.root, *find_layer(store.root, "setup"))
    assert len(lines) == 4
    assert lines[1] == "  env.MODE: new"
    assert lines[2].startswith("  files /mnt:a: ")
    assert lines[3] == "  files /mnt:b: new"
    above = explain(store.root, *find_layer(store.root, "above"))
    assert above[1] == "  below it, setup is another one:"
    assert "    env.MODE: new" in above


def test_a_log_tells_why_each_layer_is_made(make, events: list[Event]):
    make(in_tree("true"))
    make(in_tree("false || true"))
    told = [line for line in words(events) if line.startswith("Made")]
    assert told[1] == "Made: no layer of this name is there yet."
    assert told[-1].startswith("Made again: stdin: ")


def test_two_trees_are_compared_path_by_path(make, store: Store):
    make(
        in_tree("true", name="before"),
        in_tree(
            "echo new > /etc/settings; touch /etc/added; chmod 700 /srv; chown 7 /mnt; rm /bin/sed",
            name="after",
        ),
    )
    found = compare_layers(store, "before", "after", CancelFlag())
    assert {each.path: each.what for each in found} == {
        "/etc/added": ("added",),
        "/etc/settings": ("content",),
        "/mnt": ("owner",),
        "/srv": ("mode",),
        "/usr/bin/sed": ("removed",),
    }


@pytest.mark.parametrize(
    "change",
    [
        {"env": {"A": "1"}},
        {"cwd": "/etc"},
        {"stdin": b"true\n"},
        {"network": True},
        {"place": "host"},
        {"files": (Carried("/mnt", "a", 0o755),)},
    ],
)
def test_all_that_a_script_sees_is_in_its_key(change: dict[str, object]):
    script = in_tree("true", files=(Carried("/mnt", "a"),))
    assert plan_keys((script,)) != plan_keys((replace(script, **change),))


def test_where_the_sources_lie_is_not_in_the_key(tmp_path: Path):
    keys = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("same")
        keys.append(plan_keys((in_tree("x", files=carry_folder("/mnt", tmp_path / name)),)))
    assert keys[0] == keys[1]


AS_A_USER = """
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from builder.emulation import Emulation
from builder.layers import open_store
from builder.log import open_log
from builder.sandbox import Plan, run_inside
from builder.workshop import Workshop, make_layers
from flasher.events import CancelFlag, ignore
from tests.integration.builder.test_scripts import bottom, in_tree, on_host
flag, home = CancelFlag(), Path(sys.argv[1])
with open_store(home / "s", emit=ignore, cancel=flag) as s, open_log(home, ignore) as log:
    workshop = Workshop(s, partial(nullcontext, Emulation()), log, ignore, flag)
    first = in_tree("install -o 1000 -g 33 -d /srv/own; mount -t tmpfs none /mnt; touch /mnt/x")
    second = on_host("chown 7:8 /image/srv/own; test ! -w /etc/hostname", name="second")
    layers, _ = make_layers(workshop, (bottom(Path(sys.argv[2])), first, second))
    for layer in layers[1:]:
        argv = ("stat", "-c", "%u:%g", str(s.root / layer.tree / "srv/own"))
        print(run_inside(Plan(argv, {"PATH": "/usr/bin"})).text.strip())
"""


def test_an_ordinary_users_scripts_give_the_same_owners(unpacked: Path, tmp_path: Path):
    place = tmp_path / "user"
    argv = as_user(place, sys.executable, "-c", AS_A_USER, str(place / "home"), str(place / "tree"))
    subprocess.run(["cp", "-a", str(unpacked), str(place / "tree")], check=True)
    subprocess.run(["chown", "-R", f"{USER}:{USER}", str(place / "tree")], check=True)
    done = subprocess.run(argv, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["1000:33", "7:8"]), done.stderr


def test_what_bash_is_told_is_not_seen_in_its_own_trace(make, events: list[Event]):
    make(in_tree("true", argv=("/bin/bash", "-ex")))
    assert [line for line in words(events) if line.startswith("+ ") and "/" not in line] == [
        "+ true"
    ]
