"""Words of instructions are expanded as docker expands them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.formats.pi_builder.words import WordFault, expand, expand_text, split

VALUES = {"x": "one", "empty": "", "x_1": "two"}


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("$x", "one"),
        ("${x}y", "oney"),
        ("$x_1-$x", "two-one"),
        ("$nothing.", "."),
        ("a$", "a$"),
        ("$-x", "$-x"),
        ("${nothing:-else}", "else"),
        ("${empty:-else}", "else"),
        ("${empty-else}", ""),
        ("${nothing-else}", "else"),
        ("${x:+there}", "there"),
        ("${empty:+there}", ""),
        ("${empty+there}", "there"),
        ("${nothing:-${x}/$x_1}", "one/two"),
        ("'$x'", "$x"),
        ('"$x y"', "one y"),
        (r"\$x", "$x"),
        (r'"\$x \n"', r"$x \n"),
        (r"a\ b", "a b"),
        ("a'b'\"c\"", "abc"),
    ],
)
def test_words(word: str, told: str):
    assert expand(word, VALUES) == told


@pytest.mark.parametrize("word", ["${x", "'x", '"x', "${x:-", "${}", "${x#y}", "${nothing:?why}"])
def test_what_cannot_be_read_is_said(word: str):
    with pytest.raises(WordFault):
        expand(word, VALUES)


def test_quotes_in_texts_stay():
    assert expand_text("\"$x\" '$x' \\$x \\n\n", VALUES) == "\"one\" 'one' $x \\n\n"


def test_words_end_at_blanks_outside_of_quotes():
    assert split("a  'b c' \"d e\"f g\\ h") == ("a", "'b c'", '"d e"f', "g\\ h")


@given(st.text(alphabet="abc_/.-=:", max_size=30))
def test_plain_words_are_themselves(word: str):
    assert expand(word, VALUES) == word


@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.text(max_size=9)))
def test_a_value_is_not_read_again(values: dict[str, str]):
    for name, value in values.items():
        assert expand(f"${{{name}}}", values) == value
        assert expand(f'"${name}"', values) == value
