"""The tables of trust: whom a node knows, what a card brings, what the policy makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autosetup.card import digest_of
from autosetup.decide import decide
from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.journal import Journal
from autosetup.manifest import MANIFEST, SIGNATURE, read_manifest, write_manifest
from autosetup.offer import Offer
from autosetup.outlets import Outlets
from autosetup.payload import unpack
from autosetup.record import Fallen, Record
from autosetup.run import Tools
from autosetup.secrets_file import SECRETS, redacted
from autosetup.settings import Wifi
from autosetup.status import Status
from autosetup.system import System
from autosetup.trust import POLICY, TRUSTED
from autosetup.weigh import pin, weigh
from tests.unit.autosetup.sample_payloads import (
    GENERATION,
    OTHER_KEY,
    SETTINGS,
    SITE_SIGNER,
    packed,
    sealed,
    site_key,
)
from tests.unit.autosetup.sample_payloads import SECRETS as SAMPLE_SECRETS

Raw = dict[str, bytes]
NEWER = GENERATION + 100


class Bench:
    """A node in a folder; nothing of it runs."""

    def __init__(self, folder: Path, knows: str, policy: str | None, raw: Raw | None) -> None:
        self.said: list[str] = []
        outlets = Outlets(None, sink=self.said.append)
        self.tools = Tools(System(folder), Journal(folder / "state"), outlets, lambda: None)
        self.record: Record | None = None
        if raw is not None:
            self.accept(Offer(raw, read_manifest(raw[MANIFEST]), digest_of(raw[MANIFEST])))
        if knows == "pinned":
            (folder / "state").mkdir(exist_ok=True)
            pin(folder / "state", site_key(SITE_SIGNER))
        if knows == "baked":
            self.write(f"{TRUSTED}/studio.pub", site_key(SITE_SIGNER, "studio").line)
        if policy:
            self.write(POLICY, policy)

    def write(self, path: str, text: str) -> None:
        place = self.tools.system.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{text}\n")

    def accept(self, offer: Offer, state: str = "done") -> None:
        """As the agent would, to the end."""
        assert offer.manifest
        manifest = offer.manifest
        self.tools.journal.keep(manifest.generation, dict(offer.raw))
        standing = offer.standing
        status = Status(
            "done" if state == "done" else "failed",
            manifest.node,
            manifest.generation,
            manifest.card_id,
            trust=standing.trust if standing else None,
        )
        self.record = Record(offer.digest, status)

    def weigh(self, raw: Raw) -> Offer:
        offer = Offer(raw, read_manifest(raw[MANIFEST]), digest_of(raw[MANIFEST]))
        return weigh(self.tools, offer, self.record)

    def action(self, offer: Offer) -> str:
        return decide(self.record, offer.manifest, offer.digest)


def of_next_card(raw: Raw) -> Raw:
    """A payload as it would be on another card, planned later."""
    manifest = replace(read_manifest(raw[MANIFEST]), card_id="f" * 32, generation=NEWER)
    return {**raw, MANIFEST: write_manifest(manifest)}


NETWORKS = (Wifi("65;66;"), Wifi("guest", "open"))
NEXT = of_next_card(
    packed(
        replace(SETTINGS, name="cam-7777", domain="other.example", wifi=NETWORKS),
        replace(SAMPLE_SECRETS, wifi_passphrases={"65;66;": "another passphrase"}),
    )
)


def edited(raw: Raw) -> Raw:
    """The same by hand: no manifest was written anew."""
    node = raw["node.toml"].replace(b'timezone = "Europe/Berlin"', b'timezone = "Asia/Tokyo"')
    node = node.replace(b'name = "cam-7777"', b'name = "evil"')
    assert node != raw["node.toml"]
    return {**raw, "node.toml": node}


def wrong(raw: Raw) -> Raw:
    return {**raw, SIGNATURE: bytes(64)}


OFFERS = {
    "signed": sealed(NEXT),
    "other": sealed(NEXT, OTHER_KEY),
    "unsigned": NEXT,
    "wrong": wrong(sealed(NEXT)),
    "edited": edited(sealed(NEXT)),
}
# For a node that is done, by whom it knows and by policy; what the card brings is one column each.
ROWS = """
knows   policy        signed   other         unsigned      wrong         edited
none    refuse        pinned   pinned        unsigned      untrusted     faulty
none    network-only  pinned   pinned        unsigned      network-only  network-only
none    allow         pinned   pinned        unsigned      allow         allow
pinned  refuse        pinned   untrusted     untrusted     untrusted     faulty
pinned  network-only  pinned   network-only  network-only  network-only  network-only
pinned  allow         pinned   allow         allow         allow         allow
baked   refuse        baked    untrusted     untrusted     untrusted     faulty
baked   network-only  baked    network-only  network-only  network-only  network-only
baked   allow         baked    allow         allow         allow         allow
"""
# On a new node there is nothing yet that networks could be put into.
NEW_ROWS = """
knows   policy        signed   other         unsigned      wrong         edited
none    refuse        pinned   pinned        unsigned      untrusted     faulty
none    network-only  pinned   pinned        unsigned      untrusted     faulty
none    allow         pinned   pinned        unsigned      allow         allow
baked   refuse        baked    untrusted     untrusted     untrusted     faulty
baked   network-only  baked    untrusted     untrusted     untrusted     faulty
baked   allow         baked    allow         allow         allow         allow
"""


def cases(rows: str) -> list[tuple[str, str, str, str]]:
    head, *lines = (line.split() for line in rows.strip().splitlines())
    return [
        (knows, policy, kind, verdict)
        for knows, policy, *verdicts in lines
        for kind, verdict in zip(head[2:], verdicts, strict=True)
    ]


def what_became(offer: Offer) -> str:
    """The verdict on an offer, as the tables have it."""
    standing = offer.standing
    assert standing
    if isinstance(standing.objection, AgentError):
        assert standing.objection.code == "untrusted"
        return "untrusted"
    assert standing.objection is None
    try:
        unpack(offer.raw)
    except Faulty:
        return "faulty"
    return str(standing.trust)


@pytest.mark.parametrize(("knows", "policy", "kind", "verdict"), cases(ROWS))
def test_what_becomes_of_a_newer_payload(
    tmp_path: Path, knows: str, policy: str, kind: str, verdict: str
) -> None:
    bench = Bench(tmp_path, knows, policy, packed())
    offer = bench.weigh(OFFERS[kind])
    assert what_became(offer) == verdict
    assert bench.action(offer) == "apply"
    standing = offer.standing
    assert standing
    pinned = kind in ("signed", "edited") or (knows == "none" and kind == "other")
    assert (standing.pins is not None) == (pinned and standing.objection is None)
    if verdict in ("network-only", "faulty", "untrusted"):
        return
    settings = unpack(offer.raw).settings
    assert settings.name == ("evil" if kind == "edited" else "cam-7777")


@pytest.mark.parametrize(("knows", "policy", "kind", "verdict"), cases(NEW_ROWS))
def test_what_becomes_of_the_first_payload(
    tmp_path: Path, knows: str, policy: str, kind: str, verdict: str
) -> None:
    bench = Bench(tmp_path, knows, policy, None)
    offer = bench.weigh(OFFERS[kind])
    assert what_became(offer) == verdict
    assert bench.action(offer) == "apply"


@pytest.mark.parametrize("kind", ["other", "unsigned", "wrong", "edited"])
def test_networks_only_are_networks_country_locale_and_timezone_and_nothing_else(
    tmp_path: Path, kind: str
) -> None:
    bench = Bench(tmp_path, "baked", "network-only", packed())
    before, after = unpack(packed()), unpack(bench.weigh(OFFERS[kind]).raw)
    theirs = unpack(NEXT).settings
    zone = "Asia/Tokyo" if kind == "edited" else "Europe/Berlin"
    assert after.settings == replace(
        before.settings,
        wifi=theirs.wifi,
        wired=theirs.wired,
        country=theirs.country,
        locale=replace(theirs.locale, timezone=zone),
    )
    assert after.files == before.files
    assert after.secrets == replace(
        before.secrets, wifi_passphrases={"65;66;": "another passphrase"}
    )
    # Whoever is not trusted cannot keep later payloads of the site off by a high number.
    assert after.manifest.generation == GENERATION + 1


@pytest.mark.parametrize("policy", ["network-only", "allow"])
@pytest.mark.parametrize("kind", ["other", "unsigned", "wrong", "edited"])
def test_what_was_taken_over_is_done_once_though_the_card_keeps_saying_it(
    tmp_path: Path, kind: str, policy: str
) -> None:
    bench = Bench(tmp_path, "baked", policy, packed())
    raw = OFFERS[kind]
    first = bench.weigh(raw)
    assert bench.action(first) == "apply"
    bench.accept(first)
    said = len(bench.said)
    for secrets in (raw[SECRETS], redacted(len(raw[SECRETS]))):
        again = bench.weigh({**raw, SECRETS: secrets})
        assert (bench.action(again), again.digest) == ("nothing", first.digest)
    assert len(bench.said) == said


def in_place(old: bytes, new: bytes, raw: Raw | None = None) -> Raw:
    """A done node's card, edited by hand: its secrets are erased."""
    raw = raw or sealed(packed())
    node = raw["node.toml"].replace(old, new)
    return {**raw, "node.toml": node, SECRETS: redacted(len(raw[SECRETS]))}


