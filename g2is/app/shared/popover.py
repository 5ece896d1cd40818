"""Popovers: their label may change with what is set in them, and their widgets show what they should when it opens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.mutable_popover_container import PopoverContainer

from g2is.app.shared.url import hidden


def popover(label: str, key: str, **options: Any) -> PopoverContainer:
    """A popover that says whether it is `open`, and stays so when its label changes.

    options: those of `st.popover`. Draw into it with `inside` where the values of its widgets are assigned.
    """
    # To Streamlit another label is another popover, and that one is closed. Only then, since what is assigned here wins
    # over a reader who closes it meanwhile.
    before = st.session_state.get(f"label of {key}", label)
    st.session_state[f"label of {key}"] = label
    if before != label and st.session_state.get(key):
        st.session_state[key] = True
    return st.popover(label, key=key, on_change="rerun", **options)


@contextmanager
def inside(place: DeltaGenerator, key: str) -> Iterator[None]:
    """Draw into a popover with this key, or into another place.

    Streamlit's browser part does not know the widgets of a closed popover. Once it is open they show what the last run
    assigned, or else their first option, which would then count as chosen by hand. So values are assigned until a run
    that found the popover open has drawn all of it.
    """
    drawn, is_open = f"drawn {key}", getattr(place, "open", None)
    with place, hidden(is_open is False or (is_open is True and not st.session_state.get(drawn, False))):
        yield
    st.session_state[drawn] = is_open is True
