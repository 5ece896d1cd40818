"""Which instructions of a pool match a filter. No Streamlit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from g2is.errors import InputError

STATES = {
    "gradient": "has a gradient",
    "invalid": "no gradient: is never selected",
    "prompt_cut": "start of the prompt was cut",
    "response_cut": "end of the response was cut",
    "duplicate": "exact duplicate of an earlier one",
}


@dataclass(frozen=True)
class Filter:
    """What to look for; what is empty or None does not count. tokens: least and most."""

    text: str = ""
    regular_expression: bool = False
    sources: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    tokens: tuple[int, int] | None = None
    state: str = ""


def matching(pool: pd.DataFrame, wanted: Filter) -> np.ndarray:
    """Row indices, ascending. Raises `InputError` for a regular expression that is not one."""
    found = np.ones(len(pool), dtype=bool)
    if wanted.sources:
        found &= pool["source"].isin(wanted.sources).to_numpy()
    if wanted.tasks:
        found &= pool["task"].isin(wanted.tasks).to_numpy()
    if wanted.tokens:
        found &= pool["tokens"].between(*wanted.tokens).to_numpy()
    if wanted.state:
        found &= _in_state(pool, wanted.state)
    if wanted.text:
        found &= _contains(pool["prompt"], wanted) | _contains(pool["response"], wanted)
    return np.flatnonzero(found)


def _in_state(pool: pd.DataFrame, state: str) -> np.ndarray:
    if state == "duplicate":
        return pool["duplicate_of"].to_numpy() >= 0
    if state in ("prompt_cut", "response_cut"):
        return pool["cut"].to_numpy() == (1 if state == "prompt_cut" else 2)
    return pool["valid"].to_numpy() == (state == "gradient")


def _contains(texts: pd.Series, wanted: Filter) -> np.ndarray:
    """Upper and lower case are alike. RE2, which Arrow searches with, takes linear time on any expression."""
    import pyarrow as pa
    import pyarrow.compute as pc

    search = pc.match_substring_regex if wanted.regular_expression else pc.match_substring
    try:
        found = search(pa.array(texts, pa.large_string()), wanted.text, ignore_case=True)
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0].removeprefix("Invalid regular expression: ")
        raise InputError(
            f"{wanted.text} is not a regular expression ({reason}); mend it, or search for it as plain text"
        ) from None
    return found.to_numpy(zero_copy_only=False)
