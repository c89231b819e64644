from __future__ import annotations

from collections.abc import Callable

import pytest

from flasher.errors import FlasherError
from flasher.firmware.boards import PI_2B, PI_3B
from flasher.firmware.config_txt import BootFiles
from flasher.rehearsal.boot_plan import BootPlan, plan_boot

MakeFiles = Callable[..., BootFiles]
FIRMWARE = ("bootcode.bin", "start.elf", "fixup.dat")
UPSTREAM, DOWNSTREAM = "bcm2837-rpi-3-b.dtb", "bcm2710-rpi-3-b.dtb"
DEBIAN = """
arm_64bit=1
enable_uart=1
upstream_kernel=1
kernel=vmlinuz-6.12
initramfs initrd.img-6.12
"""


def plan_of(files: BootFiles) -> tuple[str, tuple[str, ...], str]:
    plan = plan_boot(files)
    return plan.kernel, plan.initramfs, plan.device_tree


def failure_of(files: BootFiles) -> FlasherError:
    with pytest.raises(FlasherError) as caught:
        plan_boot(files)
    return caught.value


def test_a_debian_card_boots_what_its_config_names_with_its_own_command_line(
    make_files: MakeFiles,
) -> None:
    cmdline = " console=ttyS1,115200 console=tty0 root=LABEL=rootfs  rootwait "
    files = make_files(
        DEBIAN, *FIRMWARE, "vmlinuz-6.12", "initrd.img-6.12", UPSTREAM, cmdline__txt=cmdline
    )
    plan = plan_boot(files)
    assert plan == BootPlan(
        board=PI_3B,
        kernel="vmlinuz-6.12",
        initramfs=("initrd.img-6.12",),
        device_tree=UPSTREAM,
        cmdline="console=ttyS1,115200 root=LABEL=rootfs rootwait",
        not_rehearsed=plan.not_rehearsed,
        problems=(),
    )
    assert not [what for what in plan.not_rehearsed if "config.txt" in what]


@pytest.mark.parametrize(
    ("config", "names", "expected"),
    [
        ("arm_64bit=1", ["kernel8.img", DOWNSTREAM], ("kernel8.img", (), DOWNSTREAM)),
        ("", ["kernel8.img", DOWNSTREAM], ("kernel8.img", (), DOWNSTREAM)),
        (None, ["KERNEL8.IMG", DOWNSTREAM], ("kernel8.img", (), DOWNSTREAM)),
        (
            "auto_initramfs=1",
            ["kernel8.img", "initramfs8", DOWNSTREAM],
            ("kernel8.img", ("initramfs8",), DOWNSTREAM),
        ),
        (
            "auto_initramfs=1\nkernel=mine.img\narm_64bit=1",
            ["mine.img", "initramfs8", DOWNSTREAM],
            ("mine.img", (), DOWNSTREAM),
        ),
        (
            "initramfs a,b followkernel",
            ["kernel8.img", "a", "b", DOWNSTREAM],
            ("kernel8.img", ("a", "b"), DOWNSTREAM),
        ),
        (
            "ramfsfile=a",
            ["kernel8.img", "a", DOWNSTREAM],
            ("kernel8.img", ("a",), DOWNSTREAM),
        ),
        (
            "device_tree=other.dtb",
            ["kernel8.img", "other.dtb", DOWNSTREAM],
            ("kernel8.img", (), "other.dtb"),
        ),
        (
            "upstream_kernel=1",
            ["kernel8.img", DOWNSTREAM],
            ("kernel8.img", (), DOWNSTREAM),
        ),
    ],
)
def test_names_and_their_defaults_are_those_of_the_firmware(
    make_files: MakeFiles,
    config: str | None,
    names: list[str],
    expected: tuple[str, tuple[str, ...], str],
) -> None:
    assert plan_of(make_files(config, *names, cmdline__txt="root=x")) == expected


def test_a_prefix_goes_before_every_name_but_those_from_the_root(make_files: MakeFiles) -> None:
    names = ["new/kernel8.img", f"new/{DOWNSTREAM}", "new/cmdline.txt", "shared"]
    plan = plan_boot(make_files("os_prefix=new/\ninitramfs /shared", *names, cmdline__txt="old"))
    assert (plan.kernel, plan.device_tree) == ("new/kernel8.img", f"new/{DOWNSTREAM}")
    assert plan.initramfs == ("shared",)
    assert plan.cmdline == "8250.nr_uarts=0"


def test_a_prefix_without_kernel_and_device_tree_is_ignored(make_files: MakeFiles) -> None:
    names = ["new/kernel8.img", "kernel8.img", DOWNSTREAM]
    plan = plan_boot(make_files("os_prefix=new/", *names, cmdline__txt="root=x"))
    assert plan.kernel == "kernel8.img"


def test_an_upstream_kernel_looks_into_its_own_folder_first(make_files: MakeFiles) -> None:
    names = ["upstream/kernel8.img", f"upstream/{UPSTREAM}", "upstream/cmdline.txt"]
    plan = plan_boot(make_files("upstream_kernel=1", *names, "kernel8.img", UPSTREAM))
    assert plan.kernel == "upstream/kernel8.img"