@pytest.mark.parametrize("policy", ["network-only", "allow"])
def test_an_edit_on_the_card_of_a_node_that_is_done_counts_and_can_be_undone(
    tmp_path: Path, policy: str
) -> None:
    bench = Bench(tmp_path, "baked", policy, sealed(packed()))
    done = in_place(b"", b"")
    assert bench.action(bench.weigh(done)) == "nothing"
    offer = bench.weigh(in_place(b"Europe/Berlin", b"Asia/Tokyo"))
    assert bench.action(offer) == "apply"
    assert unpack(offer.raw).settings.locale.timezone == "Asia/Tokyo"
    assert unpack(offer.raw).secrets == unpack(packed()).secrets
    bench.accept(offer)
    undone = bench.weigh(done)
    assert bench.action(undone) == "apply"
    assert unpack(undone.raw).settings == SETTINGS
    bench.accept(undone)
    assert bench.action(bench.weigh(done)) == "nothing"
    assert unpack(undone.raw).manifest.generation == GENERATION + 2


def test_an_edit_under_refuse_is_not_looked_at_once_the_node_is_done(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "baked", None, sealed(packed()))
    offer = bench.weigh(in_place(b"Europe/Berlin", b"Asia/Tokyo"))
    assert (offer.standing, bench.action(offer)) == (None, "nothing")


