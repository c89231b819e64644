"""Templates behave as the public specification of mustache says, where ours does not differ."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosetup.faults import Faulty
from autosetup.mustache import Value, render

NODE: dict[str, Value] = {
    "name": "cam-1",
    "number": 85,
    "empty": "",
    "yes": True,
    "no": False,
    "none": [],
    "list": ["a", "b", "c"],
    "rows": [{"n": 1, "b": True}, {"n": 2, "b": False}],
    "net": {"domain": "example.org", "deep": {"er": "x"}, "name": "inner"},
    "marks": "& \" < > '",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("no tags { } {x}", "no tags { } {x}"),
        ("I am {{name}}.", "I am cam-1."),
        ("{{ name }}|{{\tname\t}}|{{\nname\n}}", "cam-1|cam-1|cam-1"),
        ("{{number}} {{yes}} {{no}}{{empty}}", "85 true false"),
        ("{{marks}}{{{marks}}}{{&marks}}{{& marks }}", "& \" < > '" * 4),
        ("{{{ name }}}", "cam-1"),
        ("  {{name}}\n", "  cam-1\n"),
        ("{{net.domain}} {{net.deep.er}}", "example.org x"),
        ("{{name}}{{name}}", "cam-1cam-1"),
    ],
)
def test_variables(template: str, expected: str) -> None:
    assert render("t", template, NODE) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{#yes}}shown{{/yes}}{{#no}}hidden{{/no}}", "shown"),
        ("{{#empty}}hidden{{/empty}}{{#none}}hidden{{/none}}", ""),
        ("{{#name}}{{.}}{{/name}}", "cam-1"),
        ("{{#list}}{{.}},{{/list}}", "a,b,c,"),
        ("{{#rows}}{{n}}{{#b}}!{{/b}}{{name}} {{/rows}}", "1!cam-1 2cam-1 "),
        ("{{#net}}{{name}} {{number}}{{/net}} {{name}}", "inner 85 cam-1"),
        ("{{#yes}}1{{#yes}}2{{/yes}}3{{/yes}}", "123"),
        ("{{#net.deep}}{{er}}{{/net.deep}}", "x"),
        ("{{# yes }}x{{/ yes }}", "x"),
        (" {{#yes}} x {{/yes}} ", "  x  "),
        (" | {{#yes}}\t|\t{{/yes}} | \n", " | \t|\t | \n"),
        ("{{^no}}shown{{/no}}{{^yes}}hidden{{/yes}}", "shown"),
        ("{{^none}}shown{{/none}}{{^list}}hidden{{/list}}{{^empty}}!{{/empty}}", "shown!"),
        ("{{^net}}hidden{{/net}}", ""),
    ],
)
def test_sections(template: str, expected: str) -> None:
    assert render("t", template, NODE) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("1\n{{#yes}}\n2\n{{/yes}}\n3\n", "1\n2\n3\n"),
        ("1\n  {{#yes}}\n2\n  {{/yes}}\n3\n", "1\n2\n3\n"),
        ("1\r\n{{#yes}}\r\n2\r\n{{/yes}}\r\n3", "1\r\n2\r\n3"),
        ("  {{#yes}}\n#{{/yes}}\n/", "#\n/"),
        ("#{{#yes}}\n/\n  {{/yes}}", "#\n/\n"),
        ("{{#list}}\n- {{.}}\n{{/list}}\n", "- a\n- b\n- c\n"),
        ("1\n{{^no}}\n2\n{{/no}}\n3", "1\n2\n3"),
        ("1\n{{! alone }}\n2\n", "1\n2\n"),
        ("1\n  {{! two\nlines }}  \n2\n", "1\n2\n"),
        ("  {{! first line }}\n!", "!"),
        ("!\n  {{! last line }}", "!\n"),
        ("  12 {{! not alone }}\n", "  12 \n"),
        ("12{{! a }}34{{! b\nc }}56", "123456"),
        ("1\n{{#yes}}{{/yes}}\n2\n", "1\n\n2\n"),
        ("{{#yes}}\n{{#yes}}\nx\n{{/yes}}\n{{/yes}}\n", "x\n"),
    ],
)
def test_tags_alone_on_a_line_and_comments_leave_no_trace(template: str, expected: str) -> None:
    assert render("t", template, NODE) == expected


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("a\nb {{nmae}}", "t:2:3: nmae is not known here."),
        ("{{net.x}}", "t:1:1: net.x is not known here."),
        ("{{#no}}{{nmae}}{{/no}}", "t:1:8: nmae is not known"),
        ("{{^yes}}{{nmae}}{{/yes}}", "t:1:9: nmae is not known"),
        ("{{#nmae}}x{{/nmae}}", "t:1:1: nmae is not known"),
        ("\n {{#yes}}", "t:2:2: The section yes is not closed. Add {{/yes}}."),
        ("{{/yes}}", "t:1:1: The section yes is not open here."),
        ("{{#yes}}{{#no}}{{/yes}}{{/no}}{{/yes}}", "Close no first."),
        ("{{name", "t:1:1: This tag is not closed."),
        ("{{> other}}", "Partials are not known here."),
        ("{{=<% %>=}}", "Other delimiters are not known here."),
        ("{{}}", "holds no name"),
        ("{{a b}}", "holds no name"),
        ("{{list}}", "list is more than one value. Write {{#list}} … {{/list}}."),
    ],
)
def test_what_is_wrong_is_told_with_its_place(template: str, told: str) -> None:
    with pytest.raises(Faulty) as caught:
        render("t", template, NODE)
    assert told in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Faulty) as caught:
        render("t", "{{a}}\n{{b}}\n{{#yes}}", NODE)
    assert [fault.line for fault in caught.value.faults] == [1, 2, 3]


@given(st.text(st.sampled_from("{}#^/!&. \nxyename")))
def test_no_template_crashes_it(text: str) -> None:
    with suppress(Faulty):
        render("t", text, NODE)


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_tags_stays_as_it_is(text: str) -> None:
    assert render("t", text, {}) == text
