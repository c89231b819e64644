"""What an emulated Pi starts from a boot partition: what a real one would, as far as it goes.

What the firmware does beyond loading files is listed, not imitated.
"""

from __future__ import annotations

from dataclasses import dataclass

from flasher.errors import FlasherError
from flasher.firmware.boards import PI_2B, PI_3B, Board
from flasher.firmware.choice import Choice, Missing, choose
from flasher.firmware.config_txt import BootFiles, Config

# What is imitated; every other setting is told as not rehearsed.
_EVALUATED = frozenset(
    {"arm_64bit", "auto_initramfs", "cmdline", "device_tree", "enable_uart", "initramfs", "kernel"}
    | {"os_prefix", "ramfsfile", "upstream_kernel"}
)
# Of no consequence for whether and how a system starts.
_COSMETIC = frozenset({"disable_splash", "boot_delay", "boot_delay_ms", "avoid_warnings"})
_FIRMWARE_ALONE = (
    "the firmware itself (bootcode.bin, start.elf)",
    "what the firmware adds to command line and device tree: serial number, MAC address, display",
    "Wi-Fi, Bluetooth, camera, GPIO: the emulated Pi has none",
    "the site's network: the emulated Pi has one of its own",
)
_SCREEN = "console=tty"


@dataclass(frozen=True, slots=True)
class BootPlan:
    """What is started, and what that leaves out.

    Attributes:
        board: the kind of Pi that starts it.
        kernel: path on the boot partition.
        initramfs: paths on the boot partition, loaded one after the other; may be empty.
        device_tree: path on the boot partition.
        cmdline: the kernel's command line.
        not_rehearsed: what only a real Pi would show, for people.
        problems: what is likely wrong with the card, for people.
    """

    board: Board
    kernel: str
    initramfs: tuple[str, ...]
    device_tree: str
    cmdline: str
    not_rehearsed: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def title(self) -> str:
        """Of the machine, for people."""
        return self.board.title


def plan_boot(files: BootFiles) -> BootPlan:
    """Evaluate a boot partition: as a Pi 3B, or as a Pi 2B where the kernel is a 32-bit one.

    Raises:
        FlasherError: ``boot-file-missing``, naming the line that asks for the file.
    """
    board, choice = PI_3B, choose(files, PI_3B)
    if not choice.wide:
        board, choice = PI_2B, choose(files, PI_2B)
    if choice.missing:
        raise _missing(choice.missing[0])
    cmdline, strays = _cmdline(files, choice.cmdline)
    cmdline, left = _name_console(cmdline, board, choice)
    cmdline, unseen = _leave_screen(cmdline)
    return BootPlan(
        board=board,
        kernel=choice.kernel,
        initramfs=choice.initramfs,
        device_tree=choice.device_tree,
        cmdline=cmdline,
        not_rehearsed=(*_FIRMWARE_ALONE, *left, *unseen, *_left_out(board, choice)),
        problems=(*choice.config.problems, *strays, *_missing_firmware(files, board, choice)),
    )


def _missing(missing: Missing) -> FlasherError:
    return FlasherError(
        "boot-file-missing",
        str(missing),
        "A Pi could not start from this card: write it anew, or mend the line.",
    )


def _cmdline(files: BootFiles, path: str) -> tuple[str, tuple[str, ...]]:
    """The command line, and problems with its file: only its first line counts."""
    text = files.read(path).decode(errors="replace")
    first, _, rest = text.lstrip("\r\n").partition("\n")
    problems = (f"{path}: only the first line counts.",) if rest.strip() else ()
    return first.strip(), problems


def _name_console(cmdline: str, board: Board, choice: Choice) -> tuple[str, tuple[str, ...]]:
    """Give ``console=serial0`` the name that the firmware gives it.

    With Raspberry Pi's own device trees that is the full UART on a Pi 2B; on a Pi 3B the mini UART,
    which is there only if ``enable_uart`` is set. With others nothing is known of it.
    """
    words = cmdline.split()
    asked = [word for word in words if word.partition(",")[0] == "console=serial0"]
    if not choice.device_tree.endswith(board.trees[0]):
        left = ("console=serial0, which the firmware would give another name",) if asked else ()
        return cmdline, left
    if board == PI_2B:
        return " ".join(w.replace("=serial0", "=ttyAMA0") if w in asked else w for w in words), ()
    uart = choice.config.on("enable_uart")
    kept = [word.replace("=serial0", "=ttyS0") if word in asked else word for word in words]
    if not uart:
        kept = [word for word in words if word not in asked]
    return " ".join([f"8250.nr_uarts={int(uart)}", *kept]), ()


def _leave_screen(cmdline: str) -> tuple[str, tuple[str, ...]]:
    """Let programs write to the serial line where the last console is the screen: there is none."""
    words = cmdline.split()
    consoles = [word for word in words if word.startswith("console=")]
    screens = [word for word in consoles if word.removeprefix(_SCREEN).isdecimal()]
    if not screens or consoles == screens or consoles[-1] not in screens:
        return cmdline, ()
    kept = " ".join(word for word in words if word not in screens)
    return kept, ("the screen: what it would show is on the serial line",)


def _left_out(board: Board, choice: Choice) -> list[str]:
    """Settings in force that only the firmware acts upon."""
    config = choice.config
    unknown = [
        str(setting) for setting in config.settings if setting.key not in _EVALUATED | _COSMETIC
    ]
    asked = config.find("initramfs")
    if asked and asked.value.split()[1:] not in ([], ["followkernel"], ["0"]):
        unknown.append(f"{asked} (the address)")
    if config.on("upstream_kernel") and choice.device_tree.endswith(board.trees[0]):
        unknown.append('the "upstream" overlay')
    return unknown


def _missing_firmware(files: BootFiles, board: Board, choice: Choice) -> list[str]:
    """Firmware that the board loads before anything else."""
    needed = board.firmware[:1] if _other_firmware(choice.config) else board.firmware
    lacking = [name for name in needed if not files.exists(name)]
    return [
        f"There is no {name}: a {board.title} could not start from this card." for name in lacking
    ]


def _other_firmware(config: Config) -> bool:
    chosen = config.find("start_file")
    return any(map(config.on, ("start_x", "start_debug"))) or chosen is not None
