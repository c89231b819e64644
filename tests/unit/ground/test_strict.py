"""The strict reader: every fault, with its place and a remedy, all at once."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosetup.faults import Fault, Faulty
from autosetup.strict import pattern, reading
from autosetup.toml_places import find_places

RAW = """\
name = "rig"
colour = 3
[network]
country = "DEU"
[[network.wifi]]
ssid = "a"
[[network.wifi]]
sid = "b"
"""


def faults_of(raw: bytes) -> tuple[Fault, ...]:
    with pytest.raises(Faulty) as caught, reading("x.toml", raw) as top:
        top.string("name", default="")
    return caught.value.faults


def read_rig(raw: bytes) -> None:
    with reading("x.toml", raw) as top:
        top.string("name")
        network = top.table("network")
        network.string("country", form=pattern("[A-Z]{2}", "two capital letters"))
        for wifi in network.tables("wifi"):
            wifi.string("ssid")


def test_all_faults_come_at_once_each_with_its_line() -> None:
    with pytest.raises(Faulty) as caught:
        read_rig(RAW.encode())
    assert [(fault.line, fault.what) for fault in caught.value.faults] == [
        (2, "colour is not known here."),
        (4, "country is 'DEU'."),
        (7, "ssid is missing."),
        (8, "sid is not known here."),
    ]
    assert caught.value.faults[-1].remedy == "Did you mean ssid?"


@pytest.mark.parametrize(
    ("raw", "line", "remedy"),
    [
        (b'name = "x\n', 1, "Close the quote"),
        ("name = \u201cx\u201d".encode(), 1, "curly quotes"),
        ('name = "\u201cx\u201d"'.encode(), 1, "curly quotes"),
        (b"[a\nb = 1", 1, "Close the bracket"),
        (b"name = 'a'\nname = 'b'", 2, "stands twice"),
        (b"\xff\xfen\x00", 1, "UTF-8"),
        (b'\nname = "\xff"', 2, "UTF-8"),
        (b"name = [", 1, "cut off"),
        (b'name = "a\\u0000b"', 1, "control character"),
        (b"name = " + b"[" * 100_000, 0, "Begin it anew"),
        (b"name = " + b"9" * 5000, 0, "Begin it anew"),
    ],
)
def test_what_editors_and_truncation_do_is_explained(raw: bytes, line: int, remedy: str) -> None:
    (fault,) = faults_of(raw)
    assert fault.line == line
    assert remedy in fault.remedy


def test_a_key_cannot_make_a_screen_obey() -> None:
    (fault,) = faults_of(b'"\\u001b[2J" = 1')
    assert fault.what == "\\x1b[2J is not known here."


@pytest.mark.parametrize("raw", [b'\xef\xbb\xbfname = "x"', b'name = "x"\r\n'])
def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(raw: bytes) -> None:
    with reading("x.toml", raw) as top:
        assert top.string("name") == "x"


@pytest.mark.parametrize("value", ["3", "true", "[]", "{}", "1.5", "1979-05-27"])
def test_a_wrong_type_is_a_fault_never_a_guess(value: str) -> None:
    (fault,) = faults_of(f"name = {value}".encode())
    assert "text in quotes" in fault.remedy


def test_true_is_no_whole_number() -> None:
    with pytest.raises(Faulty), reading("x.toml", b"count = true") as top:
        top.integer("count", low=0, high=5)


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader_and_faults_only_where_toml_has_them(text: str) -> None:
    raw = text.encode("utf-8", errors="surrogatepass")
    try:
        values = tomllib.loads(raw.decode("utf-8-sig").replace("\r\n", "\n"))
        clean = b"\x00" not in raw
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        values, clean = {}, False
    faults = faults_in(raw)
    assert (faults == 0) == (clean and not values)
    assert not clean or faults == len(values)


def faults_in(raw: bytes) -> int:
    try:
        with reading("x.toml", raw):
            return 0
    except Faulty as faulty:
        return len(faulty.faults)


KEYS = st.text("ab_-1", min_size=1, max_size=3)


@given(st.dictionaries(KEYS, st.one_of(st.integers(), st.just("[x]\n'''")), max_size=5))
def test_each_key_is_found_where_it_stands(values: dict[str, int | str]) -> None:
    lines = []
    for key, value in values.items():
        lines.append(f'{key} = """{value}"""' if isinstance(value, str) else f"{key} = {value}")
    text = "\n".join(lines)
    places = find_places(text)
    for key in values:
        line, column = places[(key,)]
        assert text.split("\n")[line - 1][column - 1 :].startswith(f"{key} =")
    assert len(places) == len(values)


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        ("\n[a.b]\nx = 1", ("a",), (2, 1)),
        ("[a.b]\n[a]", ("a",), (2, 1)),
        ("[[a]]\n[[a]]", ("a",), (1, 1)),
        ("[[a]]\n[[a]]", ("a", 1), (2, 1)),
        ("[[a]]\n[[a.b]]\nc = 1", ("a", 0, "b", 0, "c"), (3, 1)),
        ('"a\\u0042" = 1', ("aB",), (1, 1)),
        ("\"'a'\" = 1", ("'a'",), (1, 1)),
        (" 'a.b'.\"c\" = 1", ("a.b", "c"), (1, 2)),
        ('a = """"x""""\nb = "]"\nc = 1', ("c",), (3, 1)),
    ],
)
def test_every_table_and_key_has_a_place(
    text: str, path: tuple[str | int, ...], place: tuple[int, int]
) -> None:
    assert find_places(text)[path] == place


BAD_VALUES = [
    '"hunter2"',
    '"“hunter2”"',
    "“hunter2”",
    '"hunter2\\u0007"',
    "77077",
    "770.77",
    "true # hunter2",
    '["hunter2", 77077]',
    '{ hunter2 = "hunter2" }',
    "hunter2",
    '"hunter2',
    '"hunter2\\q"',
    "9" * 5000,
    '"hunter2"\nkey = "hunter2"',
    "{ hunter2 = 1, hunter2 = 2 }",
    '"\x07hunter2"',
]


@pytest.mark.parametrize("value", BAD_VALUES)
def test_a_fault_of_a_secret_document_shows_no_part_of_a_value(value: str) -> None:
    with (
        pytest.raises(Faulty) as caught,
        reading("x.toml", f"key = {value}".encode(), secret=True) as top,
    ):
        top.string("key", form=pattern("[A-Z]+", "capital letters"))
    for part in ("hunter2", "770", "True", "\\x07", "999"):
        assert part not in str(caught.value)


def read_secrets(raw: bytes) -> None:
    with reading("x.toml", raw, secret=True) as top:
        top.string("key", form=pattern("[A-Z]+", "capital letters"))
        top.integer("count", low=0, high=5)
        top.strings("list", form=pattern(".", "one letter"))


def test_a_fault_of_a_secret_document_names_the_place_and_the_remedy() -> None:
    raw = b"key = 'x'\ncount = 9\nlist = ['y', 'zz']"
    with pytest.raises(Faulty) as caught:
        read_secrets(raw)
    assert [str(fault) for fault in caught.value.faults] == [
        "x.toml:1:1: This value does not fit. It must be capital letters.",
        "x.toml:2:1: This value does not fit. Type a number from 0 to 5.",
        "x.toml:3:1: This value does not fit. It must be one letter.",
    ]
