"""The gradient walk: change a parameter, walk again at once, and step through to see why."""

from __future__ import annotations

import streamlit as st

from g2is.app.shared import open_page
from g2is.app.walk.change import show_change
from g2is.app.walk.compare import show_comparison
from g2is.app.walk.head import walk_by_panel
from g2is.app.walk.result import show_result, show_words
from g2is.app.walk.saving import show_saving
from g2is.app.walk.steps import show_steps
from g2is.app.walk.why import show_why


def show() -> None:
    """Draw the page."""
    run = open_page("Walk")
    show_words()
    walk = walk_by_panel(run)
    show_result(walk)
    show_change(run, walk)
    show_saving(run, walk)
    show_steps(run, walk)
    show_why(run, walk)
    st.subheader("Two walks side by side")
    show_comparison(run, walk)
