"""A release before it is published: its files as they will lie in the repository, and what is told.

``draft/draft.json`` comes last when one is made, and goes first when it is thrown away; ``files``
has letters, plan, blobs and packages by their path in the repository, ``signed`` the metadata.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tuf.api.metadata import Metadata, Targets
from tuf.api.serialization import DeserializationError

from autosetup.faults import Faulty
from autosetup.rollout_plan import RolloutPlan, read_plan
from flasher import paths
from flasher.errors import BadInput
from flasher.files import write_atomic
from flasher.fleet.release import names
from flasher.fleet.release.signing import Signed
from flasher.fleet.release.store import Source, sha256_of
from flasher.rig.assignments import Assignment

_RECORD, _FILES, _SIGNED, _SIGNING = "draft.json", "files", "signed", "signing"
_ANEW = "Make it anew: flasher release new"
_MAKE = "Make one: flasher release new"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be released.

    Attributes:
        scanner, site: as they were named, to load them again.
        site_name: the site's own name.
        generation: the new one.
        plan: sha256 of the rollout plan.
        letters: sha256 of each letter by target path.
        agents: sha256 of the agent's package by target path; at most one.
        standing: ids of the cards of the site that are in use: letters of others go.
        cards: what each card is by this release.
        changes, left_out: lines for people.
        upon: digest of the plan that was in force when it was made; empty where none was.
    """

    scanner: str
    site: str
    site_name: str
    generation: int
    plan: str
    letters: Mapping[str, str]
    agents: Mapping[str, str]
    standing: tuple[str, ...]
    cards: tuple[Assignment, ...]
    changes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    upon: str = ""


class DraftFolder:
    """Where the draft of a repository lies; there is one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self) -> None:
        """Throw away what is there, and make room for a new one."""
        self.discard()
        paths.make_folder(self.folder / _FILES)

    def add(self, target: str, source: Source) -> str:
        """Keep the bytes of a target.

        Args:
            target: its path, as metadata has it.
            source: the bytes, or the file that has them.

        Returns:
            their SHA-256 (hex).
        """
        digest = sha256_of(source)
        self.put(names.stored(target, digest), source)
        return digest

    def put(self, path: str, source: Source) -> None:
        """Keep a file; `path` is where it will lie in the repository."""
        place = self.folder / _FILES / path
        paths.make_folder(place.parent)
        place.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
        paths.hand_over(place)

    def finish(self, draft: Draft) -> None:
        """Say what it is; from now on it can be signed."""
        self._write(_RECORD, json.dumps(asdict(draft), indent=1))

    def is_there(self) -> bool:
        """Whether a release is being prepared."""
        return (self.folder / _RECORD).exists()

    def load(self) -> Draft:
        """The draft that lies here.

        Raises:
            BadInput: ``no-draft``; ``draft-damaged``.
        """
        path = self.folder / _RECORD
        if not self.is_there():
            raise BadInput("no-draft", "No release is being prepared.", _MAKE)
        try:
            told = json.loads(path.read_bytes())
            told["cards"] = tuple(Assignment(**card) for card in told["cards"])
            for name in ("standing", "changes", "left_out"):
                told[name] = tuple(told[name])
            return Draft(**told)
        except (ValueError, KeyError, TypeError):
            raise BadInput("draft-damaged", f"{path} cannot be read.", _ANEW) from None

    def files(self, draft: Draft) -> dict[str, Source]:
        """Everything that was put here: files by their path in the repository.

        Raises:
            BadInput: ``draft-damaged``: a file is not as it was when the draft was made.
        """
        root = self.folder / _FILES
        found = {
            path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()
        }
        targets = {**draft.letters, **draft.agents, names.plan_target(draft.site_name): draft.plan}
        missing = {names.stored(t, digest) for t, digest in targets.items()} - found.keys()
        torn = {path for path in found if sha256_of(found[path]) != names.digest_in(path)}
        if bad := sorted(missing | torn):
            raise _damaged(root / bad[0])
        return dict(sorted(found.items()))

    def letter_files(self, draft: Draft) -> dict[str, Path]:
        """The letters by target path."""
        root = self.folder / _FILES
        return {t: root / names.stored(t, digest) for t, digest in draft.letters.items()}

    def agent_files(self, draft: Draft) -> dict[str, Source]:
        """The agent's package by target path."""
        root = self.folder / _FILES
        return {t: root / names.stored(t, digest) for t, digest in draft.agents.items()}

    def plan(self, draft: Draft) -> RolloutPlan:
        """How it is to be rolled out; raises `BadInput` ``draft-damaged``."""
        path = self._plan_file(draft)
        try:
            raw = path.read_bytes()
            plan = read_plan(raw) if sha256_of(raw) == draft.plan else None
        except (OSError, Faulty):
            plan = None
        if plan is None:
            raise _damaged(path)
        return plan

    def replace_plan(self, draft: Draft, raw: bytes) -> Draft:
        """Give it another plan; what was signed for the one before counts no more.

        Returns:
            the draft as it is now.
        """
        shutil.rmtree(self.folder / _SIGNED, ignore_errors=True)
        after = replace(draft, plan=self.add(names.plan_target(draft.site_name), raw))
        self.finish(after)
        if after != draft:
            self._plan_file(draft).unlink(missing_ok=True)
        return after

    def _plan_file(self, draft: Draft) -> Path:
        path = names.stored(names.plan_target(draft.site_name), draft.plan)
        return self.folder / _FILES / path

    def keep_signed(self, made: Signed) -> None:
        """Keep its metadata, in place of what was signed before: all of it, or none."""
        for name in (_SIGNED, _SIGNING):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for role, data in made.items():
            self._write(f"{_SIGNING}/{role}.json", data.to_bytes())
        (self.folder / _SIGNING).rename(self.folder / _SIGNED)

    def signed(self) -> Signed:
        """Its metadata by role.

        Raises:
            BadInput: ``not-signed``; ``draft-damaged``.
        """
        found = sorted((self.folder / _SIGNED).glob("*.json"))
        if not found:
            what = "The release that is being prepared is not signed."
            raise BadInput("not-signed", what, "Sign it: flasher release sign")
        try:
            return {path.stem: Metadata[Targets].from_bytes(path.read_bytes()) for path in found}
        except DeserializationError as error:
            raise BadInput("draft-damaged", f"{error}.", "Sign it again.") from None

    def discard(self) -> None:
        """Throw it away."""
        (self.folder / _RECORD).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, content: str | bytes) -> None:
        paths.make_folder((self.folder / name).parent)
        write_atomic(self.folder / name, content)
        paths.hand_over(self.folder / name)


def _damaged(path: Path) -> BadInput:
    return BadInput("draft-damaged", f"{path} is not as it was made.", _ANEW)
