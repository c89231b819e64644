"""Scripts that a technician adds on this computer: kept, judged, ordered, and put onto cards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosetup.faults import Fault
from flasher.errors import BadDocument, BadInput
from flasher.rig.addressees import getting, meant_for, missing
from flasher.rig.own_script import OwnScript, draft_script, plain_name, read_file
from flasher.rig.own_scripts import (
    LIST,
    MOST,
    add_script,
    change_script,
    folder_of,
    load_own,
    move_script,
    remove_script,
)
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import lay_out
from flasher.rig.script_check import MAX_BYTES, examine, mend
from tests.examples import examples
from tests.unit.autosetup.any_documents import complaint, spoiled
from tests.unit.rig.conftest import MakeRig, payload

GOOD = b"#!/bin/sh\necho warm\n"
WINDOWS = b"#!/bin/sh\r\necho warm\r\n"


def add(name: str = "warm-up.sh", content: bytes = GOOD, **settings: object) -> OwnScript:
    return add_script("field", replace(draft_script(name, content), **settings))  # type: ignore[arg-type]


def files() -> list[str]:
    return [script.file for script in load_own("field")]


# --- what Linux would run ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (WINDOWS, "Windows (CRLF)"),
        (b"#!/bin/sh\recho old\r", "Windows (CRLF)"),
        (b"\xef\xbb\xbf#!/bin/sh\n", "byte order mark"),
        (b"#!/bin/sh\n".decode().encode("utf-16"), "UTF-16"),
    ],
)
def test_what_editors_did_is_told_and_can_be_mended(content, told):
    found = examine("a.sh", content)
    assert told in found.mendable[0].what
    assert not found.runs
    assert not found.faults
    assert examine("a.sh", mend(content)).runs


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"echo warm\n", "first line does not say"),
        (b"#!python3\n", "whole path"),
        (b"\x7fELF\x02\x01\x00\x00", "no script"),
        (b"#!/bin/sh\n\x00", "no script"),
        (b"#!/bin/sh\n" + b"#" * MAX_BYTES, "larger"),
    ],
)
def test_what_only_its_author_can_mend_is_refused(content, told):
    found = examine("a.sh", content)
    assert told in found.faults[0].what
    with pytest.raises(BadDocument):
        draft_script("a.sh", content, mending=True)


def test_curly_quotes_and_strange_letters_are_warned_of_but_not_in_comments():
    text = "#!/bin/sh\n# “fine”\necho “warm”\n".encode() + b"# \xe4\n"
    found = examine("a.sh", text)
    assert found.runs
    assert [(fault.line, fault.column) for fault in found.warnings] == [(3, 6), (4, 0)]


def test_windows_line_ends_are_mended_on_request_only():
    with pytest.raises(BadDocument) as told:
        draft_script("warm-up.sh", WINDOWS)
    assert "CRLF" in told.value.message
    assert draft_script("warm-up.sh", WINDOWS, mending=True).content == GOOD


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("10-warm up (2).sh", "warm-up-2-.sh"),
        ("/stick/Überall.py", "berall.py"),
        ("...", "script"),
        ("x" * 99, "x" * 60),
        (LIST, "script"),
    ],
)
def test_a_file_keeps_its_name_as_far_as_a_card_can_hold_it(name, plain):
    assert plain_name(name) == plain


# --- the list ---------------------------------------------------------------------------------


def test_a_script_is_copied_and_comes_back_with_all_that_was_said_of_it():
    added = add(title="Warms up", roles=("camera",), timeout_seconds=30)
    assert load_own("field") == (added,)
    assert (folder_of("field") / "warm-up.sh").read_bytes() == GOOD


def test_a_second_script_of_a_name_replaces_the_first_only_when_asked_to():
    add(roles=("camera",), title="Warms up")
    again = draft_script("Warm-Up.sh", b"#!/bin/sh\nexit 0\n")
    with pytest.raises(BadInput, match="already"):
        add_script("field", again)
    made = add_script("field", again, replacing=True)
    assert load_own("field") == (made,)
    assert (made.file, made.roles, made.title) == ("warm-up.sh", ("camera",), "Warms up")
    assert made.content == again.content


def test_scripts_change_places_and_no_other_one_gets_another_name():
    for name in ("a.sh", "b.sh", "c.sh"):
        add(name)
    move_script("field", "c.sh", 1)
    assert files() == ["c.sh", "a.sh", "b.sh"]
    remove_script("field", "c.sh")
    assert [script.source for script in load_own("field")] == [
        "scripts/99-02-a.sh",
        "scripts/99-03-b.sh",
    ]
    move_script("field", "a.sh", 99)
    assert files() == ["b.sh", "a.sh"]
    assert not (folder_of("field") / "c.sh").exists()


def test_numbers_begin_anew_when_they_are_used_up():
    for name in ("a.sh", "b.sh", "c.sh"):
        add(name)
    text = (folder_of("field") / LIST).read_text()
    (folder_of("field") / LIST).write_text(text.replace("number = 3", f"number = {MOST}"))
    assert add("d.sh").number == 4
    assert files() == ["a.sh", "b.sh", "c.sh", "d.sh"]


def test_a_list_with_faults_is_refused_with_all_of_them_and_nothing_is_lost():
    add()
    path = folder_of("field") / LIST
    path.write_text(path.read_text() + '[[script]]\nfile = "gone.sh"\nnumber = 1\nrole = "x"\n')
    with pytest.raises(BadDocument) as told:
        add("b.sh")
    for words in ("gone.sh cannot be read", "Did you mean roles?", "have the number 1"):
        assert words in told.value.message
    assert "gone.sh" in path.read_text()


def test_a_script_that_is_not_there_is_named_with_those_that_are():
    add()
    with pytest.raises(BadInput) as told:
        remove_script("field", "cool-down.sh")
    assert "warm-up.sh" in told.value.hint
    with pytest.raises(BadInput, match="cannot be read"):
        read_file(folder_of("field") / "nothing")


@given(data=st.data())
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_list_is_refused_by_its_lines_or_comes_back_the_same(data: st.DataObject) -> None:
    folder = folder_of("field")
    if not folder.exists():
        add(title="Warms up", roles=("camera",), nodes=("cam-11",))
        add("b.sh", timeout_seconds=9, enabled=False)
    sound = (folder / LIST).read_bytes()
    (folder / LIST).write_bytes(raw := data.draw(spoiled(sound)))
    assert not complaint(faults_of_list(), raw)
    (folder / LIST).write_bytes(sound)


def faults_of_list() -> tuple[Fault, ...]:
    """Those of the list as it is now; one without comes back the same when it is written."""
    try:
        found = load_own("field")
        for script in found[:1]:
            assert move_script("field", script.file, 1) == found
    except BadDocument as bad:
        return bad.faults
    return ()


# --- for whom, and on cards -------------------------------------------------------------------


def test_a_node_gets_the_scripts_for_all_for_its_role_and_for_itself(make_rig: MakeRig):
    add("all.sh")
    add("cameras.sh", roles=("camera",))
    add("one.sh", nodes=("cam-11",))
    add("off.sh", enabled=False)
    rig = make_rig()
    got = payload(rig, "cam-11")
    sources = ["scripts/99-01-all.sh", "scripts/99-02-cameras.sh", "scripts/99-03-one.sh"]
    assert [script.source for script in got.settings.scripts] == sources
    assert [got.files[source] for source in sources] == [GOOD] * 3
    assert set(sources) <= set(got.manifest.files)
    assert [s.source for s in payload(rig, "central").settings.scripts] == sources[:1]


def test_the_profiles_digest_stays_that_of_the_profile(make_rig: MakeRig):
    before = make_rig().profile
    add()
    after = load_profile(str(before.path))
    assert (after.digest, len(after.own)) == (before.digest, 1)


def test_a_script_that_linux_would_not_run_stops_the_rig_and_not_the_profile(make_rig: MakeRig):
    rig = make_rig()
    add()
    (folder_of("field") / "warm-up.sh").write_bytes(WINDOWS)
    with pytest.raises(BadDocument) as told:
        lay_out(load_profile(str(rig.profile.path)), rig.site, rig.secrets)
    assert "warm-up.sh:1: The lines end as on Windows" in told.value.message
    change_script("field", "warm-up.sh", lambda script: script, mending=True)
    again = lay_out(load_profile(str(rig.profile.path)), rig.site, rig.secrets)
    assert again.profile.own[0].content == GOOD


def test_nodes_are_named_by_name_or_position_and_roles_must_be_there():
    profile = load_profile("body-16x7")
    script = meant_for(profile, OwnScript("a.sh", GOOD), ["camera"], ["SEG4-CAM3", "controller"])
    assert script.nodes == ("cam-0403", "controller")
    assert len(getting(profile, script)) == 113
    with pytest.raises(BadInput) as told:
        meant_for(profile, script, ["cameras"], [])
    assert told.value.hint == "Did you mean camera?"
    with pytest.raises(BadInput, match="no node") as told:
        meant_for(profile, script, [], ["SEG4-CAM33"])
    assert told.value.hint == "Did you mean SEG4-CAM3?"


@pytest.mark.parametrize(
    ("roles", "nodes", "meant"),
    [
        (["CAMERAS"], [], "camera"),
        ([], ["seg4-cam33"], "SEG4-CAM3"),
        ([], ["CAM-04033"], "cam-0403"),
    ],
)
def test_what_is_meant_is_told_as_the_profile_spells_it(roles, nodes, meant):
    with pytest.raises(BadInput) as told:
        meant_for(load_profile("body-16x7"), OwnScript("a.sh", GOOD), roles, nodes)
    assert told.value.hint == f"Did you mean {meant}?"


def test_a_script_for_what_the_profile_has_no_more_is_told_and_not_lost():
    profile = load_profile("body-16x7")
    script = OwnScript("a.sh", GOOD, 1, roles=("lights",), nodes=("cam-9901", "controller"))
    assert missing(profile, script) == ("lights", "cam-9901")
    assert [node.name for node in getting(profile, script)] == ["controller"]
