"""Whether each board finds on the boot partition what it would start, and can start it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from builder.lint.finding import Finding
from builder.lint.initramfs import Initramfs, Unreadable, read_initramfs
from builder.lint.kernel import Kernel, is_device_tree, read_kernel
from builder.lint.mounts import check_cmdline
from builder.lint.volumes import Volumes
from builder.recipe import Recipe
from flasher.errors import BadInput
from flasher.firmware.boards import PI_4B, Board
from flasher.firmware.choice import Choice, choose
from flasher.firmware.config_txt import CONFIG, BootFiles

_ELF = b"\x7fELF"
_CUSTOM = "/etc/default/raspi-firmware-custom"
# Drivers of the card's slot: those of Linux, and those of Raspberry Pi's own kernels.
_OLD_SLOT = ("bcm2835", "bcm2835-sdhost", "bcm2835-mmc")
_PI_4_SLOT = ("sdhci-iproc",)
_NO_OVERLAY = "Correct its name, or bring the file: Debian's raspi-firmware has had some since 13."
_REINSTALL = "Add the package raspi-firmware to the recipe, and do not change its files."
_MODULES = "Set MODULES=most in /etc/initramfs-tools, or list the driver in its file modules."
# fts(3) in 32-bit programs fails on positions of 64 bits, which ext4 gives to emulators.
_TWINS = (
    f"{_MODULES} Emulated 32-bit tools overlook whole folders on ext4: build with native twins, "
    "not with --no-twins."
)
_REMAKE = "Build anew; if it comes back, look at the initramfs step in the log."


def require_processors(recipe: Recipe) -> None:
    """Check that the processors of a recipe's boards run what it is made of.

    Raises:
        BadInput: ``board-unfit``, naming those that cannot.
    """
    narrow = [board.title for board in recipe.boards if not board.wide]
    if recipe.architecture == "arm64" and narrow:
        what = "they start no 64-bit system" if len(narrow) > 1 else "it starts no 64-bit system"
        remedy = "Build for armhf (--arch armhf), or take them out of the recipe's [image] boards."
        raise BadInput("board-unfit", f"{', '.join(narrow)}: {what}.", remedy)
    sixth = [board.title for board in recipe.boards if board.sixth]
    if recipe.suite and not recipe.origin and sixth:
        raise BadInput(
            "board-unfit",
            f"{', '.join(sixth)}: an ARMv6 processor, and Debian's armhf is made for ARMv7.",
            'Start from Raspberry Pi OS, which is made for both: from = "raspios:lite-armhf".',
        )


def check_boards(
    files: BootFiles, boards: Sequence[Board], architecture: str, volumes: Volumes
) -> list[Finding]:
    """Findings about what boards start, each told once with the boards that it concerns.

    Args:
        files: of the boot partition.
        boards: those that the image is for.
        architecture: of the image, Debian's name of it.
        volumes: of the image.
    """
    config = Finding(f"There is no {CONFIG} on the boot partition.", _REINSTALL)
    contents = _Contents(files)
    concerned: dict[Finding, list[str]] = {}
    for board in boards:
        for finding in _Check(contents, board, architecture, volumes).findings():
            concerned.setdefault(finding, []).append(board.title)
    found = [_about(finding, titles, len(boards)) for finding, titles in concerned.items()]
    return found if files.exists(CONFIG) else [config, *found]


def largest_start(files: BootFiles, boards: Sequence[Board]) -> int:
    """Bytes of the largest kernel with its initramfs that any of the boards starts."""
    contents = _Contents(files)
    sizes = [0]
    for board in boards:
        choice = choose(files, board)
        paths = [path for path in (choice.kernel, *choice.initramfs) if files.exists(path)]
        sizes.append(sum(len(contents.read(path)) for path in paths))
    return max(sizes)


def _about(finding: Finding, titles: Sequence[str], count: int) -> Finding:
    if len(titles) == count:
        return finding
    return Finding(f"{', '.join(titles)}: {finding.what}", finding.remedy)


class _Contents:
    """Files that many boards share, read and understood once."""

    def __init__(self, files: BootFiles) -> None:
        self.files = files
        self._data: dict[str, bytes] = {}
        self._kernels: dict[str, Kernel] = {}
        self._archives: dict[tuple[str, ...], Initramfs | str] = {}

    def read(self, path: str) -> bytes:
        """Bytes of a file, read once."""
        if path not in self._data:
            self._data[path] = self.files.read(path)
        return self._data[path]

    def kernel(self, path: str) -> Kernel:
        """What a kernel is, looked at once."""
        if path not in self._kernels:
            self._kernels[path] = read_kernel(self.read(path))
        return self._kernels[path]

    def initramfs(self, paths: tuple[str, ...]) -> Initramfs | str:
        """What is in it, or why it cannot be read."""
        if paths not in self._archives:
            try:
                self._archives[paths] = read_initramfs(b"".join(map(self.read, paths)))
            except Unreadable as error:
                self._archives[paths] = str(error)
        return self._archives[paths]


class _Check:
    """The findings for one board."""

    def __init__(
        self, contents: _Contents, board: Board, architecture: str, volumes: Volumes
    ) -> None:
        self._contents, self._files = contents, contents.files
        self._board, self._architecture, self._volumes = board, architecture, volumes
        self._choice: Choice = choose(contents.files, board)

    def findings(self) -> Iterator[Finding]:
        """All that keeps the board from starting."""
        for problem in self._choice.config.problems:
            yield Finding(problem, f"Mend the line; with Debian it comes from {_CUSTOM}.")
        for missing in self._choice.missing:
            yield Finding(str(missing), "Add the package that brings it, or mend the line.")
        yield from self._firmware()
        yield from self._mode()
        yield from self._kernel()
        yield from self._initramfs()
        yield from self._tree()
        yield from self._overlays()
        yield from self._cmdline()

    @cached_property
    def _lacking(self) -> frozenset[str]:
        return frozenset(missing.path for missing in self._choice.missing)

    def _firmware(self) -> Iterator[Finding]:
        for name in _firmware_of(self._board, self._choice):
            if not self._files.exists(name):
                yield Finding(f"There is no {name}: the firmware does not start.", _REINSTALL)
            elif name.endswith(".elf") and not self._contents.read(name).startswith(_ELF):
                yield Finding(f"{name} is no firmware.", _REINSTALL)

    def _mode(self) -> Iterator[Finding]:
        """arm_64bit against the kernel, and against what the board can."""
        wide = self._choice.wide
        if wide and not self._board.wide:
            what = "A 64-bit kernel is asked for, which this board cannot start."
            yield Finding(what, "Take the board out of [image] boards, or give it its own kernel.")
        elif self._choice.kernel not in self._lacking:
            kernel = self._contents.kernel(self._choice.kernel).architecture
            if kernel in ("arm64", "armhf") and wide != (kernel == "arm64"):
                bits, needed = ("64", 0) if wide else ("32", 1)
                what = f"{self._choice.kernel}, an {kernel} kernel, is started in {bits}-bit mode."
                yield Finding(what, f"Put arm_64bit={needed} into {_CUSTOM}.")

    def _kernel(self) -> Iterator[Finding]:
        path = self._choice.kernel
        if path in self._lacking:
            return
        kernel = self._contents.kernel(path)
        if kernel.fault:
            what = f"The kernel {path} {kernel.fault}"
            yield Finding(what, "Take a kernel package that is made for this architecture.")
        if kernel.architecture and kernel.architecture != self._architecture:
            what = f"The kernel {path} is for {kernel.architecture}, not {self._architecture}."
            yield Finding(what, "Name the right kernel package in packages_for of the recipe.")

    def _initramfs(self) -> Iterator[Finding]:
        paths = self._choice.initramfs
        if not paths or self._lacking & {*paths, self._choice.kernel}:
            return
        name, archive = ", ".join(paths), self._contents.initramfs(paths)
        if isinstance(archive, str):
            yield Finding(f"The initramfs {name} is damaged: {archive}.", _REMAKE)
            return
        yield from self._match(name, archive)
        slot = _PI_4_SLOT if self._board.firmware == PI_4B.firmware else _OLD_SLOT
        if archive.whole and archive.versions and not archive.drivers & set(slot):
            what = f"The initramfs {name} has no driver for the card's slot ({slot[0]})."
            yield Finding(what, _TWINS if self._architecture == "armhf" else _MODULES)

    def _match(self, name: str, archive: Initramfs) -> Iterator[Finding]:
        kernel = self._choice.kernel.rpartition("/")[2]
        version = self._contents.kernel(self._choice.kernel).version
        if not version and kernel.startswith("vmlinuz-"):
            version = kernel.removeprefix("vmlinuz-")
        if archive.whole and "init" not in archive.names:
            yield Finding(f"The initramfs {name} has no /init.", _REMAKE)
        if version and archive.versions and version not in archive.versions:
            others = ", ".join(sorted(archive.versions))
            what = f"The initramfs {name} has modules for {others}, but the kernel is {version}."
            yield Finding(what, _REMAKE)

    def _tree(self) -> Iterator[Finding]:
        path = self._choice.device_tree
        if path not in self._lacking and not is_device_tree(self._contents.read(path)):
            yield Finding(f"{path} is no whole device tree.", "Build anew from the kernel package.")

    def _overlays(self) -> Iterator[Finding]:
        for setting in self._choice.config.settings:
            name = setting.value.partition(",")[0].partition(":")[0]
            path = f"overlays/{name}.dtbo"
            if setting.key == "dtoverlay" and name and not self._files.exists(path):
                yield Finding(f"{setting}: there is no {path}.", _NO_OVERLAY)

    def _cmdline(self) -> Iterator[Finding]:
        path = self._choice.cmdline
        if path not in self._lacking:
            yield from check_cmdline(
                path,
                self._contents.read(path).decode(errors="replace"),
                self._volumes,
                has_initramfs=bool(self._choice.initramfs),
                has_pi_4=self._board.firmware == PI_4B.firmware,
            )


def _firmware_of(board: Board, choice: Choice) -> tuple[str, ...]:
    """The firmware that a board loads; start_x and start_debug choose another pair."""
    if choice.config.find("start_file", "fixup_file"):
        chosen = (choice.config.text("start_file"), choice.config.text("fixup_file"))
        return tuple(name for name in chosen if name)
    ending = next(
        (tail for key, tail in (("start_x", "x"), ("start_debug", "db")) if choice.config.on(key)),
        "",
    )
    if not ending:
        return board.firmware
    joint = "" if board.firmware == PI_4B.firmware else "_"
    return tuple(
        name if name == "bootcode.bin" else name.replace(".", f"{joint}{ending}.")
        for name in board.firmware
    )
