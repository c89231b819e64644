"""Lines and words for the boot partition: where kernel updates keep them, and gone when unwanted.

The judge of the first is Debian's own hook, as far as it writes both files from its sources.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from autosetup.payload import Boot
from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import GENERATION, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)
WANTED = Boot(("dtparam=i2c_arm=on", "[pi4]", "gpu_mem=128"), ("quiet", "usbcore.autosuspend=-1"))
CONFIG = "kernel=vmlinuz\n\n[pi3]\ndisable_splash=1\n"
CMDLINE = "console=tty0 root=LABEL=rootfs rw rootwait quiet\n"
BLOCK = """\
# autosetup begins; words: usbcore.autosuspend=-1
[all]
dtparam=i2c_arm=on
[pi4]
gpu_mem=128
[all]
# autosetup ends
"""
# Stands for the hook by its place and by what it names; the real one needs a kernel.
HOOK = "#!/bin/sh\ncat /etc/default/raspi-firmware-custom\n"
SOURCES = "/etc/default/raspi-firmware-custom", "/etc/default/raspi-extra-cmdline"


def payload(boot: Boot, generation: int = GENERATION) -> dict[str, bytes]:
    return packed(dataclasses.replace(PLAIN, boot=boot), generation=generation)


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    node = fresh()
    node.insert(payload(WANTED))
    (node.card.parent / "config.txt").write_text(CONFIG)
    (node.card.parent / "cmdline.txt").write_text(CMDLINE)
    return node


def add_hook(node: Node) -> None:
    hook = node.upper / "etc/kernel/postinst.d/z50-raspi-firmware"
    hook.parent.mkdir(parents=True)
    hook.write_text(HOOK)
    (node.upper / "etc/default").mkdir(exist_ok=True)
    (node.upper / "etc/default/raspi-firmware-custom").write_text("disable_splash=1\n")


def on_card(node: Node) -> tuple[str, str]:
    config, cmdline = (node.card.parent / name for name in ("config.txt", "cmdline.txt"))
    return config.read_text(), cmdline.read_text()


def test_lines_and_words_are_added_once_and_the_rest_stays(node: Node) -> None:
    assert node.run().returncode == 0
    assert on_card(node) == (CONFIG + BLOCK, CMDLINE.strip() + " usbcore.autosuspend=-1\n")


def test_they_stand_where_kernel_updates_take_them_from(node: Node) -> None:
    add_hook(node)
    assert node.run().returncode == 0
    block = BLOCK.replace("words: ", "words: quiet ")
    assert node.read(SOURCES[0]) == "disable_splash=1\n" + block
    assert node.read(SOURCES[1]) == "quiet usbcore.autosuspend=-1\n"
    assert "dtparam=i2c_arm=on" in on_card(node)[0]


def test_a_higher_generation_takes_away_what_only_the_last_one_wanted(node: Node) -> None:
    add_hook(node)
    node.run()
    node.insert(payload(Boot(("dtparam=spi=on",)), GENERATION + 1))
    assert node.run().returncode == 0
    config, cmdline = on_card(node)
    assert ("dtparam=spi=on" in config, "i2c" in config, cmdline) == (True, False, CMDLINE)
    node.insert(payload(Boot(), GENERATION + 2))
    assert node.run().returncode == 0
    assert on_card(node) == (CONFIG, CMDLINE)
    assert [node.read(path).strip() for path in SOURCES] == ["disable_splash=1", ""]


def test_a_card_that_wants_nothing_is_not_touched(node: Node) -> None:
    node.insert(payload(Boot()))
    before = (node.card.parent / "config.txt").stat().st_ino
    assert node.run().returncode == 0
    assert not next(s for s in node.status.steps if s.name == "boot").changed
    assert (node.card.parent / "config.txt").stat().st_ino == before


@pytest.mark.parametrize(
    ("boot", "told"),
    [
        (Boot(("kernel=x",)), "does not choose what is started"),
        (Boot(("initramfs x followkernel",)), "does not choose what is started"),
        (Boot((), ("root=/dev/sda",)), "without blanks"),
        (Boot((), ("a b",)), "without blanks"),
    ],
)
def test_what_could_keep_a_node_from_starting_is_refused(boot: Boot, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        payload(boot)


def test_a_system_without_config_txt_says_so(fresh: Callable[[], Node]) -> None:
    node = fresh()
    node.insert(payload(WANTED))
    assert node.run().returncode == 1
    assert "no config.txt" in (node.status.reason or "")
