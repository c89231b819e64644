"""Whatever a document holds: it is read whole, or refused by its lines; nothing crashes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosetup.card import digest_of
from autosetup.errors import plain
from autosetup.faults import Fault, Faulty
from autosetup.manifest import MANIFEST
from autosetup.mustache import render
from autosetup.payload import NODE, STATUS, Secrets, unpack
from autosetup.record import Fallen, Good, Record, read_record
from autosetup.secrets_file import read_secrets, write_secrets
from autosetup.status import STATES, Status, StepRecord, Warned, lines_of
from autosetup.trust import TRUSTS
from tests.examples import examples
from tests.unit.autosetup.any_documents import (
    CARD,
    KINDS,
    RAW,
    RECORD,
    SAID,
    STATE,
    complaint,
    node_with,
    read,
    run_agent,
    spoiled,
    tree,
)
from tests.unit.autosetup.sample_payloads import GENERATION, HASH, USER_KEY

VALUES = json.dumps({"generation": GENERATION, "values": {"domain": "x.example"}}).encode()


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=examples(150))
def test_a_document_is_read_whole_or_refused_by_its_lines(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    raw = data.draw(spoiled(kind.sound))
    value, faults = read(kind, raw)
    assert not complaint(faults, raw)
    assert bool(faults) == (value is None)
    # What was read says all that it says: written anew, it is the same.
    assert value is None or kind.read(kind.write(value)) == value


@pytest.mark.parametrize("name", KINDS)
def test_what_editors_do_to_all_of_a_file_does_no_harm(name: str) -> None:
    kind = KINDS[name]
    wanted = kind.read(kind.sound)
    for raw in (
        b"\xef\xbb\xbf" + kind.sound,
        kind.sound.replace(b"\n", b"\r\n"),
        kind.sound.rstrip(b"\n"),
    ):
        assert kind.read(raw) == wanted


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.by_people])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_are_refused(name: str, encoding: str) -> None:
    _, (fault,) = read(KINDS[name], KINDS[name].sound.decode().encode(encoding))
    assert "UTF-8" in fault.remedy


@given(data=st.data())
@settings(max_examples=examples(150))
def test_no_fault_of_the_secrets_shows_one(data: st.DataObject) -> None:
    kind = KINDS["secrets.toml"]
    _, faults = read(kind, data.draw(spoiled(kind.sound)))
    told = " ".join(map(str, faults))
    hidden = ("horse", "slash", "at all", HASH[-20:], USER_KEY[-20:])
    assert [secret for secret in hidden if secret in told] == []


@given(data=st.data())
@settings(max_examples=examples(60))
def test_a_payload_with_a_spoiled_file_changes_nothing_on_a_node(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(RAW)))
    raw = {**RAW, name: data.draw(spoiled(RAW[name]))}
    try:
        unpack(raw)
    except Faulty as faulty:
        told = [str(fault) for fault in faulty.faults]
    else:
        # The manifest tells of every edit but its own.
        assert raw == RAW or name == MANIFEST
        return
    with node_with(raw) as folder:
        before = tree(folder)
        status = run_agent(folder)
        assert (status.state, status.code) == ("failed", "payload-refused")
        assert tree(folder) == before
    # A manifest that can be read is at odds with the other files, which are named then.
    assert name == MANIFEST or any(fault.partition(":")[0] == name for fault in told)
    # All are told at once, with what this node, which has nothing, has against the rest.
    assert set(map(plain, told)) <= set(status.faults)


@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                [
                    *("{{name}}", "{{#name}}", "{{/name}}", "{{^ntp}}", "{{/ntp}}", "{{.}}", "{{"),
                    *(
                        "{{{name}}}",
                        "{{!x}}",
                        "{{#ntp}}",
                        "{{>x}}",
                        "{{a.b}}",
                        "}}",
                        "\n",
                        " ",
                        "x",
                    ),
                ]
            ),
            max_size=9,
        ).map("".join),
    )
)
@settings(max_examples=examples(300))
def test_a_template_is_filled_in_or_refused_by_its_lines(text: str) -> None:
    faults: tuple[Fault, ...] = ()
    rendered = ""
    try:
        rendered = render("x.mustache", text, {"name": "cam-0101", "ntp": ["a", "b"]})
    except Faulty as faulty:
        faults = faulty.faults
    assert all(1 <= f.line <= text.count("\n") + 1 and f.column and f.remedy for f in faults)
    if "{{" not in text:
        assert (rendered, faults) == (text, ())


# Whatever quotes a script or a board may end its words with.
_words = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
_generations = st.integers(1, 2**53)
_hexes = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
_times = st.none() | st.datetimes().map(lambda time: f"{time:%Y-%m-%dT%H:%M:%S}Z".zfill(20))
_statuses = st.builds(
    Status,
    state=st.sampled_from(STATES),
    node=st.none() | _words,
    generation=st.none() | _generations,
    failed_generation=st.none() | _generations,
    step=st.none() | _words,
    code=st.none() | _words,
    reason=st.none() | _words,
    hint=st.none() | _words,
    faults=st.lists(_words, max_size=2).map(tuple),
    warnings=st.lists(st.builds(Warned, _words, _words, _words), max_size=2).map(tuple),
    pi_model=_words,
    trust=st.none() | st.sampled_from(TRUSTS),
    signer=_words,
    next_try_at=_times,
    steps=st.lists(
        st.builds(StepRecord, _words, st.integers(0, 9999).map(lambda n: n / 1000), st.booleans()),
        max_size=2,
    ).map(tuple),
)
_records = st.builds(
    Record,
    digest=_hexes,
    status=_statuses,
    scripts=st.lists(_hexes, max_size=3).map(tuple),
    good=st.lists(
        st.builds(Good, _generations, st.booleans(), st.none() | st.sampled_from(TRUSTS), _words),
        max_size=2,
    ).map(tuple),
    fallen=st.none() | st.builds(Fallen, _generations, _hexes, _words, _words, _words, _words),
    starts=st.integers(0, 9),
)


@given(data=st.data())
@settings(max_examples=examples(80))
def test_no_spoiled_record_keeps_a_node_from_saying_how_it_is(data: st.DataObject) -> None:
    state = data.draw(st.sampled_from(["applying", "failed", "done", "rolled-back"]))
    digest = data.draw(st.sampled_from([RECORD.digest, digest_of(RAW[MANIFEST])]))
    record = replace(RECORD, digest=digest, status=replace(SAID, state=state))
    card = data.draw(st.sampled_from([{}, {**RAW, NODE: b"spoiled"}]))
    with node_with({**card, STATUS: data.draw(spoiled(SAID.to_json()))}) as folder:
        (folder / STATE).mkdir(parents=True)
        for name, sound in (("state.json", record.to_json()), ("values.json", VALUES)):
            (folder / STATE / name).write_bytes(data.draw(spoiled(sound)))
        reached = run_agent(folder)
        assert reached.state in STATES
        assert reached.code != "internal-error"
        assert Status.from_json((folder / CARD / STATUS).read_bytes()) == reached


@given(_statuses)
@settings(max_examples=examples(150))
def test_no_status_can_make_a_screen_obey(status: Status) -> None:
    assert all(line.isprintable() for line in lines_of(status))


@given(_records)
@settings(max_examples=examples(150))
def test_a_record_comes_back_as_it_was_written(record: Record) -> None:
    raw = record.to_json()
    json.loads(raw)
    assert read_record(raw) == record


def test_secrets_without_their_node_are_read_as_they_are() -> None:
    secrets = Secrets(bytes(32), {"scan": HASH}, {"x": "12345678"})
    assert read_secrets(write_secrets(secrets), None) == secrets
