"""Near-copies of validation samples in a pool."""

import numpy as np
import pytest

from g2is.instructions.copies import KINDS, LEAST_OVERLAP, WORDS, find_leaks

LONG = "Ada has five boxes with twelve coins each and gives fifty seven coins to Tara on a sunny Sunday"
OTHER = "The quick brown fox jumps over the lazy dog while eleven curious owls look down from an old oak"


def kinds(found) -> list[tuple]:
    return list(found[["sample", "validation", "kind"]].itertuples(index=False, name=None))


def test_the_same_text_whatever_its_case_width_and_white_space():
    pool = [
        ("nothing", "alike"),
        ("WHAT  is\n2 + 2?", "４"),
        ("What is 2 - 2?", "4"),
        ("What is 2 + 2?", "5"),
    ]
    assert kinds(find_leaks(pool, [("other", "x"), ("What is 2 + 2?", "4")])) == [(1, 1, "same text")]


def plain_overlap(text: str, other: str) -> float:
    """Share of the 8-grams of a text that another has."""

    def runs(text: str) -> set[str]:
        words = text.lower().split()
        return {" ".join(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)}

    return len(runs(text) & runs(other)) / max(1, len(runs(text)))


def test_overlap_counts_runs_of_words():
    words = LONG.split()
    pool = [
        (" ".join(words[:end]) + " but otherwise all of this goes on quite differently", "1")
        for end in range(8, 19)
    ]
    found = find_leaks(pool, [(OTHER, ""), (LONG, "")])
    expected = {row: plain_overlap(LONG, f"{prompt} 1") for row, (prompt, _) in enumerate(pool)}
    assert dict(zip(found["sample"], found["similarity"], strict=True)) == pytest.approx(
        {row: share for row, share in expected.items() if share >= LEAST_OVERLAP}
    )
    assert set(found["kind"]) == {"overlap"} and set(found["validation"]) == {1}
    assert found["similarity"].is_monotonic_decreasing and 0 < len(found) < len(pool)


def test_a_prompt_with_another_answer_and_one_inside_a_longer_text_are_found():
    pool = [
        (LONG, "a very different answer " * 9),
        ("Read this first. " * 5 + LONG.upper() + " Now go on.", ""),
    ]
    assert [kind for _, _, kind in kinds(find_leaks(pool, [(LONG, "the answer is three")]))] == [
        "overlap"
    ] * 2


def test_the_wording_of_a_task_is_no_leak():
    task = "Read the following sentence with care and then say in one word whether it is plausible or not"
    validation = [(f"{task}: the {animal} flew", "no") for animal in ("cow", "pig", "dog")]
    assert find_leaks([(f"{task}: a plane flew", "yes")], validation).empty
    copies = [(LONG, "1"), (LONG.upper(), "1")]
    assert kinds(find_leaks([(LONG, "2")], copies)) == [(0, 0, "overlap")], (
        "copies are one text, not a wording"
    )


def test_scripts_without_spaces_are_compared_letter_by_letter():
    text = "小明有五个盒子每个盒子里有十二枚硬币他给了小红五十七枚"
    assert kinds(find_leaks([(f"请回答：{text}还剩多少", "3")], [(text, "")])) == [(0, 0, "overlap")]


def test_gradients_stand_in_for_texts_that_a_run_does_not_have():
    cosines = np.array([[0.2, 0.9995], [0.998, 0.1], [0.9999, 0.9993]], np.float32)
    found = find_leaks([("a", "b")] * 3, [("", "")] * 2, cosines)
    assert kinds(found) == [(2, 0, "gradient"), (0, 1, "gradient")]
    np.testing.assert_array_equal(found["similarity"], np.float32([0.9999, 0.9995]))
    assert find_leaks([("", "")] * 3, [("", "")] * 2).empty, "texts that are empty are no copies"


def test_a_sample_is_listed_once_with_the_surest_reason():
    cosines = np.full((2, 2), 0.9999, np.float32)
    found = find_leaks([(LONG, "3"), (OTHER, "4")], [(OTHER, "no"), (LONG, "3")], cosines)
    assert kinds(found) == [(0, 1, "same text"), (1, 0, "overlap")]
    assert list(found.columns) == ["sample", "validation", "kind", "similarity"] and set(found["kind"]) < set(
        KINDS
    )
    assert find_leaks([], [], None).dtypes.astype(str).tolist() == ["int64", "int64", "object", "float32"]
