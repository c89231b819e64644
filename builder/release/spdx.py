"""Bill of materials in SPDX 2.3: the image contains its layers, a layer contains its packages.

Fields and their values: <https://spdx.github.io/spdx-spec/v2.3/>.
"""

from __future__ import annotations

import json
import re

from builder.release.contents import Part
from builder.release.subject import Subject
from flasher import __version__

_DOCUMENT = "SPDXRef-DOCUMENT"
_IMAGE = "SPDXRef-Image"
_UNKNOWN = "NOASSERTION"


def write_spdx(subject: Subject, parts: tuple[Part, ...]) -> str:
    """The document as JSON; the same input gives the same bytes."""
    layers = {part.layer: _id("Layer", part.layer) for part in parts}
    ids = {part: _id("Package", part.name, part.architecture) for part in parts}
    told = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": subject.file,
        "documentNamespace": f"urn:uuid:{subject.uuid('spdx')}",
        "creationInfo": {"created": subject.time, "creators": [f"Tool: flasher-{__version__}"]},
        "documentDescribes": [_IMAGE],
        "packages": [
            _image(subject),
            *(_layer(name, spdx_id) for name, spdx_id in layers.items()),
            *(_package(part, spdx_id) for part, spdx_id in ids.items()),
        ],
        "relationships": [
            _relation(_DOCUMENT, "DESCRIBES", _IMAGE),
            *(_relation(_IMAGE, "CONTAINS", spdx_id) for spdx_id in layers.values()),
            *(_relation(layers[part.layer], "CONTAINS", ids[part]) for part in parts),
        ],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _image(subject: Subject) -> dict[str, object]:
    return {
        **_plain(subject.file, _IMAGE, "OPERATING-SYSTEM"),
        "summary": subject.title,
        "packageFileName": subject.file,
        "checksums": [_sha256(subject.sha256)],
    }


def _layer(name: str, spdx_id: str) -> dict[str, object]:
    return {**_plain(name, spdx_id, "OTHER"), "comment": "A layer of the image."}


def _package(part: Part, spdx_id: str) -> dict[str, object]:
    told: dict[str, object] = {
        **_plain(part.name, spdx_id, "LIBRARY"),
        "versionInfo": part.version,
        "supplier": f"Organization: {part.supplier}",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": part.purl,
            }
        ],
    }
    optional: dict[str, object] = {
        "packageFileName": part.file,
        "sourceInfo": part.source and f"built from the source package {part.source}",
        "summary": part.description,
        "homepage": part.homepage,
        "checksums": [_sha256(part.sha256)] if part.sha256 else [],
        "licenseDeclared": part.license,
    }
    return {**told, **{name: value for name, value in optional.items() if value}}


def _plain(name: str, spdx_id: str, purpose: str) -> dict[str, object]:
    return {
        "name": name,
        "SPDXID": spdx_id,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _UNKNOWN,
        "copyrightText": _UNKNOWN,
        "primaryPackagePurpose": purpose,
    }


def _sha256(digest: str) -> dict[str, str]:
    return {"algorithm": "SHA256", "checksumValue": digest}


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _id(*words: str) -> str:
    """An SPDX identifier: letters, digits, dots and hyphens; ``+`` and ``_`` are written out."""
    plain = "-".join(words).replace("+", "-plus").replace("_", "-")
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", plain)
