"""Searching and filtering the instructions of a pool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from g2is.errors import InputError

STATES = {
    "gradient": "has a gradient",
    "invalid": "no gradient: never selected",
    "prompt_cut": "start of the prompt was cut",
    "response_cut": "end of the response was cut",
    "duplicate": "exact duplicate of an earlier one",
}


@dataclass(frozen=True)
class Filter:
    """Conditions on an instruction; empty ones and None are ignored. tokens: minimum and maximum."""

    text: str = ""
    regular_expression: bool = False
    sources: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    tokens: tuple[int, int] | None = None
    state: str = ""


def matching(pool: pd.DataFrame, filter: Filter) -> np.ndarray:
    """Rows of the pool that meet all conditions, ascending. Raises `InputError` for an invalid regular expression."""
    matches = np.ones(len(pool), dtype=bool)
    if filter.sources:
        matches &= pool["source"].isin(filter.sources).to_numpy()
    if filter.tasks:
        matches &= pool["task"].isin(filter.tasks).to_numpy()
    if filter.tokens:
        matches &= pool["tokens"].between(*filter.tokens).to_numpy()
    if filter.state:
        matches &= _in_state(pool, filter.state)
    if filter.text:
        matches &= _contains(pool["prompt"], filter) | _contains(pool["response"], filter)
    return np.flatnonzero(matches)


def _in_state(pool: pd.DataFrame, state: str) -> np.ndarray:
    if state == "duplicate":
        return pool["duplicate_of"].to_numpy() >= 0
    if state in ("prompt_cut", "response_cut"):
        return pool["cut"].to_numpy() == (1 if state == "prompt_cut" else 2)
    return pool["valid"].to_numpy() == (state == "gradient")


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
