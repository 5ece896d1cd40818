"""A box that finds an instruction by its row number or by words."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import streamlit as st

from g2is.analysis.search import Filter, matching
from g2is.app.shared import literal, number, visible
from g2is.instructions.snippet import snippet
from g2is.run.run import Run

FOUND = 50
"""Instructions offered where more of them contain the words."""


def search_sample(
    run: Run,
    key: str,
    choose: Callable[[int], None],
    *,
    label: str = "Another instruction",
    members: np.ndarray | None = None,
) -> bool:
    """A search box; whether a search is still open.

    choose: called in a callback with the instruction that is found. members: (n,) which instructions to search (all).
    """
    count = len(run.instructions)

    def found(sample: int) -> None:
        st.session_state[key] = ""
        choose(sample)

    def ask() -> None:
        row = _number(st.session_state[key])
        if row is not None and row < count:
            found(row)

    asked = st.text_input(
        label,
        key=key,
        type="search",
        placeholder="row number, or words it contains",
        on_change=ask,
    ).strip()
    if not asked:
        return False
    if _number(asked) is not None:
        st.warning(f"There is no instruction {literal(asked)}; the pool has 0 to {number(count - 1)}.")
        return True
    rows = _matches(run, run.state, asked)
    if members is not None:
        rows = rows[members[rows]]
    if not len(rows):
        st.warning(f"No instruction contains {literal(asked)}.")
        return True
    prompts = run.instructions["prompt"]
    more = f", the first {FOUND} of which are here" if len(rows) > FOUND else ""
    st.selectbox(
        f"{number(len(rows))} instructions contain it{more}",
        rows[:FOUND].tolist(),
        index=None,
        placeholder="choose one",
        key=f"{key} found",
        format_func=lambda row: visible(f"{row:,}: {snippet(prompts.iloc[row], 80)}"),
        on_change=lambda: found(st.session_state[f"{key} found"]),
    )
    return True


def _number(text: str) -> int | None:
    """The number in a text such as "#1,204"; None for words."""
    digits = text.strip().removeprefix("#").replace(",", "")
    return int(digits[:18]) if re.fullmatch("[0-9]+", digits) else None


@st.cache_data(max_entries=32, show_spinner=False)
def _matches(_run: Run, run_hash: str, words: str) -> np.ndarray:
    return matching(_run.instructions, Filter(text=words))