def test_a_new_passphrase_is_written_by_hand_without_a_nonce(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "baked", "network-only", sealed(packed()))
    raw = in_place(b"", b"")
    raw[SECRETS] = b'\xef\xbb\xbf[wifi_passphrases]\r\n"65;66;" = "new passphrase"\r\n'
    offer = bench.weigh(raw)
    assert bench.action(offer) == "apply"
    assert unpack(offer.raw).secrets == replace(
        SAMPLE_SECRETS,
        wifi_passphrases={**SAMPLE_SECRETS.wifi_passphrases, "65;66;": "new passphrase"},
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'ssid = "65;66;"', b'ssid = "New"', "The passphrase of the network 'New' is missing"),
        (b'country = "DE"', b'country = "XX"', "node.toml:"),
        (b'country = "DE"', "country = “DE”".encode(), "curly quotes"),
    ],
)
def test_an_edit_that_cannot_be_taken_over_is_told_and_leaves_the_node_alone(
    tmp_path: Path, old: bytes, new: bytes, said: str
) -> None:
    bench = Bench(tmp_path, "baked", "network-only", sealed(packed()))
    offer = bench.weigh(in_place(old, new))
    assert bench.action(offer) == "nothing"
    assert said in bench.said[-1]


@pytest.mark.parametrize("policy", ["network-only", "allow"])
def test_what_was_taken_over_and_fell_is_not_taken_over_again(tmp_path: Path, policy: str) -> None:
    bench = Bench(tmp_path, "baked", policy, sealed(packed()))
    assert bench.record
    offer = bench.weigh(in_place(b"Europe/Berlin", b"Asia/Tokyo"))
    assert offer.manifest
    fallen = Fallen(offer.manifest.generation, offer.digest, "network", "no-network", "x", "y")
    status = replace(bench.record.status, state="rolled-back")
    bench.record = replace(bench.record, status=status, fallen=fallen)
    assert bench.action(bench.weigh(in_place(b"Europe/Berlin", b"Asia/Tokyo"))) == "nothing"
    other = bench.weigh(in_place(b"Europe/Berlin", b"Asia/Seoul"))
    assert bench.action(other) == "apply"
    assert unpack(other.raw).manifest.generation == GENERATION + 2


