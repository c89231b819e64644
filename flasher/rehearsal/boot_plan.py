"""What the firmware of a Raspberry Pi 3B would start from a boot partition.

The rules are those of Raspberry Pi's documentation, "Boot options": names and their defaults,
prefixes, device trees. What the firmware does beyond loading files is listed, not imitated.
"""

from __future__ import annotations

from dataclasses import dataclass

from flasher.errors import FlasherError
from flasher.rehearsal.config_txt import CONFIG, BootFiles, Config, Setting, read_config
from flasher.rehearsal.filters import PI_3B, Board

DOWNSTREAM_TREE, UPSTREAM_TREE = "bcm2710-rpi-3-b.dtb", "bcm2837-rpi-3-b.dtb"
_KERNEL_64, _KERNEL_32 = "kernel8.img", "kernel7.img"
_FIRMWARE = ("bootcode.bin", "start.elf", "fixup.dat")
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


@dataclass(frozen=True, slots=True)
class BootPlan:
    """What is started, and what that leaves out.

    Attributes:
        kernel: path on the boot partition.
        initramfs: paths on the boot partition, loaded one after the other; may be empty.
        device_tree: path on the boot partition.
        cmdline: the kernel's command line.
        not_rehearsed: what only a real Pi would show, for people.
        problems: what is likely wrong with the card, for people.
    """

    kernel: str
    initramfs: tuple[str, ...]
    device_tree: str
    cmdline: str
    not_rehearsed: tuple[str, ...]
    problems: tuple[str, ...]


def plan_boot(files: BootFiles, board: Board = PI_3B) -> BootPlan:
    """Evaluate a boot partition.

    Raises:
        FlasherError: ``boot-file-missing``, naming the line that asks for the file;
            ``kernel-32-bit``.
    """
    config = read_config(files, board)
    kernel_name = _kernel_name(files, config)
    chosen = _Chooser(files, config, kernel_name)
    kernel = chosen.need(kernel_name, "kernel")
    tree = chosen.tree()
    cmdline, strays = _cmdline(files, chosen.need(config.text("cmdline", "cmdline.txt"), "cmdline"))
    cmdline, left = _name_console(cmdline, config, downstream=tree.endswith(DOWNSTREAM_TREE))
    return BootPlan(
        kernel=kernel,
        initramfs=chosen.initramfs(),
        device_tree=tree,
        cmdline=cmdline,
        not_rehearsed=(*_FIRMWARE_ALONE, *left, *_left_out(config, tree)),
        problems=(*config.problems, *strays, *_missing_firmware(files, config)),
    )


class _Chooser:
    """Finds the files that a configuration names, with the prefix where that holds."""

    def __init__(self, files: BootFiles, config: Config, kernel: str) -> None:
        self._files, self._config = files, config
        upstream = config.on("upstream_kernel")
        self._trees = (UPSTREAM_TREE, DOWNSTREAM_TREE) if upstream else (DOWNSTREAM_TREE,)
        if chosen := config.text("device_tree"):
            self._trees = (chosen,)
        self._kernel = kernel
        self._prefix = ""
        prefix = config.text("os_prefix", "upstream/" if upstream else "")
        if self._viable(prefix):
            self._prefix = prefix

    def _viable(self, prefix: str) -> bool:
        """The firmware heeds a prefix only if kernel and device tree are found with it."""
        kernel = _join(prefix, self._kernel)
        trees = [_join(prefix, tree) for tree in self._trees]
        return self._files.exists(kernel) and any(map(self._files.exists, trees))

    def need(self, name: str, key: str) -> str:
        """Path of a file that must be there."""
        path = _join(self._prefix, name)
        if not self._files.exists(path):
            raise _missing(path, self._config.find(key), key)
        return path

    def tree(self) -> str:
        """Path of the device tree."""
        paths = [_join(self._prefix, name) for name in self._trees]
        found = next(filter(self._files.exists, paths), None)
        if found is None:
            asked = self._config.find("device_tree") or self._config.find("upstream_kernel")
            raise _missing(paths[0], asked, "device_tree")
        return found

    def initramfs(self) -> tuple[str, ...]:
        """Paths of what is loaded as the initial file system."""
        asked = self._config.find("initramfs", "ramfsfile")
        if asked and asked.value:
            names = asked.value.split()[0].split(",")
            return tuple(self.need(name, asked.key) for name in names)
        if not self._config.on("auto_initramfs"):
            return ()
        # kernel8.img goes with initramfs8; a kernel of another name goes without.
        stem, _, ending = self._kernel.rpartition(".")
        name = _join(self._prefix, stem.replace("kernel", "initramfs", 1))
        known = stem.startswith("kernel") and ending == "img"
        return (name,) if known and self._files.exists(name) else ()


