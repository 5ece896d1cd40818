"""Search the pool, filter it, and read any instruction in full."""

import numpy as np
import streamlit as st

from g2is.app import shared as ui
from g2is.app.instructions.filters import choose_filter, filter_by_community, filter_by_selection, matches
from g2is.app.instructions.list import show_list
from g2is.app.instructions.reader import show_reader
from g2is.errors import InputError


def show() -> None:
    """Draw the page."""
    run = ui.open_page("Instructions", stages=["instructions"])
    st.caption(
        "The pool: every instruction that could be selected. Search and filter, then read one in full."
    )
    try:
        filter = choose_filter(run)
        rows = matches(run, run.hash, filter)
    except InputError as error:
        ui.stop(error)
    of_selection, of_community = st.columns([3, 1], vertical_alignment="bottom")
    with of_community:
        rows = filter_by_community(run, rows)
    with of_selection:
        rows = filter_by_selection(run, rows)
    if not len(rows):
        st.info("No instruction matches. Remove a filter, or search for less.", icon=":material/search_off:")
        st.stop()
    listed, reader = st.columns([5, 4], gap="medium")
    with listed:
        sample = show_list(run, rows, ui.focus(run), filter.column)
        st.button(
            f"All {ui.number(len(rows))} into the basket",
            key="all into the basket",
            icon=":material/add:",
            on_click=ui.fill_basket,
            args=(run, np.union1d(ui.basket(run), rows).astype(int).tolist()),
            help="Every instruction that matches; on the Map, the basket becomes a set with a name.",
        )
    with reader:
        show_reader(run, rows, sample)
