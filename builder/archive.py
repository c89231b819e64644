"""Where packages come from: the archive of a suite, and further sources beside it.

The same text tells it to the apt of the image and to that of this computer, with one difference:
where the public keys lie. See sources.list(5), apt-secure(8), apt_preferences(5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from builder.recipe.model import AptSource, ArchiveRecipe, PublicKey, Recipe, RecipeFile
from flasher.process import ProgramFailed, run

DEBIAN_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# Where keys lie in images; on this computer, the same name below another folder.
KEYS = "/etc/apt/keyrings"
MAIN_KEY = "archive"

# The rolling suites have neither updates nor security beside them.
_ROLLING = ("sid", "unstable")

# Firmware has a component of its own since Debian 12.
_COMPONENTS = "main", "non-free-firmware"
_OLDER = dict.fromkeys(("stretch", "buster", "bullseye"), ("main", "non-free"))


@dataclass(frozen=True, slots=True)
class Archive:
    """Where the packages of a suite come from, and whose signature counts.

    Attributes:
        mirror, security: of the suites; "" for those that mmdebstrap takes by itself.
        keyring: Debian's keys; counts where `key` is None.
        updates: whether what came after the suite's last release counts, security fixes included.
        suites: all suites that count, where they are not Debian's.
        components: of each; Debian's with firmware by default.
        key: whose signature counts where that is not Debian.
        expired: whether it is an archive of the past, whose index is not renewed any more.
        more: sources beside it.
    """

    mirror: str = ""
    security: str = ""
    keyring: Path = DEBIAN_KEYS
    updates: bool = True
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    key: PublicKey | None = None
    expired: bool = False
    more: tuple[AptSource, ...] = ()

    def sources(self, suite: str, architecture: str) -> str:
        """Text of an image's sources.list for a suite, as its release notes give it."""
        components = self.components or _OLDER.get(suite, _COMPONENTS)
        lines = (
            self._given(suite, components)
            if self.mirror
            else _default_sources(suite, architecture, components)
        )
        kept = lines if self.updates else lines[:1]
        return "".join(f"{self._with_options(line)}\n" for line in kept)

    def beside(self) -> Mapping[str, str]:
        """The further sources, by their names: text of each one's file in sources.list.d."""
        return {source.name: _fields(source) for source in self.more}

    def preferences(self) -> Mapping[str, str]:
        """Text of each one's file in preferences.d, by the names of those that have a priority."""
        return {each.name: _pin(each) for each in self.more if each.priority is not None}

    @property
    def keyrings(self) -> tuple[Path, ...]:
        """Files with public keys, any of which may sign for sources that name none."""
        return (self.keyring,) if self.key is None and self.keyring.exists() else ()

    @property
    def named_keys(self) -> Mapping[str, bytes]:
        """Keys that a source names, by the name of their file."""
        keys = {source.name: source.key for source in self.more}
        if self.key:
            keys[MAIN_KEY] = self.key
        return {key.filename(name): key.data for name, key in keys.items()}

    @property
    def described(self) -> str:
        """What a recipe says of it, a line for each source; "" where that is nothing."""
        own = Archive(updates=self.updates)
        lines = [f"{self.mirror} {self.security} {' '.join((*self.suites, *self.components))}"]
        lines += [f"{name} {sha256(data).hexdigest()}" for name, data in self.named_keys.items()]
        texts = (*self.beside().values(), *self.preferences().values())
        lines += [" ".join(text.split()) for text in texts]
        return "\n".join(lines) if self != own else ""

    def of_tools(self) -> Archive:
        """Where programs of Debian come from that only build."""
        return Archive() if self.key else replace(self, more=(), updates=True)

    def of_twins(self) -> Archive:
        """Where the programs of the suite come from for another architecture."""
        return replace(self, more=())

    def _given(self, suite: str, components: tuple[str, ...]) -> tuple[str, ...]:
        places = [(self.mirror, name) for name in self.suites or (suite,)]
        if not self.suites and not self.key and has_updates(suite):
            places += [(self.mirror, f"{suite}-updates"), (self.security, f"{suite}-security")]
        return tuple(f"deb {uri} {name} {' '.join(components)}" for uri, name in places if uri)

    def _with_options(self, line: str) -> str:
        options = [f"signed-by={KEYS}/{self.key.filename(MAIN_KEY)}"] if self.key else []
        options += ["check-valid-until=no"] if self.expired else []
        return line.replace("deb ", f"deb [{' '.join(options)}] ", 1) if options else line


def archive_of(recipe: Recipe) -> Archive:
    """Where a recipe takes its packages from."""
    told: ArchiveRecipe = recipe.archive
    return Archive(
        mirror=told.mirror,
        security=told.security,
        updates=recipe.updates,
        suites=told.suites,
        components=told.components,
        key=told.key,
        expired=told.expired,
        more=recipe.sources,
    )


def image_files(archive: Archive) -> tuple[RecipeFile, ...]:
    """What an image has of it beside its sources.list: keys, further sources, priorities."""
    files = [(f"{KEYS}/{name}", data) for name, data in archive.named_keys.items()]
    texts = {f"sources.list.d/{name}.sources": text for name, text in archive.beside().items()}
    texts |= {f"preferences.d/{name}": text for name, text in archive.preferences().items()}
    files += [(f"/etc/apt/{name}", text.encode()) for name, text in texts.items()]
    return tuple(RecipeFile(path, data) for path, data in files)


def has_updates(suite: str) -> bool:
    """Whether Debian has updates and security fixes beside a suite."""
    return suite not in _ROLLING


def _fields(source: AptSource) -> str:
    lines = {
        "Types": "deb",
        "URIs": source.uri,
        "Suites": " ".join(source.suites),
        "Components": " ".join(source.components),
        "Signed-By": f"{KEYS}/{source.key.filename(source.name)}",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items() if value)


def _pin(source: AptSource) -> str:
    return f'Package: *\nPin: origin "{source.host}"\nPin-Priority: {source.priority}\n'


@cache
def _default_sources(suite: str, architecture: str, components: tuple[str, ...]) -> tuple[str, ...]:
    """The lines that mmdebstrap writes for a suite; it is stopped as soon as it has."""
    argv = ["mmdebstrap", "--mode=chrootless", "--variant=custom", "--format=directory"]
    argv += [f"--components={','.join(components)}", f"--architectures={architecture}"]
    argv += ["--skip=check/qemu,output/dev"]
    with TemporaryDirectory() as folder:
        told = Path(folder, "tree.list")
        hook = 'cat "$1/etc/apt/sources.list" > "$1.list"; exit 1'
        try:
            run([*argv, f"--setup-hook={hook}", suite, f"{folder}/tree"])
        except ProgramFailed:
            if not told.exists():
                raise
        lines = told.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line.startswith("deb "))
