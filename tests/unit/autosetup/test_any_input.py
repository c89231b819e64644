"""Whatever a document holds: it is read whole, or refused by its lines; nothing crashes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosetup.faults import Fault, Faulty
from autosetup.manifest import read_manifest, write_manifest
from autosetup.mustache import render
from autosetup.node_file import read_node, write_node
from autosetup.payload import Secrets, unpack
from autosetup.record import Fallen, Good, Record, read_record
from autosetup.secrets_file import read_secrets, write_secrets
from autosetup.settings import NodeSettings
from autosetup.status import Status, StepRecord, Warned
from flasher import paths
from flasher.errors import BadDocument
from flasher.rig.profile import load_profile
from flasher.rig.site import load_site
from tests.examples import examples
from tests.unit.autosetup.sample_payloads import FILES, HASH, SETTINGS, packed

_STATUS = Status(
    "rolled-back",
    node="cam-0101",
    generation=1795233590,
    failed_generation=1795233591,
    step="scripts",
    step_number=13,
    step_count=13,
    code="script-failed",
    reason="The script 10-camera failed (1): no camera.",
    hint="Look in log.txt.",
    faults=("node.toml:1:1: name is 'Cam'.",),
    warnings=(Warned("name-taken", "Another node has it."),),
    addresses=("192.168.40.7", "fe80::1"),
    started_at="2026-11-21T03:39:50Z",
    steps=(StepRecord("hostname", 0.125, changed=True),),
)
_RECORD = Record(
    "0" * 64,
    _STATUS,
    ("1" * 64,),
    (Good(2, reached=True), Good(1, reached=False)),
    Fallen(
        3, "2" * 64, "network", "no-lease", "Joined, but got no address.", "Look at the router."
    ),
    2,
)


def _node(raw: bytes) -> NodeSettings:
    found, faults = read_node(raw, FILES)
    if faults or found is None:
        raise Faulty(list(faults))
    return found


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: a sound one, its reader, and its writer if there is one."""

    sound: bytes
    read: Callable[[bytes], object]
    write: Callable[..., bytes]
    by_people: bool = True


_RAW = packed()
KINDS = {
    "node.toml": Kind(_RAW["node.toml"], _node, write_node),
    "secrets.toml": Kind(
        _RAW["secrets.toml"], lambda raw: read_secrets(raw, SETTINGS), write_secrets
    ),
    "manifest.json": Kind(_RAW["manifest.json"], read_manifest, write_manifest, by_people=False),
    "status.json": Kind(_STATUS.to_json(), Status.from_json, Status.to_json, by_people=False),
    "state.json": Kind(_RECORD.to_json(), read_record, Record.to_json, by_people=False),
}
_TYPED = st.sampled_from(
    [
        b"\xe2\x80\x9c",
        b"\xc2\xa0",
        b"\t",
        b"\r",
        b"\0",
        b"\xff",
        b'"',
        b"\\",
        b"[",
        b"#",
        b"=",
        b",",
    ]
)


@st.composite
def spoiled(draw: st.DrawFn, sound: bytes) -> bytes:
    """A document with one thing done to it that people, editors and cables do."""
    lines = sound.split(b"\n")
    at, number = draw(st.integers(0, len(sound) - 1)), draw(st.integers(0, len(lines) - 1))
    what = draw(st.sampled_from(["cut", "byte", "typed", "lost", "twice", "moved", "bytes"]))
    if what == "cut":
        return sound[:at]
    if what == "byte":
        return sound[:at] + bytes([draw(st.integers(0, 255))]) + sound[at + 1 :]
    if what == "typed":
        return sound[:at] + draw(_TYPED) + sound[at + draw(st.integers(0, 1)) :]
    if what == "bytes":
        return draw(st.binary(max_size=60))
    line = [] if what == "twice" else [lines.pop(number)]
    line = line or [lines[number]]
    to = number if what == "twice" else draw(st.integers(0, len(lines)))
    return b"\n".join(lines if what == "lost" else [*lines[:to], *line, *lines[to:]])


def read(kind: Kind, raw: bytes) -> tuple[object, tuple[Fault, ...]]:
    """What is read, or the faults."""
    try:
        return kind.read(raw), ()
    except Faulty as faulty:
        return None, faulty.faults


def complaint(faults: tuple[Fault, ...], raw: bytes) -> str:
    """What is wrong with the faults themselves; empty where people can work with them."""
    lines = raw.decode(errors="replace").replace("\r\n", "\n").split("\n")
    for fault in faults:
        if not 0 <= fault.line <= len(lines):
            return f"{fault} is not in the file"
        if fault.line and not 0 <= fault.column <= len(raw.split(b"\n")[fault.line - 1]) + 2:
            return f"{fault} is not in its line"
        if not fault.what or not fault.remedy or not fault.file:
            return f"{fault} says too little"
        if not f"{fault}".isprintable():
            return f"{f'{fault}'!r} cannot be shown"
    return ""


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
    hidden = ("horse", "slash", "at all", HASH[-20:])
    assert [secret for secret in hidden if secret in told] == []


@given(data=st.data())
@settings(max_examples=examples(60))
def test_a_payload_with_one_spoiled_file_is_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in _RAW if name != "manifest.json"]))
    changed = data.draw(spoiled(_RAW[name]))
    if changed != _RAW[name]:
        with pytest.raises(Faulty) as caught:
            unpack({**_RAW, name: changed})
        assert any(fault.file == name for fault in caught.value.faults)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile and the site that ship, free to be spoiled."""
    folder = tmp_path_factory.mktemp("shelf")
    shutil.copytree(paths.assets() / "profiles/body-16x7", folder / "profile")
    shutil.copytree(paths.assets() / "sites/demo", folder / "site")
    return folder


@pytest.mark.parametrize(
    ("file", "load"),
    [
        ("profile/profile.toml", load_profile),
        ("site/site.toml", load_site),
        ("site/secrets.toml", load_site),
    ],
)
@given(data=st.data())
@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_profile_or_a_site_is_read_or_refused_by_its_lines(
    shelf: Path, file: str, load: Callable[[str], object], data: st.DataObject
) -> None:
    path = shelf / file
    sound = path.read_bytes()
    raw = data.draw(spoiled(sound))
    document = path if path.name != "secrets.toml" else path.with_name("site.toml")
    path.write_bytes(raw)
    try:
        load(str(document))
    except BadDocument as bad:
        told = bad.faults
    else:
        told = ()
    finally:
        path.write_bytes(sound)
    assert not complaint(told, raw)


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


_words = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
_generations = st.integers(1, 2**53)
_hexes = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@given(
    st.builds(
        Record,
        digest=_hexes,
        status=st.builds(
            Status,
            state=st.sampled_from(["applying", "failed", "done"]),
            node=st.none()
            | _words.filter(lambda word: word[0] not in "\u201c\u201d\u201e\u201f«»"),
            generation=st.none() | _generations,
        ),
        scripts=st.lists(_hexes, max_size=3).map(tuple),
        good=st.lists(st.builds(Good, _generations, st.booleans()), max_size=2).map(tuple),
        fallen=st.none()
        | st.builds(Fallen, _generations, _hexes, *(st.just(w) for w in ("", "code", "why", "do"))),
        starts=st.integers(0, 9),
    )
)
def test_a_record_comes_back_as_it_was_written(record: Record) -> None:
    raw = record.to_json()
    json.loads(raw)
    assert read_record(raw) == record


def test_secrets_without_their_node_are_read_as_they_are() -> None:
    secrets = Secrets(bytes(32), {"scan": HASH}, {"x": "12345678"})
    assert read_secrets(write_secrets(secrets), None) == secrets
