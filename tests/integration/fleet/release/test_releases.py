"""Releases as nodes get them: read by python-tuf's own client from a file server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from autosetup.payload import unpack
from flasher.errors import BadInput, FlasherError
from flasher.fleet.release.plan import paused, plan_of, withdrawn
from flasher.fleet.release.steps import change_plan, publish_draft, renew
from flasher.rig.entry import NO_ROOT
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import lay_out
from tests.integration.fleet.release.rigs import WISH, Reader, World
from tests.unit.rig.whole_rig import load_rig, make_whole_rig

MakeReader = Callable[[], Reader]


def test_every_card_gets_its_own_payload(world: World, reader: MakeReader) -> None:
    world.make_cards()
    draft = world.release()
    node = reader()
    for name, identity in world.identities.items():
        role = world.rig.find(name).role
        letter = node.letter("field", role, identity.card_id)
        assert letter is not None
        payload = unpack(node.payload(letter, identity.sealing_key))
        assert payload.settings.name == name
        assert payload.manifest.card_id == identity.card_id
        assert payload.manifest.generation == draft.generation > identity.generation
        assert payload.secrets.wifi_passphrases


def test_no_secret_lies_open_in_the_repository(world: World) -> None:
    world.make_cards()
    world.release()
    secrets = [world.rig.secrets.password_hash, *world.rig.secrets.wifi_passphrases.values()]
    raw = [path.read_bytes() for path in world.place.folder.rglob("*") if path.is_file()]
    assert not any(str(secret).encode() in data for secret in secrets for data in raw)


def test_a_letter_is_for_its_card_alone(world: World, reader: MakeReader) -> None:
    world.make_cards()
    world.release()
    ours, other = world.identities["cam-101"], world.identities["cam-102"]
    letter = reader().letter("field", "camera", ours.card_id)
    assert letter is not None
    with pytest.raises(Exception, match="seal"):
        reader().payload(letter, other.sealing_key)


def test_the_plan_names_the_cards_in_their_order(world: World, reader: MakeReader) -> None:
    world.make_cards("cam-203")
    wish = replace(WISH, canaries=("cam-302", "central"), at_once=4, spacing_seconds=60)
    draft = world.release(wish)
    plan = reader().plan("field")
    assert plan is not None
    assert (plan.generation, plan.at_once, plan.spacing_seconds) == (draft.generation, 4, 60)
    first = {world.identities[name].card_id for name in ("cam-302", "central")}
    assert set(plan.canaries) == set(plan.cards[:2]) == first
    assert len(plan.cards) == len(world.rig.nodes) - 1


@pytest.mark.parametrize(
    ("changed", "seconds"),
    [
        ({}, 600),
        ({"at_once": 50}, 0),  # all are one lot
        ({"canaries": ("cam-302",)}, 90 * 60 + 600),
        ({"at_once": 3, "canaries": ("cam-302",), "spacing_seconds": 0}, 0),
    ],
)
def test_where_no_server_gives_turns_nodes_do_not_begin_all_at_once_unless_that_is_wanted(
    world: World, changed: dict[str, Any], seconds: int
) -> None:
    update = replace(world.rig.site.update, every_minutes=90)
    world.rig = replace(world.rig, site=replace(world.rig.site, update=update))
    world.make_cards()
    world.release(replace(WISH, **changed))
    plan = plan_of(world.place.read(), "field")
    assert plan is not None
    assert plan.spacing_seconds == seconds


def test_what_two_generations_share_is_there_once(world: World) -> None:
    world.make_cards()
    world.release()
    blobs = {path.name for path in (world.place.folder / "blobs").rglob("*") if path.is_file()}
    world.release()
    assert blobs == {p.name for p in (world.place.folder / "blobs").rglob("*") if p.is_file()}


def test_people_are_told_what_changes_for_whom(world: World) -> None:
    world.make_cards("cam-503")
    assert world.draft().changes == ("15 nodes: their first release",)
    world.sign()
    world.publish()
    assert world.draft().changes == ("15 nodes: the same files as before; secrets are sealed anew",)
    script = world.folder / "profile/check.sh"
    script.write_text("#!/bin/sh\nexit 0\n")
    world.rig = load_rig(world.folder)
    draft = world.draft()
    assert draft.changes == (
        "14 nodes: the same files as before; secrets are sealed anew",
        "central: health/10-check.sh changed",
        "central: scripts/10-check.sh changed",
    )
    assert draft.left_out == ("cam-503: no card was made for them yet",)


def test_cards_without_keys_are_left_out_and_named(world: World, reader: MakeReader) -> None:
    world.make_cards("cam-101")
    old = world.make_card("cam-101", keys=False)
    draft = world.release()
    assert draft.left_out == (
        "cam-101: their cards were made before nodes had keys: prepare new ones",
    )
    assert reader().letter("field", "camera", old) is None


def test_cards_that_another_computer_made_keep_their_letters(world: World) -> None:
    world.make_cards("cam-101")
    world.release()
    world.lines = []
    world.make_card("cam-101")
    others = len(world.rig.nodes) - 1
    with pytest.raises(FlasherError, match=f"does not know {others} cards") as refused:
        world.draft()
    assert refused.value.code == "ledger-behind"
    told = f"{others} cards that the ledger here does not know: theirs go"
    assert told in world.draft(replace(WISH, forget=True)).left_out


def test_what_another_computer_swapped_is_not_swapped_back(world: World) -> None:
    world.make_cards()
    before = [*world.lines]
    world.release(replace(WISH, swaps=(("cam-101", "cam-102"),), nodes=("cam-101",)))
    after, world.lines = world.lines, before
    with pytest.raises(FlasherError, match="the last release of cam-101, cam-102") as refused:
        world.draft()
    assert refused.value.code == "ledger-behind"
    assert not (world.place.draft / "draft.json").exists()
    world.lines = after
    assert "cam-101 becomes cam-102" not in world.draft().changes


def test_cards_that_can_never_take_a_release_are_left_out(world: World) -> None:
    world.make_cards()
    root = next(iter(world.place.read().roots()))
    change = {"cam-101": NO_ROOT, "cam-102": "3" * 64, "cam-103": root}
    world.lines = [
        replace(line, update_root=change.get(line.node, line.update_root)) for line in world.lines
    ]
    draft = world.draft()
    named = {card.node for card in draft.cards}
    assert named == {node.name for node in world.rig.nodes} - {"cam-101", "cam-102"}
    assert [told.partition(":")[0] for told in draft.left_out] == ["cam-101", "cam-102"]
    assert "takes no releases" in draft.left_out[0]
    assert "another repository" in draft.left_out[1]
    with pytest.raises(BadInput) as refused:
        world.draft(replace(WISH, swaps=(("cam-101", "cam-302"),)))
    assert refused.value.code == "takes-no-release"
    with pytest.raises(BadInput) as refused:
        world.draft(replace(WISH, canaries=("cam-101",)))
    assert refused.value.code == "not-released"
    assert "takes no releases" in refused.value.hint


def test_nodes_are_named_as_the_rig_has_them(world: World) -> None:
    world.make_card("cam-302")
    world.make_card("cam-101")
    world.make_card("central")
    draft = world.draft()
    assert draft.changes == ("central, cam-101, cam-302: their first release",)
    (left_out,) = draft.left_out
    assert left_out.startswith("cam-102, cam-103, cam-201, cam-202, cam-203 and 8 more:")


def another_scanner(world: World, tmp_path: Path) -> World:
    """A second rig at the same site, with a card."""
    make_whole_rig(tmp_path / "other")
    profile = tmp_path / "other/profile/profile.toml"
    profile.write_text(profile.read_text().replace('name = "field"', 'name = "other"'))
    scanner = load_profile(str(profile))
    other = replace(world, rig=lay_out(scanner, world.rig.site, world.rig.secrets))
    other.identities = {}
    other.make_card("cam-101")
    return other


def test_a_site_with_two_scanners_has_one_rollout_and_that_is_said(
    world: World, tmp_path: Path
) -> None:
    world.make_cards()
    draft = world.release()
    other = another_scanner(world, tmp_path)
    count = len(world.rig.nodes)
    with pytest.raises(BadInput, match=f"is for field, and {count} of its nodes") as refused:
        other.draft()
    assert refused.value.code == "another-scanner"
    who = "central, cam-101, cam-102, cam-103, cam-201 and 11 more"
    told = other.draft(replace(WISH, instead=True)).left_out[-1]
    assert told.startswith(f"{who}: may still go on to generation {draft.generation}")
    all_there = dict.fromkeys(draft.standing, draft.generation)
    assert other.compose(WISH, all_there).left_out[-1].endswith("no card was made for them yet")


def test_nodes_on_their_way_to_the_release_before_are_told_of(world: World) -> None:
    world.make_cards()
    first = world.release()
    some = replace(WISH, nodes=("cam-101",))
    assert f"generation {first.generation}" in world.draft(some).left_out[0]
    change_plan(
        world.place, world.place.read(), world.signer, withdrawn, lambda: world.targets, world.now
    )
    assert world.draft(some).left_out == ()


def test_only_the_nodes_that_were_named_get_a_release(world: World, reader: MakeReader) -> None:
    world.make_cards()
    world.release()
    before = reader().plan("field")
    draft = world.release(replace(WISH, nodes=("C1R1-001", "cam-102")))
    assert {card.node for card in draft.cards} == {"cam-101", "cam-102"}
    node = reader()
    other = node.letter("field", "camera", world.identities["cam-103"].card_id)
    assert before
    assert other
    assert other.told.generation == before.generation < draft.generation


def test_nodes_in_each_others_place_are_swapped(world: World, reader: MakeReader) -> None:
    world.make_cards()
    world.release()
    draft = world.draft(replace(WISH, swaps=(("cam-101", "cam-102"),)))
    assert draft.changes[:2] == ("cam-101 becomes cam-102", "cam-102 becomes cam-101")
    world.sign()
    world.publish()
    card = world.identities["cam-101"]
    letter = reader().letter("field", "camera", card.card_id)
    assert letter is not None
    payload = unpack(reader().payload(letter, card.sealing_key))
    assert payload.settings.name == "cam-102"
    assert payload.settings.position == "C1R2-002"


def test_a_node_of_another_role_finds_its_letter_under_both(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    world.release(replace(WISH, swaps=(("central", "cam-503"),)))
    card = world.identities["central"].card_id
    found = [reader().letter("field", role, card) for role in ("central", "camera")]
    assert [letter and letter.told.node for letter in found] == ["cam-503", "cam-503"]
    draft = world.release()
    found = [reader().letter("field", role, card) for role in ("central", "camera")]
    assert [letter and letter.told.generation for letter in found] == [draft.generation] * 2


def test_the_letter_of_a_card_that_was_replaced_goes(world: World, reader: MakeReader) -> None:
    world.make_cards()
    world.release()
    old = world.identities["cam-101"].card_id
    new = world.make_card("cam-101")
    world.release(replace(WISH, nodes=("cam-101",)))
    assert reader().letter("field", "camera", old) is None
    assert reader().letter("field", "camera", new) is not None


def test_the_targets_key_is_needed_for_a_new_site_and_a_new_agent_only(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    world.draft()
    assert set(world.sign()) == {"field", "field.camera", "field.central", "targets"}
    world.publish()
    world.draft()
    assert set(world.sign()) == {"field", "field.camera", "field.central"}
    package = world.folder / "autosetup_0.9.0_all.deb"
    package.write_bytes(b"!<arch>\n")
    world.draft(replace(WISH, agent=package))
    assert "targets" in world.sign()
    world.publish()
    world.release()
    plan = reader().plan("field")
    assert plan is not None
    assert plan.agent == "agent/autosetup_0.9.0_all.deb"
    assert reader().fetch(plan.agent) == b"!<arch>\n"


def test_a_rollout_is_paused_and_withdrawn_by_the_plan_alone(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    draft = world.release()
    for change in (paused, withdrawn):
        change_plan(
            world.place, world.place.read(), world.signer, change, lambda: world.targets, world.now
        )
    plan = reader().plan("field")
    assert plan is not None
    assert plan.paused
    assert plan.takes_back(draft.generation)
    assert [data.signed.version for data in world.place.read().delegated.values()] == [3, 1, 1]
    assert reader().letter("field", "camera", world.identities["cam-101"].card_id)
    world.release()
    plan = reader().plan("field")
    assert plan is not None
    assert not plan.paused
    assert plan.takes_back(draft.generation)


def test_renewing_gives_another_month(world: World, reader: MakeReader) -> None:
    world.make_cards()
    world.release()
    before = world.place.read().expiry()
    renew(world.place, world.place.read(), world.now + timedelta(days=5))
    after = world.place.read().expiry()
    assert after["timestamp"] - before["timestamp"] == timedelta(days=5)
    assert after["snapshot"] - before["snapshot"] == timedelta(days=5)
    assert after["field"] == before["field"]
    later = world.now + timedelta(days=300)
    renew(world.place, world.place.read(), later, signers=[world.signer])
    assert world.place.read().expiry()["field.camera"] > before["field.camera"]
    assert reader().plan("field")


def test_a_draft_is_signed_again_after_its_site_was_renewed(world: World) -> None:
    world.make_cards()
    world.release()
    world.draft()
    world.sign()
    renew(world.place, world.place.read(), world.now, signers=[world.signer])
    with pytest.raises(FlasherError, match="does not fit"):
        publish_draft(world.place, world.place.read(), world.now)
    world.sign()
    world.publish()


def test_a_draft_brings_back_nothing_that_was_taken_back_since(world: World) -> None:
    world.make_cards()
    bad = world.release()
    world.draft()
    world.sign()
    change_plan(
        world.place, world.place.read(), world.signer, withdrawn, lambda: world.targets, world.now
    )
    for late in (lambda: publish_draft(world.place, world.place.read(), world.now), world.sign):
        with pytest.raises(FlasherError, match="was changed") as refused:
            late()
        assert refused.value.code == "draft-outdated"
    world.release()
    plan = plan_of(world.place.read(), "field")
    assert plan is not None
    assert plan.takes_back(bad.generation)


def test_a_draft_that_was_spoiled_is_not_published(world: World) -> None:
    world.make_cards()
    world.draft()
    world.sign()
    letter = next((world.place.draft / "files/targets/field/camera").iterdir())
    letter.write_bytes(letter.read_bytes()[:-10])
    with pytest.raises(BadInput, match="not as it was made"):
        world.publish()
    letter.unlink()
    with pytest.raises(BadInput, match="not as it was made"):
        world.publish()


def test_what_was_published_already_is_not_published_again(world: World) -> None:
    world.make_cards()
    world.draft()
    world.sign()
    publish_draft(world.place, world.place.read(), world.now)
    version = world.place.read().timestamp.signed.version
    world.publish()
    assert world.place.read().timestamp.signed.version == version


def test_what_was_published_and_paused_since_is_still_told_to_the_ledger(world: World) -> None:
    world.make_cards()
    drafted = world.draft()
    world.sign()
    publish_draft(world.place, world.place.read(), world.now)  # and killed
    change_plan(
        world.place, world.place.read(), world.signer, paused, lambda: world.targets, world.now
    )
    version = world.place.read().timestamp.signed.version
    assert world.publish() == drafted
    assert world.place.read().timestamp.signed.version == version


def test_without_a_draft_there_is_nothing_to_publish(world: World) -> None:
    with pytest.raises(BadInput, match="being prepared"):
        world.publish()
    world.make_cards()
    world.draft()
    with pytest.raises(BadInput, match="not signed"):
        world.publish()


@pytest.mark.parametrize("wish", [{"canaries": ("cam-203",)}, {"nodes": ("cam-203",)}])
def test_who_has_no_card_cannot_be_asked_for(world: World, wish: dict[str, tuple[str]]) -> None:
    world.make_cards("cam-203")
    with pytest.raises(BadInput) as caught:
        world.draft(replace(WISH, **wish))
    assert caught.value.code in ("not-released", "nothing-to-release")
