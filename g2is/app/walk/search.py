"""The search of the walk's screen: by words, or by the number of an instruction."""

from __future__ import annotations

import re

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from g2is.analysis.search import Filter, matching
from g2is.run.run import Run


@st.cache_data(max_entries=32, show_spinner=False)
def found(_run: Run, run_hash: str, words: str) -> NDArray[np.int64]:
    """Instructions that contain words, or the one of this number."""
    row = row_asked(words)
    if row is not None:
        return np.array([row] if row < len(_run.instructions) else [], np.int64)
    return matching(_run, Filter(text=words))


def row_asked(words: str) -> int | None:
    """The instruction that words are the number of, such as #1,204; None where they are none."""
    digits = words.removeprefix("#").replace(",", "")
    return int(digits) if re.fullmatch("[0-9]{1,15}", digits) else None


def nothing_found(words: str, count: int) -> str:
    """Why a search of a pool of so many finds nothing."""
    row = row_asked(words)
    if row is not None and row >= count:
        return f"There is no instruction {row:,}: they are numbered 0 to {count - 1:,}."
    return f"No instruction contains “{words}”."
