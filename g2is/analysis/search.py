"""Searching and filtering the instructions of a pool."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from g2is.errors import InputError
from g2is.run.columns import Column, Numbers
from g2is.run.run import Run
from g2is.run.texts import SPOKEN

if TYPE_CHECKING:
    import pyarrow as pa

GONE = "gone"
"""The state of what was removed from the pool, which is found only where this is asked for."""
STATES = {
    "gradient": "has a gradient",
    "invalid": "no gradient: never selected",
    "prompt_cut": "start of the prompt was cut",
    "response_cut": "end of the response was cut",
    "duplicate": "exact duplicate of an earlier one",
    GONE: "removed from the pool",
}
"""What `Filter.state` can ask for."""


@dataclass(frozen=True)
class Filter:
    """Conditions on an instruction; empty ones and None are ignored.

    text: words, an expression, or a row number such as "#1,204".
    tokens: minimum and maximum. where: conditions on columns. column: one whose values are searched too.
    """

    text: str = ""
    regular_expression: bool = False
    sources: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    tokens: tuple[int, int] | None = None
    state: str = ""
    where: tuple[str, ...] = ()
    column: str = ""


def matching(run: Run, filter: Filter) -> NDArray[np.int64]:
    """Rows of the pool that meet all conditions, ascending.

    What was removed from the pool is found by the state `gone` and by its row number alone.

    Raises `InputError` for an invalid regular expression, and for conditions that do not fit the columns.
    """
    pool = run.instructions
    matches = np.ones(len(pool), dtype=bool)
    if filter.sources:
        matches &= pool["source"].isin(filter.sources).to_numpy()
    if filter.tasks:
        matches &= pool["task"].isin(filter.tasks).to_numpy()
    if filter.tokens:
        matches &= pool["tokens"].between(*filter.tokens).to_numpy()
    row = None if filter.regular_expression else row_named(filter.text)
    if filter.state == GONE:
        matches &= _gone(pool)
    elif row is None:
        matches &= ~_gone(pool)
    if filter.state not in ("", GONE):
        matches &= _in_state(pool, filter.state)
    if row is not None:
        matches &= np.arange(len(pool)) == row
    if filter.where:
        matches &= run.columns.matching(filter.where)
    if row is None and filter.text:
        matches &= _searched(run, filter, matches)
    return np.flatnonzero(matches)


def _searched(run: Run, filter: Filter, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) which of some instructions (n,) contain the text; of others, where a whole group is, false."""
    import pyarrow as pa

    found = np.zeros(len(among), dtype=bool)
    _contains(
        pa.array([], pa.large_string()), filter
    )  # an expression is checked where nothing is searched too

    def within(start: int, block: pa.RecordBatch) -> NDArray[np.bool_]:
        holds = np.zeros(len(block), dtype=bool)
        if among[start : start + len(block)].any():
            for texts in block.columns:
                holds |= _contains(texts, filter)
        return holds

    for start, holds in run.texts.map(SPOKEN, within):
        found[start : start + len(holds)] = holds
    if filter.column and filter.column in run.columns:
        found |= _column_contains(run.columns[filter.column], filter)
    return found


def row_named(text: str) -> int | None:
    """The number in a text such as "#1,204"; None for any other."""
    digits = text.strip().removeprefix("#").replace(",", "")
    return int(digits) if text.strip().startswith("#") and re.fullmatch("[0-9]{1,15}", digits) else None


def _gone(pool: pd.DataFrame) -> np.ndarray:
    return pool["gone"].to_numpy() if "gone" in pool else np.zeros(len(pool), dtype=bool)


def _in_state(pool: pd.DataFrame, state: str) -> np.ndarray:
    if state == "duplicate":
        return pool["duplicate_of"].to_numpy() >= 0
    if state in ("prompt_cut", "response_cut"):
        return pool["cut"].to_numpy() == (1 if state == "prompt_cut" else 2)
    return pool["valid"].to_numpy() == (state == "gradient")


def _column_contains(column: Column, filter: Filter) -> np.ndarray:
    """(n,) whether a column's value contains the text; each category is looked at once."""
    import pyarrow as pa

    if isinstance(column, Numbers):
        texts = [text or "" for text in column.texts(np.arange(len(column.values)))]
        return _contains(pa.array(texts, pa.large_string()), filter) & column.known()
    holds = np.append(_contains(pa.array(list(column.names), pa.large_string()), filter), False)
    return holds[column.numbers]


def _contains(texts: pa.Array, filter: Filter) -> NDArray[np.bool_]:
    """Which texts match, ignoring case. Arrow searches with RE2, which takes linear time on any expression."""
    import pyarrow as pa
    import pyarrow.compute as pc

    search = pc.match_substring_regex if filter.regular_expression else pc.match_substring
    try:
        matches = search(texts, filter.text, ignore_case=True)
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0].removeprefix("Invalid regular expression: ")
        raise InputError(
            f"{filter.text} is not a regular expression ({reason}); correct it, or search for it as plain text"
        ) from None
    return matches.to_numpy(zero_copy_only=False)
