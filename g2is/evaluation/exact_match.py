"""Exact match on the final answer of a response."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from statistics import median

MARK = "####"
"""Precedes the final answer in GSM8K."""
SHORT = 5
"""Words of a short answer, at most."""

_ANSWER_IS = re.compile(r"\banswer is:?\s*(.+)", re.IGNORECASE | re.DOTALL)
_LABEL = re.compile(r"\(?([a-z])\)?(?![^\W_])")
_NUMBER = re.compile(r"[-+]?\$?\d[\d,]*(?:\.\d+)?%?")


def final_answer(response: str) -> str:
    """The text after the last `####`, else after the last "answer is", else the whole response."""
    if MARK in response:
        return response.rpartition(MARK)[2].strip()
    answers = _ANSWER_IS.findall(response)
    return (answers[-1] if answers else response).strip()


def has_short_answers(responses: Sequence[str]) -> bool:
    """Whether exact match is meaningful: the median final answer has at most `SHORT` words."""
    return bool(responses) and median(len(final_answer(text).split()) for text in responses) <= SHORT


def exact_match(answer: str, reference: str) -> bool:
    """Whether an answer has the same final answer as the reference response.

    Numbers are compared by value (`1,000`, `$1000` and `1000.0` are the same); in an answer that marks no final answer,
    the last number counts. A label `(B)` equals `B` and `(B) the ball`. Other texts are compared without
    letter case, width, white space and a full stop at the end.
    """
    expected, answered = _plain(final_answer(reference)), _plain(final_answer(answer))
    if (value := _number(expected)) is not None:
        numbers = _NUMBER.findall(answered)
        return bool(numbers) and _number(numbers[0 if MARK in answer else -1]) == value
    if label := re.fullmatch(_LABEL, expected):
        begins = _LABEL.match(answered)
        return begins is not None and begins[1] == label[1]
    return expected == answered


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).removesuffix(".").rstrip()


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(re.sub(r"[$,%\s]", "", text))
    except InvalidOperation:
        return None
