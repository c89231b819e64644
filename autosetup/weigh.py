"""What an offer counts for on this node, by who signed it and by the image's policy.

The signature is checked over the manifest's exact bytes before anything but the manifest is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autosetup.card import digest_of
from autosetup.decide import decide
from autosetup.edits import edits, networks, numbered, whole
from autosetup.errors import AgentError
from autosetup.faults import Fault, Faulty
from autosetup.manifest import MANIFEST, read_manifest, write_manifest
from autosetup.offer import Offer
from autosetup.past_card import is_past
from autosetup.record import Record
from autosetup.run import Tools
from autosetup.settings import Manifest
from autosetup.site_key import SiteKey
from autosetup.system import replace_file
from autosetup.trust import (
    Signature,
    Standing,
    Trust,
    Trusted,
    judge,
    look,
    policy_of,
    trusted_by,
    untrusted,
)

_PINNED = "site.pub"
_TakeOver = Callable[[Manifest, Mapping[str, bytes], Mapping[str, bytes]], dict[str, bytes]]


def weigh(tools: Tools, offer: Offer, record: Record | None, *, to_apply: bool = False) -> Offer:
    """The offer with its standing; under some policies, what of it may be taken over.

    Nothing is checked that would not be applied: later boots of a node that is done stay cheap.

    Args:
        tools: of this node.
        offer: as the card has it.
        record: the agent's; None on a new node.
        to_apply: whether it is to be applied, whatever a boot would do with it.
    """
    if offer.manifest is None:
        return offer
    is_new = to_apply or decide(record, offer.manifest, offer.digest) == "apply"
    try:
        if policy_of(tools.system) != "refuse" or is_new:
            case = _Case(tools, offer, offer.manifest, record)
            if not is_new and is_past(tools.journal.folder, offer.raw):
                return offer
            return case.weighed() if is_new or case.is_same_card else offer
    except (AgentError, Faulty) as error:
        if not is_new:
            tools.outlets.log(f"The edit on the card is not taken over: {error}")
        return replace(offer, standing=Standing(objection=error))
    return offer


def pin(folder: Path, key: SiteKey) -> None:
    """Keep the key of the payload that is accepted in the agent's own folder, durably.

    It counts where the image has none: of the first signed payload, or of one that was trusted
    while it had.
    """
    line = f"{key.line}\n".encode()
    if _read(folder / _PINNED) != line:
        replace_file(folder / _PINNED, line)


@dataclass(frozen=True, slots=True)
class _Case:
    """An offer on a node; `manifest` is the offer's."""

    tools: Tools
    offer: Offer
    manifest: Manifest
    record: Record | None

    @property
    def is_same_card(self) -> bool:
        """Whether the payload in force is this card's, perhaps as it was edited before."""
        return self.record is not None and self.record.status.card_id == self.manifest.card_id

    @property
    def _is_newer(self) -> bool:
        """Whether it is a generation that the node never had: a release for the same card."""
        return self.record is None or self.manifest.generation > self.record.newest[0]

    def weighed(self) -> Offer:
        """The offer with its standing, as it may be applied; raises its objections."""
        found = edits(self.manifest, self.offer.raw)
        if self._is_in_force() and not found:
            return replace(self.offer, standing=self._known_standing())
        trusted = trusted_by(self.tools.system, _read(self.tools.journal.folder / _PINNED))
        signature = self._signature(trusted)
        trust = self._judged(signature, trusted, edited=bool(found))
        if trust is None:
            raise untrusted(signature, trusted)
        key = signature.key
        pins = key if key and (not trusted.keys or key in trusted.keys) else None
        standing = Standing(trust, str(key) if key else "", pins)
        if trust in ("network-only", "allow"):
            return self._taken_over(standing, signature, found)
        return replace(self.offer, standing=standing)

    def _is_in_force(self) -> bool:
        return self.record is not None and self.record.digest == self.offer.digest

    def _known_standing(self) -> Standing:
        """What is in force was trusted when it was accepted, whoever is trusted now."""
        status = self.record.status if self.record else None
        return Standing(status.trust, status.signer) if status else Standing()

    def _signature(self, trusted: Trusted) -> Signature:
        try:
            return look(self.offer.raw, trusted.keys)
        except AgentError as error:
            if trusted.keys:
                raise
            self.tools.outlets.log(str(error))
            return Signature("unchecked")

    def _judged(self, signature: Signature, trusted: Trusted, *, edited: bool) -> Trust | None:
        policy = policy_of(self.tools.system)
        undone = self.is_same_card and not self._is_in_force() and not self._is_newer
        if policy == "network-only" and not self._kept():
            policy = "refuse"  # nothing to take the rest from
        return judge(signature, trusted, policy, edited=edited or undone)

    def _kept(self) -> dict[str, bytes]:
        return self.tools.journal.payload(self.record.generation) if self.record else {}

    def _taken_over(
        self, standing: Standing, signature: Signature, found: tuple[Fault, ...]
    ) -> Offer:
        """A payload of its own, with the next generation; or the one that is in force by now."""
        is_whole = standing.trust == "allow"
        if is_whole and not found and not self.is_same_card:
            return replace(self.offer, standing=standing)
        take: _TakeOver = whole if is_whole else networks
        kept = self._kept() if self.is_same_card or not is_whole else {}
        raw = take(self.manifest, self.offer.raw, kept)
        manifest = numbered(read_manifest(raw[MANIFEST]), self.record)
        raw[MANIFEST] = write_manifest(manifest)
        offer = Offer(raw, manifest, digest_of(raw[MANIFEST]), standing)
        if decide(self.record, manifest, offer.digest) == "apply":
            self._tell(standing, signature, found)
        return offer

    def _tell(self, standing: Standing, signature: Signature, found: tuple[Fault, ...]) -> None:
        log = self.tools.outlets.log
        log(f"The policy {standing.trust} lets in what the card has; {signature}.")
        for fault in found:
            log(f"Taken over, as far as it lets in: {fault.file}: {fault.what}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
