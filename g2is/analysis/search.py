"""Which instructions of a pool match a filter. No Streamlit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from g2is.errors import InputError
from g2is.run.columns import Column, Columns, Numbers

STATES = {
    "gradient": "has a gradient",
    "invalid": "no gradient: is never selected",
    "prompt_cut": "start of the prompt was cut",
    "response_cut": "end of the response was cut",
    "duplicate": "exact duplicate of an earlier one",
}


@dataclass(frozen=True)
class Filter:
    """What to look for; what is empty or None does not count.

    tokens: least and most. where: conditions on columns. column: one whose values are searched too.
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
    """Row indices, ascending. columns: those of the pool, for conditions and searches in them.

    Raises `InputError` for a regular expression that is not one, and for conditions that do not fit the columns.
    """
    found = np.ones(len(pool), dtype=bool)
    if filter.sources:
        found &= pool["source"].isin(filter.sources).to_numpy()
    if filter.tasks:
        found &= pool["task"].isin(filter.tasks).to_numpy()
    if filter.tokens:
        found &= pool["tokens"].between(*filter.tokens).to_numpy()
    if filter.state:
        found &= _in_state(pool, filter.state)
    if filter.text:
        holds = _contains(pool["prompt"], filter) | _contains(pool["response"], filter)
        if columns is not None and filter.column in columns:
            holds |= _column_contains(columns[filter.column], filter)
        found &= holds
    if columns is not None and filter.where:
        found &= columns.matching(filter.where)
    return np.flatnonzero(found)


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
    """Upper and lower case are alike. RE2, which Arrow searches with, takes linear time on any expression."""
    import pyarrow as pa
    import pyarrow.compute as pc

    search = pc.match_substring_regex if filter.regular_expression else pc.match_substring
    try:
        found = search(pa.array(texts, pa.large_string()), filter.text, ignore_case=True)
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0].removeprefix("Invalid regular expression: ")
        raise InputError(
            f"{filter.text} is not a regular expression ({reason}); correct it, or search for it as plain text"
        ) from None
    return found.to_numpy(zero_copy_only=False)
