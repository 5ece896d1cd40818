"""Beginnings of texts that stand for them in tables."""

from hypothesis import given
from hypothesis import strategies as st

from g2is.instructions.snippet import beginning, snippet


@given(st.text(alphabet="ab \n", max_size=60), st.integers(4, 20))
def test_a_snippet_is_the_beginning_cut_between_words(text, length):
    short, line = snippet(text, length), " ".join(text.split())
    assert len(short) <= length
    if short == line:
        return
    assert short.endswith("…")
    kept = short[:-1]
    assert line.startswith(kept)
    whole = line[len(kept) :].startswith(" ") or kept.rfind(" ") <= length // 2
    assert whole, "no word is cut unless it fills half of the place"


def test_a_long_text_of_one_word_is_cut_where_it_must_be():
    assert beginning("x" * 30, 10) == "x" * 9 + "…"
    assert beginning("one two three four", 13) == "one two…"
    assert beginning("short", 10) == "short"
    assert snippet("word" + " " * 500 + "more", 20) == "word…"
