"""Where the packages of a recipe come from, as they are read from its tables."""

from __future__ import annotations

from pathlib import Path

from autosetup.strict import Table, pattern
from builder.recipe.model import AptSource, ArchiveRecipe, PublicKey

_NAME = pattern(r"[a-z0-9][a-z0-9-]{0,39}", "lower-case letters, digits and hyphens")
_MIRROR = pattern(r"(?:https?|file)://?\S+", "an address: https://example.org/debian")
_PROXY = pattern(r"https?://\S+", "an address: http://proxy.example.org:3128")
_SUITE = pattern(r"[A-Za-z0-9./][\w./~+-]*", "the name of a suite: stable")
_COMPONENT = pattern(r"[a-z][\w./-]*", "the name of a component: main")

# The beginnings of OpenPGP packets that are public keys, old form and new: RFC 9580, section 4.2.
_BINARY_KEY = (b"\x98", b"\x99", b"\x9a", b"\xc6")
_ARMOURED_KEY = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"


def read_archive(table: Table, folder: Path, form: str) -> ArchiveRecipe:
    """The table ``[archive]``.

    Args:
        table: it may be empty.
        folder: where paths of keys start.
        form: what the recipe starts from: ``debian``, ``apt``, or another.
    """
    key = _key(table, "keyring", folder) if table.has("keyring") else None
    if form == "apt" and key is None:
        table.fault(
            "keyring",
            "An archive that is not Debian's must be known by its public key.",
            'Add it below [archive]: keyring = "archive.gpg", beside the recipe.',
        )
    archive = ArchiveRecipe(
        mirror=table.string("mirror", default="", form=_MIRROR),
        security=table.string("security", default="", form=_MIRROR),
        suites=table.strings("suites", default=(), form=_SUITE),
        components=table.strings("components", default=(), form=_COMPONENT)
        or (("main",) if key else ()),
        key=key,
        expired=table.boolean("expired", default=False),
        proxy=table.string("proxy", default="", form=_PROXY),
    )
    if form not in ("debian", "apt") and archive != ArchiveRecipe(proxy=archive.proxy):
        table.fault(
            "mirror",
            "The system that this recipe starts from brings its own sources of packages.",
            "Leave only the proxy in [archive]; name further sources with [[apt]].",
        )
    return archive


def read_sources(tables: list[Table], folder: Path, suite: str) -> tuple[AptSource, ...]:
    """The tables ``[[apt]]``.

    Args:
        tables: in their order.
        folder: where paths of keys start.
        suite: counts where a source names none; "" where it must.
    """
    found = tuple(_source(table, folder, suite) for table in tables)
    names = [source.name for source in found]
    for at, table in enumerate(tables):
        if names[at] in (*names[:at], "archive"):
            table.fault("name", f"The name {names[at]} is taken.", "Give each source its own.")
    return found


def _source(table: Table, folder: Path, suite: str) -> AptSource:
    suites = table.strings("suites", default=(suite,) if suite else None, form=_SUITE)
    flat = any(each.endswith("/") for each in suites)
    components = table.strings("components", default=(), form=_COMPONENT)
    if flat and components:
        table.fault("components", "A suite that is a path has no components.", "Delete the line.")
    has_priority = table.has("priority")
    return AptSource(
        name=table.string("name", form=_NAME),
        uri=table.string("uri", form=_MIRROR),
        suites=suites,
        components=components if components or flat else ("main",),
        key=_key(table, "key", folder),
        priority=table.integer("priority", low=-1, high=1000) if has_priority else None,
    )


def _key(table: Table, name: str, folder: Path) -> PublicKey:
    named = table.string(name)
    try:
        data = (folder / named).read_bytes() if named else b""
    except OSError as error:
        table.fault(name, f"{named} cannot be read: {error.strerror}.", "Name a file here.")
        return PublicKey(b"")
    if named and not data.startswith((_ARMOURED_KEY, *_BINARY_KEY)):
        table.fault(
            name,
            f"{named} is no public key that apt can read.",
            "Write it with gpg --export, with or without --armor.",
        )
    return PublicKey(data)
