"""Boxes to choose from what comes and goes, and from the views of a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from g2is.app.shared.url import in_url, one_of


def choose_kept(label: str, options: Sequence[str], name: Callable[[str], str] = str, *, key: str) -> str:
    """A box over options that change while it is out of sight, in a popover; what is chosen stays as long as it is one
    of them. name: what an option is called in the box."""
    # A box that comes into sight shows its default, whatever Python holds: another one where the options shifted.
    kept = st.session_state.get(key)
    return st.selectbox(
        label, options, options.index(kept) if kept in options else 0, format_func=name, key=key
    )


def choose_view(label: str, views: Mapping[str, str], default: str) -> str:
    """Which view of the page is drawn, in the URL as `view`. views: their titles by name."""
    view: str = st.segmented_control(
        label,
        list(views),
        format_func=lambda name: views[name],
        required=True,
        label_visibility="collapsed",
        **in_url("view", default, one_of(views)),
    )
    return view
