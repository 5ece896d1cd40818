"""Boxes to choose from what comes and goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st


def choose_kept(label: str, options: Sequence[str], name: Callable[[str], str] = str, *, key: str) -> str:
    """A box over options that change while it is out of sight, in a popover; what is chosen stays as long as it is one
    of them. name: what an option is called in the box."""
    # A box that comes into sight shows its default, whatever Python holds: another one where the options shifted.
    kept = st.session_state.get(key)
    return st.selectbox(
        label, options, options.index(kept) if kept in options else 0, format_func=name, key=key
    )
