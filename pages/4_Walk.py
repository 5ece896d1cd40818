"""The gradient walk: change a parameter, walk again at once, and step through to see why."""

from __future__ import annotations

import streamlit as st

from g2is.components.walk_compare import show_change, show_comparison
from g2is.components.walk_parameters import ParameterPanel, edit_budgets
from g2is.components.walk_result import show_result, show_words
from g2is.components.walk_saving import show_saving
from g2is.components.walk_steps import show_steps
from g2is.components.walk_why import show_why
from g2is.components.walked import last_walked, walked
from g2is.errors import InputError
from g2is.ui import open_page, show_error

run = open_page("Walk")
show_words()
with st.container(border=True):
    panel = ParameterPanel(run)
try:
    walk = walked(run, panel.parameters())
except InputError as error:
    show_error(error)
    last = last_walked(run)
    if last is None:
        st.stop()
    st.caption("Below is still the walk before this change.")
    walk = last

with panel.budget_table:
    edit_budgets(run, walk.knowledge, walk.trace.budgets.tolist())
show_result(walk)
show_change(run, walk)
show_saving(run, walk)
show_steps(run, walk)
show_why(run, walk)
st.subheader("Two walks side by side")
show_comparison(run, walk)