@pytest.mark.parametrize(
    ("config", "names", "message"),
    [
        (
            "\nkernel=vmlinuz",
            [DOWNSTREAM, "cmdline.txt"],
            "no vmlinuz on the boot partition: config.txt line 2: kernel=vmlinuz asks for it.",
        ),
        (None, [DOWNSTREAM, "cmdline.txt"], "no kernel8.img on the boot partition: it is the def"),
        ("", ["kernel8.img", DOWNSTREAM], "no cmdline.txt on the boot partition: it is the def"),
        ("", ["kernel8.img", "cmdline.txt"], f"no {DOWNSTREAM} on the boot partition"),
        (
            "initramfs a,b followkernel",
            ["kernel8.img", "a", DOWNSTREAM, "cmdline.txt"],
            "no b on the boot partition: config.txt line 1: initramfs a,b followkernel asks",
        ),
        (
            "cmdline=mine.txt",
            ["kernel8.img", DOWNSTREAM, "cmdline.txt"],
            "no mine.txt on the boot partition: config.txt line 1: cmdline=mine.txt asks",
        ),
    ],
)
def test_a_missing_file_is_named_with_the_line_that_asks_for_it(
    make_files: MakeFiles, config: str | None, names: list[str], message: str
) -> None:
    error = failure_of(make_files(config, *names))
    assert error.code == "boot-file-missing"
    assert message in error.message


@pytest.mark.parametrize(
    ("config", "kernel"),
    [
        ("", "kernel7.img"),
        ("arm_64bit=0", "kernel7.img"),
        ("arm_64bit=0\nkernel=vmlinuz-6.12-armmp", "vmlinuz-6.12-armmp"),
        ("kernel=vmlinuz-6.12-armmp", "vmlinuz-6.12-armmp"),
        ("kernel=kernel7.img", "kernel7.img"),
        ("[pi3]\nkernel=other\n[pi2]\nkernel=mine", "mine"),
    ],
)
def test_a_32_bit_card_is_started_as_a_pi_2_would(
    make_files: MakeFiles, config: str, kernel: str
) -> None:
    tree = "bcm2709-rpi-2-b.dtb"
    plan = plan_boot(make_files(config, kernel, "kernel7.img", tree, cmdline__txt="root=x"))
    assert (plan.board, plan.kernel, plan.device_tree) == (PI_2B, kernel, tree)


@pytest.mark.parametrize(
    ("cmdline", "expected"),
    [
        ("console=ttyS1,115200 console=tty0 a", "console=ttyS1,115200 a"),
        ("console=tty1 console=ttyS1 console=tty0 a", "console=ttyS1 a"),
        ("console=tty0 console=ttyS1 a", "console=tty0 console=ttyS1 a"),
        ("console=tty0 a", "console=tty0 a"),
        ("a", "a"),
    ],
)
def test_what_the_screen_would_show_is_on_the_serial_line(
    make_files: MakeFiles, cmdline: str, expected: str
) -> None:
    files = make_files("upstream_kernel=1", "kernel8.img", UPSTREAM, cmdline__txt=cmdline)
    plan = plan_boot(files)
    assert plan.cmdline == expected
    assert (cmdline != expected) == any("screen" in what for what in plan.not_rehearsed)


def test_a_pi_2_has_its_serial_console_on_the_full_uart(make_files: MakeFiles) -> None:
    names = ["kernel7.img", "bcm2709-rpi-2-b.dtb"]
    files = make_files("", *names, cmdline__txt="console=serial0,115200 a")
    assert plan_boot(files).cmdline == "console=ttyAMA0,115200 a"


def test_what_only_the_firmware_does_is_told_with_its_line(make_files: MakeFiles) -> None:
    config = "dtparam=spi=on\n[pi4]\ndtoverlay=a\n[all]\ndtoverlay=imx477\ngpu_mem=128\n"
    files = make_files(config, "kernel8.img", DOWNSTREAM, cmdline__txt="root=x")
    told = [what for what in plan_boot(files).not_rehearsed if "config.txt" in what]
    assert told == [
        "config.txt line 1: dtparam=spi=on",
        "config.txt line 5: dtoverlay=imx477",
        "config.txt line 6: gpu_mem=128",
    ]


@pytest.mark.parametrize(
    ("config", "tree", "expected"),
    [
        ("enable_uart=1", DOWNSTREAM, "8250.nr_uarts=1 console=ttyS0,115200 a"),
        ("", DOWNSTREAM, "8250.nr_uarts=0 a"),
        ("upstream_kernel=1", UPSTREAM, "console=serial0,115200 a"),
    ],
)
def test_the_serial_console_gets_the_name_that_the_firmware_gives_it(
    make_files: MakeFiles, config: str, tree: str, expected: str
) -> None:
    cmdline = "console=serial0,115200 a"
    files = make_files(config, "kernel8.img", tree, cmdline__txt=cmdline)
    assert plan_boot(files).cmdline == expected


def test_a_card_that_no_real_pi_3_starts_from_is_warned_about(make_files: MakeFiles) -> None:
    names = ["kernel8.img", DOWNSTREAM, "start.elf", "fixup.dat"]
    problems = plan_boot(make_files("", *names, cmdline__txt="a\nb\n")).problems
    assert problems == (
        "cmdline.txt: only the first line counts.",
        "There is no bootcode.bin: a Raspberry Pi 3B could not start from this card.",
    )
