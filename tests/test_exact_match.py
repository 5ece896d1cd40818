"""What counts as the same final answer."""

import pytest

from g2is.evaluation.exact_match import exact_match, final_answer, has_short_answers


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("He pays 3 x 4 = 12.\n#### 12", "12"),
        ("first #### 3, no: #### 4", "4"),
        ("So the answer is (B).", "(B)."),
        ("  True ", "True"),
    ],
)
def test_final_answer(response, answer):
    assert final_answer(response) == answer


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("…\n#### 1000", "…\n#### 1,000"),
        ("…\n#### $1,000.00", "#### 1000"),
        ("#### 18 eggs of 20", "#### 18"),
        ("2 and 3 make 5.", "#### 5"),
        ("-4", "#### -4"),
        ("(B)", "(B)"),
        ("B", "(B)"),
        ("(b) the brown present", "(B)"),
        ("The answer is (B).", "(B)"),
        ("true.", "True"),
        ("Ａ  b", "a b"),
        ("> >", "> >"),
    ],
)
def test_the_same_final_answer(answer, reference):
    assert exact_match(answer, reference)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("#### 10000", "#### 1000"),
        ("no number here", "#### 7"),
        ("", "#### 7"),
        ("5 and then 6", "#### 5"),
        ("(A)", "(B)"),
        ("because (B) is wrong, (A)", "(B)"),
        ("brown", "(B)"),
        ("not true", "True"),
        ("", "Yes"),
        ("> > >", "> >"),
    ],
)
def test_another_final_answer(answer, reference):
    assert not exact_match(answer, reference)


def test_targets_with_long_answers_are_not_matched_exactly():
    assert has_short_answers(["long reasoning, many words, and then\n#### 3"] * 3)
    assert has_short_answers(["(A)", "Yes", "the quick brown fox jumps over the lazy dog"])
    assert not has_short_answers(["an essay of a good many words about nothing at all"] * 3)
    assert not has_short_answers([])
