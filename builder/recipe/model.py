"""What a recipe says, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from urllib.parse import urlsplit

from builder.personal import NOTHING, Personal
from builder.steps.script import Script
from flasher.firmware.boards import BOARDS, Board


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A file to put into the image, owned by root."""

    path: str
    data: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class UserRecipe:
    """A person or a service of the image, with a home and a locked password.

    Attributes:
        groups: beside the own one; they exist in the image.
        uid: the first free one by default.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: int | None = None
    shell: str = "/bin/bash"
    comment: str = ""


@dataclass(frozen=True, slots=True)
class BootSettings:
    """What the firmware and the kernel are told.

    Attributes:
        config: lines of config.txt.
        cmdline: words of cmdline.txt.
    """

    config: tuple[str, ...] = ()
    cmdline: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerRecipe:
    """One layer: packages first, then users, files, Python packages, services, boot, scripts.

    Attributes:
        python: packages that ship with this program, copied for the node's system Python.
        enable, disable, mask: systemd units, by name.
        scripts: their `epoch` is set when the layer's packages are known.
        notes: what a person should know before it is built.
        data_size_mib: what it needs of a partition for data at least; 0 for none.
        about, needs: of layers that ship: what it does, and the names of layers below it.
        personal: what its source sets of a rig or a person; it is not built in.
    """

    name: str
    packages: tuple[str, ...] = ()
    files: tuple[RecipeFile, ...] = ()
    python: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    users: tuple[UserRecipe, ...] = ()
    boot: BootSettings = BootSettings()
    scripts: tuple[Script, ...] = ()
    notes: tuple[str, ...] = ()
    data_size_mib: int = 0
    about: str = ""
    needs: tuple[str, ...] = ()
    personal: Personal = NOTHING


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """The partitions: FAT32 for the firmware, ext4 for the rest; sizes in MiB.

    Attributes:
        data_size_mib: of a third one, for data; it begins with the tree's folder /data, and is
            larger where that is. 0 for none.
        boards: the Pis that must boot it, by their names in `flasher.firmware.boards`; None stands
            for all that can run the architecture.
        cameras: those that must give a picture, by their names in `builder.cameras`.
    """

    boot_label: str = "bootfs"
    root_label: str = "rootfs"
    boot_size_mib: int = 256
    root_slack_mib: int = 400
    data_size_mib: int = 0
    boards: tuple[str, ...] | None = None
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseSettings:
    """What Raspberry Pi Imager is told of the image.

    Attributes:
        description: a line below the title; by default its suite and architecture.
        url: of the folder where the files will be found, with its slash; "" for beside the list.
        icon: address of a picture of 40 × 40 pixels.
        website: address of a page about the image.
    """

    description: str = ""
    url: str = ""
    icon: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What an image is made from, where that is not a Debian suite.

    Attributes:
        form: ``image``, ``rootfs``, ``oci``, ``build`` or ``raspios``.
        place: a path, relative to the recipe, or an address; the name of a system for ``raspios``.
        sha256: of the file, 64 hex digits; "" where nothing was said.
        os_list: for ``raspios``: path or address of the list that names its images.
        folder: where paths start.
    """

    form: str
    place: str
    sha256: str = ""
    os_list: str = ""
    folder: str = "."

    def __str__(self) -> str:
        return f"{self.form}:{self.place}"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whose signature an archive must bear: apt-secure(8).

    Attributes:
        data: as apt reads it: armoured, or what ``gpg --export`` writes.
    """

    data: bytes

    def filename(self, name: str) -> str:
        """How apt wants a file with it to be called: it goes by the ending."""
        return f"{name}.{'asc' if self.data.startswith(b'-----BEGIN') else 'gpg'}"


@dataclass(frozen=True, slots=True)
class ArchiveRecipe:
    """Where the packages of the suite come from.

    Attributes:
        mirror, security: addresses; "" for those that mmdebstrap takes by itself.
        suites: all that count; the one that the recipe starts from by default.
        components: Debian's with firmware by default; of other archives ``main``.
        key: whose signature counts; None for Debian's.
        expired: whether its index is not renewed any more.
        proxy: for all that this build fetches; "" for this computer's own.
    """

    mirror: str = ""
    security: str = ""
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    key: PublicKey | None = None
    expired: bool = False
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class AptSource:
    """A further source of packages, which the image has too.

    Attributes:
        name: of its file.
        uri: address of the archive.
        suites: names of suites, or one path that ends with a slash: then without components.
        priority: of its packages, as apt_preferences(5) has it; None for apt's own.
    """

    name: str
    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    key: PublicKey
    priority: int | None = None

    @property
    def host(self) -> str:
        """By which apt knows where a package comes from."""
        return urlsplit(self.uri).hostname or ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A base image, from its Debian suite to its layers, lowest first.

    Attributes:
        suite: Debian's name of it; "" for another origin, until that is read.
        dated: the image's name begins with the day of its lock.
        updates: False for the suite as it was last released, without later fixes.
        archive, sources: where packages come from.
        agentless: why the agent was left out, as a sentence; "" where it was not.
    """

    name: str
    title: str
    suite: str
    architecture: str
    image: ImageSettings
    layers: tuple[LayerRecipe, ...]
    release: ReleaseSettings = ReleaseSettings()
    updates: bool = True
    origin: Origin | None = None
    dated: bool = False
    archive: ArchiveRecipe = ArchiveRecipe()
    sources: tuple[AptSource, ...] = ()
    agentless: str = ""

    def image_name(self, epoch: int) -> str:
        """What the image of a lock is called; the epoch is the lock's, in seconds, UTC."""
        day = f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d}-" if self.dated else ""
        return f"{day}{self.name}"

    @property
    def has_agent(self) -> bool:
        """Whether its images set themselves up from a payload."""
        return any(layer.python for layer in self.layers)

    @property
    def personal(self) -> Personal:
        """What all layers set of a rig or a person; the upper ones win."""
        return reduce(lambda lower, layer: layer.personal.over(lower), self.layers, NOTHING)

    @property
    def board_names(self) -> tuple[str, ...]:
        """The names of the Pis that must boot the image; an ARMv6 only where the recipe says so."""
        if self.image.boards is not None:
            return self.image.boards
        wide = {"arm64": (True,), "armhf": (True, False)}.get(self.architecture, ())
        return tuple(name for name, b in BOARDS.items() if b.wide in wide and not b.sixth)

    @property
    def boards(self) -> tuple[Board, ...]:
        """The Pis that must boot the image; none of them for an architecture of PCs."""
        return tuple(BOARDS[name] for name in self.board_names)
