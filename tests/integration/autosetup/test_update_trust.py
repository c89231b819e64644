"""Who keeps a node from what is true, or shows it what is not, gets nowhere."""

from __future__ import annotations

import dataclasses
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import DelegatedRole, Delegations
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet

from autosetup.errors import AgentError
from autosetup.update.client import opened
from autosetup.update.look import looking
from autosetup.update.web import web_at
from tests.integration.autosetup.released import (
    GENERATION,
    LETTER,
    NEXT,
    PLAN,
    Card,
    asked,
    code_of,
    impatient,
    offered,
    payload,
    release,
)
from tests.integration.autosetup.releases import ROLE, SITE, Faults, Repository, Server, serving

LATER = NEXT + 100


def test_a_release_is_found(card: Card) -> None:
    with looking(card.ground, asked) as found:
        assert found.is_newer
        assert found.plan is not None
        assert found.plan.generation == NEXT
        assert found.payload() == payload()


def test_frozen_metadata_is_refused_and_what_follows_it_is_not(
    card: Card, repository: Repository
) -> None:
    repository.expires = datetime.now(UTC) - timedelta(minutes=1)
    repository.stamp()
    assert code_of(card) == "frozen"
    repository.expires = datetime.now(UTC) + timedelta(days=1)
    repository.stamp()
    assert offered(card) == NEXT


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", SITE, f"{SITE}.{ROLE}"])
def test_a_role_that_another_key_signed_counts_for_nothing(
    card: Card, repository: Repository, role: str
) -> None:
    assert offered(card) == NEXT
    own = repository.signers[role]
    release(repository, payload(LATER))
    repository.signers[role] = CryptoSigner.generate_ed25519()
    # Whoever delegates to it says nothing new, and still names the key that it had.
    repository.publish(role if role.startswith(SITE) else "targets")
    assert code_of(card) == "update-refused"
    repository.signers[role] = own
    repository.publish()
    assert offered(card) == LATER


class Twofold(Repository):
    """The role is delegated to by two: by the site with its key, by the top with another one."""

    def _delegations(self, role: str) -> Delegations | None:
        shared, right = f"{SITE}.{ROLE}", self.signers[f"{SITE}.{ROLE}"].public_key
        wrong = CryptoSigner.generate_ed25519().public_key
        told = {
            "targets": [(SITE, "a/*", self.signers[SITE].public_key), (shared, "b/*", wrong)],
            SITE: [(shared, "a/*", right)],
        }
        listed = {
            name: (key, DelegatedRole(name, [key.keyid], 1, terminating=True, paths=[path]))
            for name, path, key in told.get(role, [])
        }
        keys = {key.keyid: key for key, _ in listed.values()}
        return Delegations(keys, {name: role for name, (_, role) in listed.items()})


@pytest.mark.parametrize("is_old", [False, True])
def test_a_role_is_believed_for_each_that_delegates_to_it_by_its_own_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_old: bool
) -> None:
    if is_old:  # so Debian 13's python-tuf 5.1.0 has it
        has = TrustedMetadataSet.__contains__
        monkeypatch.setattr(TrustedMetadataSet, "contains", lambda known, role, _: has(known, role))
    repository = Twofold(tmp_path / "repository")
    root = repository.begin()
    repository.targets[f"{SITE}.{ROLE}"] = {"a/x": b"x", "b/x": b"x"}
    repository.publish()
    with (
        serving(repository.folder) as server,
        closing(web_at(f"{server.address}metadata")) as store,
        opened(tmp_path / "known", root, store, time.time()) as client,
    ):
        client.refresh()
        assert client.find("a/x")
        with pytest.raises(AgentError, match="cannot be trusted"):
            client.find("b/x")
        assert client.find("a/x")


def test_a_root_that_the_last_one_did_not_sign_is_refused(
    card: Card, repository: Repository
) -> None:
    repository.signers = {role: CryptoSigner.generate_ed25519() for role in repository.signers}
    repository.begin()
    repository.publish()
    assert code_of(card) == "update-refused"


def test_the_past_shown_again_is_refused(card: Card, repository: Repository) -> None:
    past = repository.copy_of()
    release(repository, payload(LATER))
    assert offered(card) == LATER
    for path, data in past.items():
        path.write_bytes(data)
    assert code_of(card) == "update-refused"