def _join(prefix: str, name: str) -> str:
    """A leading slash keeps the prefix away."""
    return name[1:] if name.startswith("/") else f"{prefix}{name}"


def _kernel_name(files: BootFiles, config: Config) -> str:
    """The kernel's name as configured; only 64-bit ones run on the emulated machine."""
    asked = config.text("kernel")
    wide = config.on("arm_64bit", default=asked != _KERNEL_32)
    if not asked and config.find("arm_64bit") is None and files.exists(_KERNEL_32):
        wide = False
    if not wide:
        raise FlasherError(
            "kernel-32-bit",
            f"This card starts a 32-bit kernel ({asked or _KERNEL_32}), which is not rehearsed.",
            f"Set arm_64bit=1 in {CONFIG}, or try the card in a real Pi.",
        )
    return asked or _KERNEL_64


def _missing(path: str, asked: Setting | None, key: str) -> FlasherError:
    why = f"{asked} asks for it" if asked else f"it is the default for {key}"
    return FlasherError(
        "boot-file-missing",
        f"There is no {path} on the boot partition: {why}.",
        "A Pi could not start from this card: write it anew, or mend the line.",
    )


def _cmdline(files: BootFiles, path: str) -> tuple[str, tuple[str, ...]]:
    """The command line, and problems with its file: only its first line counts."""
    text = files.read(path).decode(errors="replace")
    first, _, rest = text.lstrip("\r\n").partition("\n")
    problems = (f"{path}: only the first line counts.",) if rest.strip() else ()
    return first.strip(), problems


def _name_console(cmdline: str, config: Config, *, downstream: bool) -> tuple[str, tuple[str, ...]]:
    """Give ``console=serial0`` the name that the firmware gives it on a Pi 3B.

    With Raspberry Pi's own device trees that is the mini UART, which is there only if
    ``enable_uart`` is set; with others nothing is known of it.
    """
    words = cmdline.split()
    asked = [word for word in words if word.partition(",")[0] == "console=serial0"]
    if not downstream:
        left = ("console=serial0, which the firmware would give another name",) if asked else ()
        return cmdline, left
    uart = config.on("enable_uart")
    kept = [word.replace("=serial0", "=ttyS0") if word in asked else word for word in words]
    if not uart:
        kept = [word for word in words if word not in asked]
    return " ".join([f"8250.nr_uarts={int(uart)}", *kept]), ()


def _left_out(config: Config, tree: str) -> list[str]:
    """Settings in force that only the firmware acts upon."""
    unknown = [
        str(setting) for setting in config.settings if setting.key not in _EVALUATED | _COSMETIC
    ]
    asked = config.find("initramfs")
    if asked and asked.value.split()[1:] not in ([], ["followkernel"], ["0"]):
        unknown.append(f"{asked} (the address)")
    if config.on("upstream_kernel") and tree.endswith(DOWNSTREAM_TREE):
        unknown.append('the "upstream" overlay')
    return unknown


def _missing_firmware(files: BootFiles, config: Config) -> list[str]:
    """Firmware that a Pi 3 loads before anything else."""
    changed = any(map(config.on, ("start_x", "start_debug"))) or config.find("start_file")
    needed = _FIRMWARE[:1] if changed else _FIRMWARE
    lacking = [name for name in needed if not files.exists(name)]
    return [f"There is no {name}: a Pi 3 could not start from this card." for name in lacking]