@pytest.mark.parametrize("policy", ["refuse", "network-only", "allow"])
def test_an_older_payload_is_ignored_whoever_signed_it(tmp_path: Path, policy: str) -> None:
    bench = Bench(tmp_path, "baked", policy, sealed(NEXT))
    for raw in (sealed(), sealed(packed(), OTHER_KEY), packed(), edited(sealed())):
        assert bench.action(bench.weigh(raw)) == "ignore"


def test_what_is_in_force_stays_trusted_when_the_keys_change(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "baked", None, None)
    offer = bench.weigh(sealed())
    bench.accept(offer, state="failed")
    bench.write(f"{TRUSTED}/studio.pub", site_key(OTHER_KEY).line)
    again = bench.weigh(sealed())
    assert bench.action(again) == "apply"
    assert again.standing
    assert (again.standing.trust, again.standing.objection) == ("baked", None)


@pytest.mark.parametrize("policy", ["network-only", "allow"])
def test_a_passphrase_mended_by_hand_is_tried_on_a_node_that_failed(
    tmp_path: Path, policy: str
) -> None:
    bench = Bench(tmp_path, "baked", policy, None)
    offer = bench.weigh(sealed())
    bench.accept(offer, state="failed")
    mended = sealed()
    mended[SECRETS] = mended[SECRETS].replace(b"correct horse", b"another one")
    again = bench.weigh(mended)
    assert bench.action(again) == "apply"
    assert unpack(again.raw).secrets.wifi_passphrases["65;66;"] == "another one"
    assert unpack(again.raw).settings == SETTINGS
    bench.accept(again)
    assert bench.action(bench.weigh(mended)) == "nothing"


def test_who_is_not_trusted_and_who_would_be_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "baked", None, sealed(packed()))
    standing = bench.weigh(OFFERS["other"]).standing
    theirs, ours = site_key(OTHER_KEY, "studio"), site_key(SITE_SIGNER, "studio")
    assert standing
    assert isinstance(standing.objection, AgentError)
    assert standing.objection.reason == (
        f"The payload is not trusted: signed by {theirs}; this node trusts {ours}."
    )


def test_a_spoiled_key_or_policy_of_the_image_trusts_nobody(tmp_path: Path) -> None:
    for name, path in (("key", f"{TRUSTED}/x.pub"), ("policy", POLICY)):
        bench = Bench(tmp_path / name, "pinned", None, packed())
        bench.write(path, "nonsense")
        standing = bench.weigh(OFFERS["signed"]).standing
        assert standing
        assert isinstance(standing.objection, Faulty)
        assert path in str(standing.objection)


def test_the_key_that_is_pinned_is_that_of_the_first_signed_payload(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "none", None, packed())
    first = bench.weigh(OFFERS["other"]).standing
    assert first
    assert first.pins == site_key(OTHER_KEY)
    pin(tmp_path / "state", first.pins)
    assert what_became(bench.weigh(OFFERS["signed"])) == "untrusted"
    assert what_became(bench.weigh(OFFERS["other"])) == "pinned"
