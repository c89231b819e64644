"""Documents as people and editors leave them: each is refused by its line, with what to do."""

from __future__ import annotations

import pytest

from autosetup.faults import Fault, Faulty
from autosetup.strict import Table, reading
from autosetup.strict_json import reading_json

CURLY, SEEN, TWICE = "curly quotes", "nobody sees", "stands twice"
EARLY, QUOTE, BEHIND = "ends too early", "Close the quote", "stands behind the value"
NAME, HEAD, TEXT = "Names have letters", "head of a table", "in plain quotes"
# Where it is not the first line, what is wrong is in the last.
TYPED = [
    ("a = “x”", CURLY),
    ("a = „x“", CURLY),
    ("a = \u2018x\u2019", CURLY),
    ("a = «x»", CURLY),
    ('a = "“x”"', CURLY),
    ('a\u00a0=\u00a0"x"', SEEN),
    ('\u00a0a = "x"', SEEN),
    ('\u200ba = "x"', SEEN),
    ('\ufeff\ufeffa = "x"', SEEN),
    ('a = "x"\ra = "y"', "line ends"),
    ('a = "x\ty"', "control character"),
    ('a = "x\x07"', "control character"),
    ('a = "x\x7f"', "control character"),
    ('a = "x"\x0b', "control character"),
    ('# \x01\na = "x"', "control character"),
    ('a = "x', EARLY),
    ("a = '''x", EARLY),
    ("a", EARLY),
    ('a = ["x",', EARLY),
    ('a = {b = "x"', EARLY),
    ("[a", EARLY),
    ('a = "x\nb = "y"', QUOTE),
    ('a = x"\n', QUOTE),
    ('a = "x"\na = "y"', TWICE),
    ('a = "x"\n"a" = "y"', TWICE),
    ("[a]\n[a]\n", TWICE),
    ("[[a]]\n[a]\n", TWICE),
    ("a = 1\n[a]\n", TWICE),
    ("[a]\nb = 1\n[a.b]\n", TWICE),
    ("a = {b = 1}\na.c = 2", TWICE),
    ("[network\ncountry = 1", "]"),
    ("[[network]\ncountry = 1", "]]"),
    ("[network]]\n", HEAD),
    ("[]\n", HEAD),
    ("[a b]\n", HEAD),
    ("[a.]\n", HEAD),
    ('a = "x",\n', "comma at the end"),
    ("a = {b = 1,}\n", "comma in front"),
    ('a = ["x" "y"]\n', "commas between"),
    ("a = [1 2]\n", "commas between"),
    ("a = [1,,2]\n", "one of the commas"),
    ("a = {\n  b = 1\n}\n", "as [name]"),
    ("a = {b = 1 c = 2}\n", "as [name]"),
    ("a = {b = 1, b = 2}\n", TWICE),
    ('a = [\n  "x"\n  "y",\n]\n', "a comma behind it"),
    ("a = [\n  ssh-ed25519 AAAA me,\n]\n", "each item of the list in quotes"),
    ('a = [\n  "x",\n  y\n]\n', "each item of the list in quotes"),
    ('a = ["x",\nb = "y"\n', "Close the list above"),
    ('a = ["x",\n[b]\nc = "y"\n', "Close the list above"),
    ('a = ["x"]\nb = y\n', "plain quotes"),
    ("a \n", "name = value"),
    ('a "x"\n', "name = value"),
    ('a: "x"\n', "Write = between"),
    ('{"a": "x"}\n', "Write = between"),
    ("a:\n  - x\n", "Write = between"),
    ("my name = 1\n", NAME),
    ("größe = 1\n", NAME),
    ("a! = 1\n", NAME),
    ("= 1\n", NAME),
    (".a = 1\n", NAME),
    ("a =\n", "behind the ="),
    ("a = # none\n", "behind the ="),
    ("a = x\n", TEXT),
    ("a = x y\n", TEXT),
    ("a = $6$salt$\n", TEXT),
    ("a = /etc/motd\n", TEXT),
    ("a = True\n", "true or false"),
    ("a = yes\n", "true or false"),
    ("a = off\n", "true or false"),
    ("a = 007\n", "without a 0"),
    ("a = +01\n", "without a 0"),
    ("a = 1,5\n", "with a point"),
    ('a = "C:\\new\\x"\n', "single quotes"),
    ('a = "\\q"\n', "single quotes"),
    ('a = "x" y\n', BEHIND),
    ('a = "x" "y"\n', BEHIND),
    ("a = 10 s\n", BEHIND),
    ("a = 192.168.1.1\n", BEHIND),
    ("// x\n", "comments with #"),
    ("; x\n", "comments with #"),
]


def faults_of(raw: bytes) -> tuple[Fault, ...]:
    with pytest.raises(Faulty) as caught, reading("x.toml", raw) as top:
        read_all(top)
    return caught.value.faults


def read_all(top: Table) -> None:
    for name in top.names():
        top.string(name)


@pytest.mark.parametrize(("text", "remedy"), TYPED, ids=[repr(text) for text, _ in TYPED])
@pytest.mark.parametrize("before", ["", 'first = "x"\n\n'], ids=["alone", "below"])
def test_each_is_refused_by_its_line_with_what_to_do(text: str, remedy: str, before: str) -> None:
    (fault, *_) = faults_of((before + text).encode())
    first = before.count("\n") + 1
    assert first <= fault.line <= first + text.count("\n")
    assert fault.column > 0
    assert remedy in fault.remedy


@pytest.mark.parametrize("value", ["1e", "1__0", "0x", "2026-13-01", "25:00:00", "1.", ".5", "--1"])
def test_numbers_and_times_that_are_none_are_refused(value: str) -> None:
    assert faults_of(f"a = {value}\n".encode())[0].line == 1


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        ('a = "x"'.encode("utf-16"), 1, 3),
        ('a = "x"'.encode("utf-16-le"), 1, 1),
        (b'\na = "x"\n\0', 2, 8),
        ('a = "x"\nb = "Bär"'.encode("latin-1"), 2, 7),
        (b'a = "\xed\xa0\x80"', 1, 6),
        (b'a = "\xc0\x80"', 1, 6),
    ],
)
def test_another_encoding_is_refused_where_it_begins(raw: bytes, line: int, column: int) -> None:
    (fault,) = faults_of(raw)
    assert (fault.line, fault.column) == (line, column)
    assert "UTF-8" in fault.remedy


NO_JSON = [
    *("", "[]", '"x"', "1", "null", "{", "}", '{"a"}', '{"a":}', '{"a":1,}', '{"a":1 "b":2}'),
    *("{'a':1}", "{a:1}", '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":0x1}'),
    *('{"a":NaN}', '{"a":-Infinity}', '{"a":True}', '{"a":"\t"}', '{"a":"\\x"}', '{"a":"\\ud800"}'),
    *('{"a":1}{"b":2}', '{"a":1}//', '{"a":[1,]}', '{"a":1,"a":1}', '{"a":{"b":1,"b":2}}'),
    *('{"a":"x', "\ufeff\ufeff{}", '{"\\ud800":1}', '{"a":"\\u12"}', "{}\x00", "a: 1"),
    '{"a":' + "[" * 100_000,
    '{"a":' + "9" * 5000 + "}",
]


@pytest.mark.parametrize("text", NO_JSON, ids=[repr(text[:20]) for text in NO_JSON])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(Faulty) as caught, reading_json("x.json", text.encode()) as top:
        top.integer("a", low=0, high=9)
    assert all(fault.file == "x.json" and fault.remedy for fault in caught.value.faults)
