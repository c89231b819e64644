"""The plan of a site's rollout as its repository has it, believed for the site's own signature.

Nodes check the whole chain from the root; who gives turns needs only to know that the site wants it
so. A plan that is older than one that was seen is not taken, also by the next server: nodes know of
newer ones only what they have fetched themselves, and go by the server's word meanwhile.
"""

from __future__ import annotations

import json
from contextlib import suppress

from autosetup.faults import Faulty
from autosetup.rollout_plan import FILE, RolloutPlan, read_plan
from autosetup.site_key import SiteKey
from flasher.fleet.server.flight import LONGEST_METADATA
from flasher.fleet.server.shelf import Away, Shelf, Torn

_CHUNK = 1 << 20
# What JSON of another form than was expected comes to.
_ODD = (ValueError, KeyError, TypeError, AttributeError)


class PlanReader:
    """Follows the plan of one site.

    Args:
        shelf: the repository.
        site: its name.
        key: what its plan must be signed with.
        seen: version of the newest plan that was ever followed; 0 for none.

    Attributes:
        plan: the one that is in force; None while none is known.
        is_behind: the repository shows older ones than `seen`.
    """

    def __init__(self, shelf: Shelf, site: str, key: SiteKey, seen: int = 0) -> None:
        self._shelf, self._site, self._key = shelf, site, key
        self._timestamp = b""
        self.seen = seen
        self.is_behind = False
        self.plan: RolloutPlan | None = None

    async def look(self) -> RolloutPlan | None:
        """The plan as it is now; the last one that was right where the repository cannot be read.

        None where the site has none.
        """
        with suppress(Away, Torn, Faulty, OSError, RecursionError, *_ODD):
            timestamp = await self._read("metadata/timestamp.json")
            if timestamp is not None and timestamp != self._timestamp:
                await self._follow(timestamp)
                self._timestamp = timestamp
        return self.plan

    async def _follow(self, timestamp: bytes) -> None:
        from tuf.api.exceptions import RepositoryError
        from tuf.api.metadata import Metadata, Targets
        from tuf.api.serialization import DeserializationError

        number = json.loads(timestamp)["signed"]["meta"]["snapshot.json"]["version"]
        snapshot = await self._must_read(f"metadata/{number:d}.snapshot.json")
        listed = json.loads(snapshot)["signed"]["meta"].get(f"{self._site}.json")
        if listed is None:
            return
        self.is_behind = listed["version"] < self.seen
        if not self._is_news(listed["version"]):
            return
        raw = await self._must_read(f"metadata/{listed['version']:d}.{self._site}.json")
        try:
            metadata = Metadata[Targets].from_bytes(raw)
            if not self._is_signed(metadata.signed_bytes, metadata.signatures):
                return
            if not self._is_news(metadata.signed.version):
                return  # nobody signed what lists it under another number
            file = metadata.signed.targets[f"{self._site}/{FILE}"]
            digest = file.hashes["sha256"]
            found = await self._must_read(f"targets/{self._site}/{digest}.{FILE}")
            file.verify_length_and_hashes(found)
        except (RepositoryError, DeserializationError):
            return
        plan = read_plan(found)
        if plan.site == self._site:
            self.plan, self.seen = plan, metadata.signed.version

    def _is_news(self, version: int) -> bool:
        return version > self.seen or (version == self.seen and self.plan is None)

    def _is_signed(self, signed: bytes, signatures: object) -> bool:
        assert isinstance(signatures, dict)
        return any(
            self._key.has_signed(signed, bytes.fromhex(each.signature))
            for each in signatures.values()
        )

    async def _must_read(self, name: str) -> bytes:
        found = await self._read(name)
        if found is None:
            raise Away
        return found

    async def _read(self, name: str) -> bytes | None:
        served = await self._shelf.open(name)
        if served is None:
            return None
        try:
            if served.size > LONGEST_METADATA:
                raise Torn
            found = b""
            while len(found) < served.size:
                found += await served.read(len(found), _CHUNK)
            return found
        finally:
            served.close()
