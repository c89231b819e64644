"""Images of containers: what ``docker save`` and OCI tools write, as one archive.

``manifest.json`` is Docker's own list of layers; ``index.json`` is that of the OCI image layout
specification. Standard library only.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from builder.sources.node import Entry
from builder.sources.tarred import read_changes, read_tree
from flasher.errors import BadInput


def open_layers(archive: tarfile.TarFile, architecture: str) -> list[IO[bytes]]:
    """The layers of an archive with one image, lowest first; each an archive, as it was packed.

    Args:
        archive: of the whole image.
        architecture: Debian's name of the one wanted, where there are several.

    Raises:
        BadInput: ``not-a-container``, or ``several-containers``.
    """
    return [_member(archive, name) for name in list_layers(archive, architecture)]


def read_layers(layers: Iterable[IO[bytes]]) -> Iterator[Entry]:
    """The entries of layers, lowest first.

    Args:
        layers: each can be read twice.
    """
    for layer in layers:
        removals, names = read_changes(read_tree(layer))
        yield from removals
        layer.seek(0)
        yield from (node for node in read_tree(layer) if node.path not in names)


def list_layers(archive: tarfile.TarFile, architecture: str) -> tuple[str, ...]:
    """Names of the layers in an archive, lowest first."""
    names = {name.removeprefix("./") for name in archive.getnames()}
    if "manifest.json" in names:
        images = _json(archive, "manifest.json")
        return tuple(_only(images)["Layers"])
    if "index.json" not in names:
        what = "The archive holds neither manifest.json nor index.json."
        hint = "Make it with `docker save` or `skopeo copy … oci-archive:FILE`."
        raise BadInput("not-a-container", what, hint)
    told = _json(archive, "index.json")
    while "layers" not in told:
        told = _json(archive, _blob(_choose(told["manifests"], architecture)))
    return tuple(_blob(layer) for layer in told["layers"])


# OCI names architectures as Go does: <https://go.dev/doc/install/source#environment>.
_GO_NAMES = {"armhf": "arm", "i386": "386"}


def _choose(manifests: list[dict[str, Any]], architecture: str) -> dict[str, Any]:
    wanted = _GO_NAMES.get(architecture, architecture)
    fitting = [each for each in manifests if each.get("platform", {}).get("architecture") == wanted]
    return _only(fitting or manifests)


def _only(images: list[dict[str, Any]]) -> dict[str, Any]:
    if len(images) != 1:
        what = f"The archive holds {len(images)} images, one is needed."
        raise BadInput("several-containers", what, "Save one image only.")
    return images[0]


def _blob(descriptor: dict[str, Any]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/', 1)}"


def _json(archive: tarfile.TarFile, name: str) -> Any:
    with _member(archive, name) as stream:
        return json.load(stream)


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    for spelled in (name, f"./{name}"):
        try:
            member = archive.getmember(spelled)
        except KeyError:
            continue
        while member.issym():  # docker save links layers that several images share
            folder = member.name.rpartition("/")[0]
            member = archive.getmember(_join(folder, member.linkname))
        stream = archive.extractfile(member)
        if stream:
            return stream
    raise BadInput("not-a-container", f"The archive lacks {name}.", "Save the image again.")


def _join(folder: str, link: str) -> str:
    parts = folder.split("/") if folder else []
    for part in link.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