def test_files_of_two_releases_are_not_mixed(card: Card, repository: Repository) -> None:
    past = (repository.folder / f"metadata/1.{SITE}.{ROLE}.json").read_bytes()
    release(repository, payload(LATER))
    (repository.folder / f"metadata/2.{SITE}.{ROLE}.json").write_bytes(past)
    assert code_of(card) == "update-refused"


def test_a_version_without_end_is_got_over_with_new_keys(
    card: Card, repository: Repository
) -> None:
    """An attacker who had the online keys made versions so high that nothing could follow."""
    repository.versions["timestamp"] = repository.versions["snapshot"] = 2**31
    repository.publish()
    assert offered(card) == NEXT
    for role in ("timestamp", "snapshot"):
        repository.versions[role] = 10
        repository.signers[role] = CryptoSigner.generate_ed25519()
    repository.begin()
    release(repository, payload(LATER))
    assert offered(card) == LATER


@pytest.mark.parametrize("word", ["timestamp", "snapshot", "targets", "2.root", "rollout"])
def test_endless_data_ends(card: Card, repository: Repository, mirror: Server, word: str) -> None:
    (repository.folder / "metadata/2.root.json").write_bytes(b"{}")
    if word != "2.root":
        (repository.folder / "metadata/2.root.json").unlink()
    mirror.faults = Faults(word=word, endless=True)
    assert code_of(card) == "update-refused"
    assert sum(mirror.sent.values()) < 20 << 20
    mirror.faults = Faults()
    (repository.folder / "metadata/2.root.json").unlink(missing_ok=True)
    assert offered(card) == NEXT


@pytest.mark.parametrize(
    "faults",
    [Faults(drips=0.01), Faults(silent=True), Faults(murmurs=True), Faults(breaks_off=9)],
)
def test_a_source_that_holds_back_is_given_up(card: Card, mirror: Server, faults: Faults) -> None:
    mirror.faults = faults
    assert code_of(card, impatient) == "source-failed"
    mirror.faults = Faults()
    assert offered(card) == NEXT


@pytest.mark.parametrize(
    "spoiled", [b"", b"{}", b"[" * 16_000, b'{"signed": {"_type": "timestamp"}}', bytes(16_000)]
)
def test_spoiled_metadata_is_refused(card: Card, repository: Repository, spoiled: bytes) -> None:
    (repository.folder / "metadata/timestamp.json").write_bytes(spoiled)
    assert code_of(card) == "update-refused"


def test_a_letter_or_a_plan_in_anothers_place_is_refused(
    card: Card, repository: Repository
) -> None:
    letters = repository.targets[f"{SITE}.{ROLE}"]
    other = "f" * 32
    letters[LETTER.replace(card.card_id, other)] = letters[LETTER]
    repository.publish()
    card.card_id = other
    assert code_of(card) == "update-refused"


def test_a_role_speaks_of_its_own_cards_alone(card: Card, repository: Repository) -> None:
    """Its key may be stolen: it says nothing of the plan, and nothing of the agent."""
    role = repository.targets[f"{SITE}.{ROLE}"]
    role[PLAN] = b"{}"
    role["agent/autosetup_9_all.deb"] = b"evil"
    del repository.targets[SITE][PLAN]
    repository.publish()
    with looking(card.ground, asked) as found:
        assert found.plan is None
        assert found.agent is None


def test_metadata_that_was_lost_or_spoiled_on_the_card_is_fetched_again(card: Card) -> None:
    assert offered(card) == NEXT
    for path in (card.folder / "metadata").glob("*/*.json"):
        path.write_bytes(path.read_bytes()[:40])
    assert offered(card) == NEXT


def test_another_root_from_the_site_begins_anew(card: Card, tmp_path: Path) -> None:
    assert offered(card) == NEXT
    moved = Repository(tmp_path / "moved")
    moved.begin()
    release(moved, payload(LATER))
    with serving(moved.folder) as server:
        card.update = dataclasses.replace(card.update, source=server.address)
        assert code_of(card) == "update-refused"
        card.anchor = moved.root
        assert offered(card) == LATER


def test_what_was_withdrawn_is_not_offered(card: Card, repository: Repository) -> None:
    release(repository, payload(), withdrawn=(NEXT, GENERATION))
    with looking(card.ground, asked) as found:
        assert not found.is_newer
        assert found.takes_back
