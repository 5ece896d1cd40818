"""The head that the pages about a walk share: its settings, and the walk that they make."""

from __future__ import annotations

import streamlit as st

from g2is.app.shared import show_error
from g2is.app.shared.walked import Walked, last_walked, walked
from g2is.app.walk.budgets import edit_budgets
from g2is.app.walk.panel import TABS, ParameterPanel
from g2is.errors import InputError
from g2is.run.run import Run


def walk_by_panel(run: Run, *, tab: str = TABS[0]) -> Walked:
    """Draws the settings and walks by them.

    Where no walk can have them, shows why and returns the walk before the change, or stops the page if there was none.
    tab: the one that is open at first.
    """
    with st.container(border=True):
        panel = ParameterPanel(run, tab=tab)
    try:
        walk = walked(run, panel.parameters())
    except InputError as error:
        show_error(error)
        last = last_walked(run)
        if last is None:
            st.stop()
        st.caption("What follows is still the walk before this change.")
        walk = last
    with panel.budget_table:
        edit_budgets(run, walk.knowledge, walk.trace.budgets.tolist())
    return walk
