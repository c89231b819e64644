"""Parts are read as docker reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.formats.pi_builder.parse import parse
from flasher.errors import BadInput

from .folder import one


def told(text: str, *, first: bool = False) -> list[tuple[int, str, str]]:
    return [(each.line, each.word, each.rest) for each in parse(text, "part", first=first)]


def test_lines_go_on_and_comments_between_them_are_none_of_theirs():
    text = "# about it\nRUN one \\\n\t# aside\n\n\t&& two \\  \n && three\n\nenv A=b\n"
    assert told(text) == [(2, "RUN", "one \t&& two  && three"), (8, "ENV", "A=b")]


def test_a_backslash_that_is_escaped_ends_the_line():
    assert told("RUN echo a\\\\\nRUN b") == [(1, "RUN", "echo a\\\\"), (2, "RUN", "b")]


def test_a_hash_within_a_line_begins_no_comment():
    assert told("RUN echo a # b") == [(1, "RUN", "echo a # b")]


def test_line_ends_of_windows_are_line_ends():
    assert told("RUN a \\\r\n b\r\nRUN c\r\n") == [(1, "RUN", "a  b"), (3, "RUN", "c")]


def test_the_escape_character_is_named_at_the_very_top_only():
    text = "# escape=`\nRUN a `\n b\n"
    assert told(text, first=True) == [(2, "RUN", "a  b")]
    assert told(text) == [(2, "RUN", "a `"), (3, "B", "")]


def test_flags_stand_before_what_they_are_about():
    instruction = one("COPY --chown=a:b --link x --not y")
    assert instruction.flags == ("--chown=a:b", "--link")
    assert instruction.rest == "x --not y"
    assert one("ENV --a=b").rest == "--a=b"


def test_the_json_form_is_told_from_the_shells():
    assert one('RUN ["a b", "c"]').arguments == ("a b", "c")
    assert one("RUN [ -f x ] && y").arguments is None
    assert one('RUN ["a", 1]').arguments is None


def test_texts_below_an_instruction_are_its_own():
    text = "RUN cat <<A > x && cat <<-'B'\nfirst\nA\n\tsecond $x\n\tB\nRUN after\n"
    first, second = parse(text, "part")
    assert [(each.word, each.text, each.expands) for each in first.heredocs] == [
        ("<<A", "first\n", True),
        ("<<-'B'", "second $x\n", False),
    ]
    assert (second.line, second.rest) == (6, "after")


def test_a_text_that_does_not_end_is_refused_with_file_and_line():
    with pytest.raises(BadInput, match=r"part:1: no line EOF ends what <<EOF begins"):
        parse("COPY <<EOF /x\nwithout end\n", "part")


def test_what_looks_like_a_text_in_quotes_is_none():
    assert one('RUN echo "a <<EOF b"').heredocs == ()


LINES = st.lists(
    st.sampled_from(["RUN a", "RUN a \\", "  b", "# c", "", "COPY x y", "\\", " \\", "ENV A=\\"])
)


@given(LINES)
def test_no_line_is_lost_and_none_is_read_twice(lines: list[str]):
    """Whatever the order of lines: all letters come out again, in order, but for comments."""
    read = parse("\n".join(lines), "part")
    numbers = [each.line for each in read]
    assert numbers == sorted(set(numbers))
    letters = "".join(line for line in lines if not line.startswith("#"))
    again = "".join(f"{each.word}{each.rest}" for each in read)
    assert squeezed(again) == squeezed(letters)


def squeezed(text: str) -> str:
    return "".join(char.upper() for char in text if char.isalpha())


@given(st.text(alphabet="RUN \\\n#<EO'\"$[]{}:-", max_size=60))
def test_any_text_is_read_or_refused(text: str):
    try:
        parse(text, "part", first=True)
    except BadInput as refused:
        assert refused.code == "part-refused"  # noqa: PT017 - both ways are right
