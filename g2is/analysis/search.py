"""Searching and filtering the instructions of a pool."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from g2is.errors import InputError
from g2is.run.columns import Column, Columns, Numbers

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


def matching(pool: pd.DataFrame, filter: Filter, columns: Columns | None = None) -> np.ndarray:
    """Rows of the pool that meet all conditions, ascending. columns: of the pool, for conditions and searches in them.

    What was removed from the pool is found by the state `gone` and by its row number alone.

    Raises `InputError` for an invalid regular expression, and for conditions that do not fit the columns.
    """
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
    elif filter.text:
        in_text = _contains(pool["prompt"], filter) | _contains(pool["response"], filter)
        if columns is not None and filter.column in columns:
            in_text |= _column_contains(columns[filter.column], filter)
        matches &= in_text
    if columns is not None and filter.where:
        matches &= columns.matching(filter.where)
    return np.flatnonzero(matches)


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
    if isinstance(column, Numbers):
        texts = pd.Series(column.texts(np.arange(len(column.values))), dtype="str")
        return _contains(texts.fillna(""), filter) & column.known()
    holds = np.append(_contains(pd.Series(column.names, dtype="str"), filter), False)
    return holds[column.numbers]


def _contains(texts: pd.Series, filter: Filter) -> np.ndarray:
    """Which texts match, ignoring case. Arrow searches with RE2, which takes linear time on any expression."""
    import pyarrow as pa
    import pyarrow.compute as pc

    search = pc.match_substring_regex if filter.regular_expression else pc.match_substring
    try:
        matches = search(pa.array(texts, pa.large_string()), filter.text, ignore_case=True)
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0].removeprefix("Invalid regular expression: ")
        raise InputError(
            f"{filter.text} is not a regular expression ({reason}); correct it, or search for it as plain text"
        ) from None
    return matches.to_numpy(zero_copy_only=False)
