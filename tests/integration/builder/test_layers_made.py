"""Layers made one upon the other, from a small system in place of a bootstrapped one."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from builder.bench import Bench, Step
from builder.diagnosis import StepFailed
from builder.emulation import Emulation
from builder.layers import Inputs, Layer, Store, lower_trees
from builder.lock import Lock, LockedGroup, LockedPackage
from builder.log import Log
from builder.plan import plan_steps
from builder.recipe import ImageSettings, LayerRecipe, Recipe, RecipeFile
from builder.steps.files import Files, python_files
from builder.steps.finish import Finish
from builder.steps.initramfs import Initramfs, kernels_without_initramfs
from builder.workshop import LayerResult, Workshop, make_layers
from flasher.events import CancelFlag, Event, StepFinished, StepStarted
from tests.integration.builder.bottom import EPOCH, Bottom

UNIT = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/x\n[Install]\nWantedBy=multi-user.target\n"


def _grow(tree: Path) -> None:
    """The few files that the steps above a bootstrap read."""
    for name, text in (
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/resolv.conf", "nameserver 192.0.2.1\n"),
        ("etc/shadow", "root:$y$j9T$x:1::::::\n"),
        ("etc/ssh/ssh_host_rsa_key", "key"),
        ("root/.ssh/authorized_keys", "key"),
        ("var/log/dpkg.log", "log"),
        ("usr/lib/systemd/system/present.service", UNIT),
    ):
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tree / "etc/sudoers.d").mkdir(mode=0o750)
    (tree / "lib").symlink_to("usr/lib")


SMALL = Bottom(_grow)


AGENT = Files("agent", (RecipeFile("/usr/bin/agent", b"#!/bin/sh\n", 0o755),), ("present.service",))

Make = Callable[..., tuple[LayerResult, ...]]


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def workshop(store: Store, log: Log, events: list[Event]) -> Iterator[Workshop]:
    native = partial(nullcontext, Emulation())
    return Workshop(store, native, log, events.append, CancelFlag())


@pytest.fixture
def look(store: Store) -> Callable[[tuple[Layer, ...], str], Path | None]:
    def find(layers: tuple[Layer, ...], path: str) -> Path | None:
        found = [store.root / tree / path for tree in lower_trees(layers)]
        return next((one for one in found if one.is_symlink() or one.exists()), None)

    return find


def test_a_second_build_reuses_every_layer(workshop: Workshop):
    steps: tuple[Step, ...] = (SMALL, AGENT, Finish())
    first, second = make_layers(workshop, steps)[1], make_layers(workshop, steps)[1]
    assert [layer.reused for layer in first] == [False] * 3
    assert [layer.reused for layer in second] == [True] * 3
    assert [layer.key for layer in first] == [layer.key for layer in second]


def test_editing_the_agent_makes_its_layer_and_the_finish_again_and_nothing_below(
    workshop: Workshop,
):
    edited = replace(AGENT, files=(replace(AGENT.files[0], data=b"#!/bin/sh\n# edited\n"),))
    make_layers(workshop, (SMALL, AGENT, Finish()))
    again = make_layers(workshop, (SMALL, edited, Finish()))[1]
    assert [layer.reused for layer in again] == [True, False, False]


def test_each_layer_made_is_a_step_and_a_reused_one_is_none(
    workshop: Workshop, events: list[Event]
):
    make_layers(workshop, (SMALL, AGENT))
    make_layers(workshop, (SMALL, AGENT))
    told = [(type(e), e.subject) for e in events if isinstance(e, StepStarted | StepFinished)]
    assert told == [
        (StepStarted, "small"),
        (StepFinished, "small"),
        (StepStarted, "agent"),
        (StepFinished, "agent"),
    ]


def test_the_finished_tree_has_no_machine_id_host_keys_passwords_or_keys_of_people(
    workshop: Workshop, look
):
    layers, _ = make_layers(workshop, (SMALL, Finish()))
    assert look(layers, "etc/machine-id").read_bytes() == b""
    assert look(layers, "etc/resolv.conf").read_bytes() == b""
    assert look(layers, "etc/ssh/ssh_host_rsa_key").is_char_device()
    assert look(layers, "root/.ssh/authorized_keys").is_char_device()
    assert look(layers, "etc/shadow").read_text() == "root:!:1::::::\n"
    assert look(layers, "var/log/dpkg.log").is_char_device()


def test_what_is_taken_out_of_the_finished_tree_is_told(workshop: Workshop, log: Log):
    make_layers(workshop, (SMALL, Finish()))
    told = log.path.read_text()
    assert "[finish] Took out /etc/ssh/ssh_host_rsa_key, which a layer left" in told
    assert "[finish] Took out the password of root, which a layer set" in told
    assert "[finish] Took out /root/.ssh/authorized_keys, which a layer left" in told


def test_an_image_with_an_identity_is_not_made_and_what_was_found_is_named(workshop: Workshop):
    found = ("/root/.netrc", "/etc/wpa_supplicant/wpa_supplicant.conf")
    mine = Files("mine", tuple(RecipeFile(path, b"x") for path in found))
    with pytest.raises(StepFailed) as failed:
        make_layers(workshop, (SMALL, mine, Finish()))
    assert failed.value.code == "not-generic"
    assert all(f"{path} is " in failed.value.message for path in found)


def test_folders_keep_the_modes_they_have_below(workshop: Workshop, look):
    sudo = Files("sudo", (RecipeFile("/etc/sudoers.d/x", b"", 0o440),))
    layers, _ = make_layers(workshop, (SMALL, sudo))
    assert look(layers, "etc/sudoers.d").stat().st_mode & 0o7777 == 0o750
    assert look(layers, "etc/sudoers.d/x").stat().st_mode & 0o7777 == 0o440


@dataclass(frozen=True, slots=True)
class FolderByProgram:
    """A folder made by a program in the overlay, which marks new folders opaque."""

    name: str = "program"
    kind: str = "program"
    version: int = 1
    epoch: int = EPOCH

    def inputs(self) -> Inputs:
        return {}

    def make(self, bench: Bench) -> None:
        folder = str(bench.merged / "etc/made")
        bench.run_host(("mkdir", folder))
        bench.run_host(("touch", f"{folder}/by-program"))


def test_a_file_beside_others_does_not_hide_them(workshop: Workshop, bench_of):
    beside = Files("beside", (RecipeFile("/etc/made/by-recipe", b""),))
    layers, _ = make_layers(workshop, (SMALL, FolderByProgram(), beside))
    assert bench_of(*layers).list_folder("etc/made") == ("by-program", "by-recipe")


def test_a_unit_is_enabled_by_its_own_install_section(workshop: Workshop, look):
    layers, _ = make_layers(workshop, (SMALL, AGENT))
    link = look(layers, "etc/systemd/system/multi-user.target.wants/present.service")
    assert str(link.readlink()) == "/usr/lib/systemd/system/present.service"


def test_units_are_disabled_and_masked(workshop: Workshop, look):
    off = Files("off", (), disable=("present.service",), mask=("present.service", "any.timer"))
    layers, _ = make_layers(workshop, (SMALL, AGENT, off))
    wanted = look(layers, "etc/systemd/system/multi-user.target.wants/present.service")
    assert wanted.is_char_device()
    for unit in ("present.service", "any.timer"):
        assert str(look(layers, f"etc/systemd/system/{unit}").readlink()) == "/dev/null"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Files("x", (), ("absent.service",)), "unit-unknown"),
        (Files("x", (), disable=("absent.service",)), "unit-unknown"),
        (Files("x", (RecipeFile("/lib/udev/x", b""),)), "path-through-link"),
    ],
)
def test_a_layer_that_cannot_fit_the_tree_is_refused(workshop: Workshop, step: Files, code: str):
    with pytest.raises(StepFailed) as failed:
        make_layers(workshop, (SMALL, step))
    assert failed.value.code == code


def test_the_agents_package_is_installed_for_the_nodes_own_python():
    paths = {file.path for file in python_files("autosetup")}
    assert "/usr/lib/python3/dist-packages/autosetup/payload.py" in paths
    assert not any("__pycache__" in path for path in paths)


def test_a_tree_without_kernels_needs_no_initramfs(workshop: Workshop, store: Store):
    boot = Files("boot", (RecipeFile("/boot/config-6.12", b""),))
    layers, _ = make_layers(workshop, (SMALL, boot, Initramfs("initramfs")))
    assert list((store.root / layers[-1].tree).iterdir()) == []


def test_only_kernels_that_have_none_get_an_initramfs(bench_of, workshop: Workshop):
    names = ("vmlinuz-6.1", "initrd.img-6.1", "vmlinuz-6.12", "vmlinuz-6.13")
    boot = Files("boot", tuple(RecipeFile(f"/boot/{name}", b"") for name in names))
    layers, _ = make_layers(workshop, (SMALL, boot))
    assert kernels_without_initramfs(bench_of(*layers)) == ("6.12", "6.13")


def test_what_a_step_makes_has_the_time_of_its_packages(workshop: Workshop, store: Store):
    layers, _ = make_layers(workshop, (SMALL, replace(AGENT, epoch=EPOCH + 5)))
    for layer, epoch in zip(layers, (EPOCH, EPOCH + 5), strict=True):
        tree = store.root / layer.tree
        assert {path.lstat().st_mtime for path in (tree, *tree.rglob("*"))} == {epoch}


def group(name: str, *packages: str) -> LockedGroup:
    held = (LockedPackage(each, "1", "arm64", each, "1", "", 1, "") for each in packages)
    return LockedGroup(name, EPOCH, (), tuple(held))


def test_a_recipes_layers_are_bootstrapped_first_and_finished_last():
    motd = RecipeFile("/etc/motd", b"")
    layers = (
        LayerRecipe("kernel", ("linux-image-arm64",), (motd,)),
        LayerRecipe("tools", ("tmux",)),
        LayerRecipe("texts", (), (motd,)),
        LayerRecipe("hooks", (), (RecipeFile("/usr/share/initramfs-tools/hooks/mine", b""),)),
    )
    groups = (group("debian"), group("kernel", "linux-image-6.12-arm64"), group("tools", "tmux"))
    none = group("none")
    recipe = Recipe("r", "", "trixie", "arm64", ImageSettings(), layers)
    lock = Lock("trixie", "arm64", "", groups, "arm64", none, none)
    assert [(step.kind, step.name) for step in plan_steps(recipe, lock)] == [
        ("bootstrap", "debian"),
        ("packages", "kernel"),
        ("files", "kernel-files"),
        ("initramfs", "kernel-initramfs"),
        ("packages", "tools"),
        ("files", "texts"),
        ("files", "hooks"),
        ("initramfs", "hooks-initramfs"),
        ("finish", "finish"),
    ]
