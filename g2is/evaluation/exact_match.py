"""Exact match on the final answer: what counts as the answer of a response, and when two are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from statistics import median

MARK = "####"
"""What stands before the final answer in GSM8K."""
SHORT = 5
"""Words a short answer has at most."""

_ANSWER_IS = re.compile(r"\banswer is:?\s*(.+)", re.IGNORECASE | re.DOTALL)
_LABEL = re.compile(r"\(?([a-z])\)?(?![^\W_])")
_NUMBER = re.compile(r"[-+]?\$?\d[\d,]*(?:\.\d+)?%?")


def final_answer(response: str) -> str:
    """What follows the last `####`, or else the last "answer is", or else all of the response."""
    if MARK in response:
        return response.rpartition(MARK)[2].strip()
    found = _ANSWER_IS.findall(response)
    return (found[-1] if found else response).strip()


def has_short_answers(responses: Sequence[str]) -> bool:
    """Whether exact match means something: the final answer of most of them has at most five words."""
    return bool(responses) and median(len(final_answer(text).split()) for text in responses) <= SHORT


def exact_match(answer: str, reference: str) -> bool:
    """Whether an answer ends in the same final answer as the reference response.

    A number is compared by value (`1,000`, `$1000` and `1000.0` are the same); an answer that does not mark its
    final answer gives its last number. A label, `(B)`, is the same as `B` and `(B) the ball`. All else is
    compared without regard to letter case, width, white space and a full stop at the end.
    """
    wanted, given = _plain(final_answer(reference)), _plain(final_answer(answer))
    if (value := _number(wanted)) is not None:
        numbers = _NUMBER.findall(given)
        return bool(numbers) and _number(numbers[0 if MARK in answer else -1]) == value
    if label := re.fullmatch(_LABEL, wanted):
        begins = _LABEL.match(given)
        return begins is not None and begins[1] == label[1]
    return wanted == given


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).removesuffix(".").rstrip()


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(re.sub(r"[$,%\s]", "", text))
    except InvalidOperation:
        return None
