"""A box that finds a sample by its row number or by words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from g2is.run import Run
from g2is.ui import literal, number, visible
from g2is.ui.filtering import Filter, matching

FOUND = 50
"""Samples offered for words that more of them contain."""


def search_sample(
    run: Run, key: str, choose: Callable[[int], None], *, members: np.ndarray | None = None
) -> None:
    """Calls `choose` in a callback with the sample that is found. members: (n,) samples to search in (all)."""
    count = len(run.instructions)

    def found(sample: int) -> None:
        st.session_state[key] = ""
        choose(sample)

    def ask() -> None:
        asked = st.session_state[key].strip().removeprefix("#").replace(",", "")
        if asked.isdecimal() and int(asked) < count:
            found(int(asked))

    asked = st.text_input(
        "Another sample",
        key=key,
        type="search",
        placeholder="row number, or words it contains",
        on_change=ask,
    ).strip()
    if not asked:
        return
    if asked.isdecimal():
        st.warning(f"There is no sample {literal(asked)}; the pool has 0 to {number(count - 1)}.")
        return
    rows = _matches(run, run.hash, asked)
    if members is not None:
        rows = rows[members[rows]]
    if not len(rows):
        st.warning(f"No sample contains {literal(asked)}.")
        return
    prompts = run.instructions["prompt"]
    more = f", the first {FOUND} of which are here" if len(rows) > FOUND else ""
    st.selectbox(
        f"{number(len(rows))} samples contain it{more}",
        rows[:FOUND].tolist(),
        index=None,
        placeholder="choose one",
        key=f"{key} found",
        format_func=lambda row: visible(f"{row:,}: {' '.join(prompts.iloc[row][:300].split())[:80]}"),
        on_change=lambda: found(st.session_state[f"{key} found"]),
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _matches(_run: Run, run_hash: str, words: str) -> np.ndarray:
    return matching(_run.instructions, Filter(text=words))
