"""Popovers whose label changes with what is set in them."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.elements.lib.mutable_popover_container import PopoverContainer


def popover(label: str, key: str, **options: Any) -> PopoverContainer:
    """A popover that says whether it is `open`, and stays so when its label changes.

    options: those of `st.popover`.
    """
    # To Streamlit another label is another popover, and that one is closed. Only then, since what is assigned here wins
    # over a reader who closes it meanwhile.
    before = st.session_state.get(f"label of {key}", label)
    st.session_state[f"label of {key}"] = label
    if before != label and st.session_state.get(key):
        st.session_state[key] = True
    return st.popover(label, key=key, on_change="rerun", **options)
