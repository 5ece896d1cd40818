"""The gradient walk: step through it, see who lost and why, change a setting, and see what that changes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from g2is.app.shared import add_style, link_to, open_page
from g2is.app.shared.opening import whole_page
from g2is.app.walk.budget import show_budget_curve
from g2is.app.walk.effects import show_effects, show_idle
from g2is.app.walk.head import walk_by_bar
from g2is.app.walk.result import show_words
from g2is.app.walk.saving import saved_as, show_saving
from g2is.app.walk.screen import show_screen
from g2is.app.walk.status import show_status
from g2is.app.walk.tabs import show_tabs
from g2is.app.walk.undo import show_undo

_STYLE = Path(__file__).parent / "page.css"


@whole_page
def show() -> None:
    """Draw the page."""
    run = open_page("Walk", compact=True)
    add_style(_STYLE)
    bar = st.container(key="walk bar", horizontal=True, gap="xxsmall", vertical_alignment="center")
    messages = st.container(gap="xxsmall")
    status = st.container()
    settings = walk_by_bar(run, bar, messages)
    walk = settings.walk
    with status:
        show_status(run, walk)
    with bar:
        show_undo()
        with st.popover("Save", icon=":material/save:", key="saving"):
            show_saving(run, walk)
        link_to("Export", "Export", selection=saved_as(run, walk))
        show_words()
    show_screen(run, walk)
    show_tabs(run, walk)
    # Last: other walks have to be computed, and all else is shown before.
    show_idle(run, walk, settings.notes)
    show_effects(run, walk, settings.open)
    if settings.budget_is_open:
        with settings.budget:
            show_budget_curve(run, walk, key="budget in bar")
