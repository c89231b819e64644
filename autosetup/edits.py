"""What a payload that is not trusted, or that was edited by hand, may still change on a node.

What is taken over becomes a payload of its own: whole, with a manifest that fits it, and with the
next generation. So it is checked, kept, applied and taken back as every other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autosetup.card import digest_of
from autosetup.faults import Fault, Faulty
from autosetup.manifest import MANIFEST, SEAL, compare, write_manifest
from autosetup.manifest import record as record_of
from autosetup.node_file import NODE, read_node
from autosetup.payload import pack, unpack
from autosetup.record import Record
from autosetup.secrets_file import SECRETS, is_redacted, read_secrets
from autosetup.settings import Manifest, NodeSettings


def edits(manifest: Manifest, raw: Mapping[str, bytes]) -> tuple[Fault, ...]:
    """How the files differ from what their manifest says; secrets erased after use do not."""
    erased = SECRETS if is_redacted(raw.get(SECRETS, b"")) else ""
    return tuple(fault for fault in compare(manifest, raw) if fault.file != erased)


def whole(
    manifest: Manifest, raw: Mapping[str, bytes], kept: Mapping[str, bytes]
) -> dict[str, bytes]:
    """A payload as it is, with a manifest that fits.

    Args:
        manifest, raw: of the payload.
        kept: the node's copy of this card's payload, for secrets that the card has no more; may be
            empty.
    """
    files = {name: data for name, data in raw.items() if name not in (MANIFEST, *SEAL)}
    if is_redacted(files.get(SECRETS, b"")) and SECRETS in kept:
        files[SECRETS] = kept[SECRETS]
    records = {name: record_of(data) for name, data in sorted(files.items())}
    settings, faults = read_node(raw.get(NODE, b""), files)
    node = settings.name if settings and not faults else manifest.node
    return {MANIFEST: write_manifest(replace(manifest, node=node, files=records)), **files}


def networks(
    manifest: Manifest, raw: Mapping[str, bytes], kept: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The payload in force with the networks, country, locale and timezone of another one.

    Args:
        manifest, raw: of the other one; of its secrets only passphrases count, beside those that
            the node knows.
        kept: the node's copy of the payload in force.

    Raises:
        Faulty: something of it is wrong, or a passphrase is missing.
    """
    ours, theirs = unpack(kept), _settings(raw)
    settings = replace(
        ours.settings,
        country=theirs.country,
        wifi=theirs.wifi,
        wired=theirs.wired,
        locale=theirs.locale,
    )
    known = {**ours.secrets.wifi_passphrases, **_passphrases(raw)}
    joined = [wifi.ssid for wifi in theirs.wifi if wifi.security != "open"]
    phrases = {ssid: known[ssid] for ssid in joined if ssid in known}
    return pack(
        settings,
        replace(ours.secrets, wifi_passphrases=phrases),
        ours.files,
        generation=ours.manifest.generation,
        card_id=manifest.card_id,
        profile_digest=ours.manifest.profile_digest,
        site_digest=ours.manifest.site_digest,
        flashed_at=ours.manifest.flashed_at,
        image_digest=ours.manifest.image_digest,
    )


def numbered(manifest: Manifest, record: Record | None) -> Manifest:
    """The manifest with the generation that it has, if it was taken over already, or gets.

    Args:
        manifest: made by `whole` or `networks`.
        record: the agent's; None on a new node.
    """
    if record is None:
        return manifest
    for generation, digest in {(record.generation, record.digest), record.newest}:
        known = replace(manifest, generation=generation)
        if digest_of(write_manifest(known)) == digest:
            return known
    return replace(manifest, generation=max(manifest.generation, record.newest[0] + 1))


def _settings(raw: Mapping[str, bytes]) -> NodeSettings:
    settings, faults = read_node(raw.get(NODE, b""), raw)
    if faults or settings is None:
        raise Faulty(list(faults))
    return settings


def _passphrases(raw: Mapping[str, bytes]) -> Mapping[str, str]:
    written = raw.get(SECRETS, b"")
    if not written or is_redacted(written):
        return {}
    return read_secrets(written, None, by_hand=True).wifi_passphrases
