"""A box that finds an instruction by its row number or by words."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

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
    label: str | None = "Another instruction",
    members: np.ndarray | None = None,
    messages: DeltaGenerator | None = None,
) -> bool:
    """A search box; whether a search is still open.

    choose: called in a callback with the instruction that is found. label: None where there is no room for one.
    members: (n,) which instructions to search (all). messages: the place for what it finds, at first below the box.
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
        label or "Another instruction",
        key=key,
        type="search",
        label_visibility="visible" if label else "collapsed",
        placeholder="row number, or words it contains",
        on_change=ask,
    ).strip()
    if not asked:
        return False
    with messages or nullcontext():
        _show_found(run, key, asked, found, members)
    return True


def _show_found(
    run: Run, key: str, asked: str, found: Callable[[int], None], members: np.ndarray | None
) -> None:
    """The instructions that contain the words, to choose from, or what is wrong with them."""
    count = len(run.instructions)
    if _number(asked) is not None:
        st.warning(f"There is no instruction {literal(asked)}; the pool has 0 to {number(count - 1)}.")
        return
    rows = _matches(run, run.state, asked)
    if members is not None:
        rows = rows[members[rows]]
    if not len(rows):
        st.warning(f"No instruction contains {literal(asked)}.")
        return
    shown = rows[:FOUND].tolist()
    prompts = dict(zip(shown, run.prompts(shown), strict=True))
    more = f", the first {FOUND} of which are here" if len(rows) > FOUND else ""
    st.selectbox(
        f"{number(len(rows))} instructions contain it{more}",
        shown,
        index=None,
        placeholder="choose one",
        key=f"{key} found",
        format_func=lambda row: visible(f"{row:,}: {snippet(prompts[row], 80)}"),
        on_change=lambda: found(st.session_state[f"{key} found"]),
    )


def _number(text: str) -> int | None:
    """The number in a text such as "#1,204"; None for words."""
    digits = text.strip().removeprefix("#").replace(",", "")
    return int(digits[:18]) if re.fullmatch("[0-9]+", digits) else None


@st.cache_data(max_entries=32, show_spinner=False)
def _matches(_run: Run, run_hash: str, words: str) -> np.ndarray:
    return matching(_run, Filter(text=words))
