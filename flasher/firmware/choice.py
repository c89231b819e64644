"""What the firmware of a Raspberry Pi would start from a boot partition.

The rules are those of Raspberry Pi's documentation, "Boot options": names and their defaults,
prefixes, device trees.
"""

from __future__ import annotations

from dataclasses import dataclass

from flasher.firmware.boards import Board
from flasher.firmware.config_txt import BootFiles, Config, read_config

_KERNEL_64 = "kernel8.img"
# Names that say how wide the kernel is; others need arm_64bit, or the board decides.
_WIDE = {"kernel.img": False, "kernel7.img": False, "kernel7l.img": False, _KERNEL_64: True}


@dataclass(frozen=True, slots=True)
class Missing:
    """A file that is not there, and what asks for it, such as a line of config.txt."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"There is no {self.path} on the boot partition: {self.why}."


@dataclass(frozen=True, slots=True)
class Choice:
    """What a board starts; all paths are on the boot partition.

    Attributes:
        wide: whether the kernel is started in 64-bit mode.
        initramfs: loaded one after the other; may be empty.
        cmdline: the file with the kernel's command line.
        config: the settings in force on this board.
        missing: those of these files that are not there.
    """

    kernel: str
    wide: bool
    initramfs: tuple[str, ...]
    device_tree: str
    cmdline: str
    config: Config
    missing: tuple[Missing, ...]


def choose(files: BootFiles, board: Board) -> Choice:
    """Evaluate a boot partition as a board does."""
    config = read_config(files, board)
    wide = _is_wide(files, config, board)
    name = config.text("kernel") or (_KERNEL_64 if wide else board.kernel)
    chooser = _Chooser(files, config, board, name)
    return Choice(
        kernel=chooser.need(name, "kernel"),
        wide=wide,
        device_tree=chooser.tree(),
        cmdline=chooser.need(config.text("cmdline", "cmdline.txt"), "cmdline"),
        initramfs=chooser.initramfs(),
        config=config,
        missing=tuple(chooser.missing),
    )


def _is_wide(files: BootFiles, config: Config, board: Board) -> bool:
    if config.find("arm_64bit"):
        return config.on("arm_64bit")
    if asked := config.text("kernel"):
        return _WIDE.get(asked, board.wide_unless_told)
    return board.wide and (board.wide_unless_told or not files.exists(board.kernel))


class _Chooser:
    """Finds the files that a configuration names, with the prefix where that holds."""

    def __init__(self, files: BootFiles, config: Config, board: Board, kernel: str) -> None:
        self.missing: list[Missing] = []
        self._files, self._config = files, config
        own, upstream = board.trees
        self._trees = (upstream, own) if config.on("upstream_kernel") else (own,)
        if chosen := config.text("device_tree"):
            self._trees = (chosen,)
        self._kernel = kernel
        self._prefix = ""
        prefix = config.text("os_prefix", "upstream/" if config.on("upstream_kernel") else "")
        if self._viable(prefix):
            self._prefix = prefix

    def _viable(self, prefix: str) -> bool:
        """The firmware heeds a prefix only if kernel and device tree are found with it."""
        kernel = _join(prefix, self._kernel)
        trees = [_join(prefix, tree) for tree in self._trees]
        return self._files.exists(kernel) and any(map(self._files.exists, trees))

    def need(self, name: str, *keys: str) -> str:
        """Path of a file that must be there; the first of the keys names its purpose."""
        path = _join(self._prefix, name)
        if not self._files.exists(path):
            asked = self._config.find(*keys)
            why = f"{asked} asks for it" if asked else f"it is the default for {keys[0]}"
            self.missing.append(Missing(path, why))
        return path

    def tree(self) -> str:
        """Path of the device tree."""
        paths = [_join(self._prefix, name) for name in self._trees]
        if found := next(filter(self._files.exists, paths), None):
            return found
        asked = "device_tree" if self._config.find("device_tree") else "upstream_kernel"
        return self.need(self._trees[0], "device_tree", asked)

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
