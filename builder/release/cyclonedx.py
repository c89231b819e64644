"""Bill of materials in CycloneDX 1.6; see <https://cyclonedx.org/docs/1.6/json/>."""

from __future__ import annotations

import json

from builder.release.contents import Part
from builder.release.subject import Subject
from flasher import __version__


def write_cyclonedx(subject: Subject, parts: tuple[Part, ...]) -> str:
    """The document as JSON; the same input gives the same bytes."""
    told = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{subject.uuid('cyclonedx')}",
        "version": 1,
        "metadata": {
            "timestamp": subject.time,
            "tools": {
                "components": [{"type": "application", "name": "flasher", "version": __version__}]
            },
            "component": {
                "type": "operating-system",
                "bom-ref": subject.file,
                "name": subject.file,
                "description": subject.title,
                "hashes": [_sha256(subject.sha256)],
            },
        },
        "components": [_component(part) for part in parts],
        "dependencies": [{"ref": subject.file, "dependsOn": [part.purl for part in parts]}],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _component(part: Part) -> dict[str, object]:
    told: dict[str, object] = {
        "type": "library",
        "bom-ref": part.purl,
        "supplier": {"name": part.supplier},
        "name": part.name,
        "version": part.version,
        "purl": part.purl,
    }
    optional: dict[str, object] = {
        "description": part.description,
        "hashes": [_sha256(part.sha256)] if part.sha256 else [],
        "licenses": [{"license": {"id": part.license}}] if part.license else [],
        "externalReferences": [{"type": "website", "url": part.homepage}] if part.homepage else [],
    }
    properties = {
        "flasher:layer": part.layer,
        "flasher:architecture": part.architecture,
        "flasher:source": part.source,
    }
    return {
        **told,
        **{name: value for name, value in optional.items() if value},
        "properties": [
            {"name": name, "value": value} for name, value in properties.items() if value
        ],
    }


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}
