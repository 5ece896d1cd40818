"""Search the pool, filter it, and read any instruction in full."""

import numpy as np
import streamlit as st

from g2is.analysis.ordering import in_order
from g2is.app import shared as ui
from g2is.app.instructions.filters import (
    carried,
    choose_column,
    choose_filters,
    count_filters,
    filtered,
    filtering,
    filters_in_words,
    link_to_walk,
    searched,
)
from g2is.app.instructions.list import show_list
from g2is.app.instructions.order import choose_order, walk_columns
from g2is.app.instructions.reader import show_reader
from g2is.app.shared.opening import whole_page
from g2is.app.shared.popover import inside, popover
from g2is.errors import InputError
from g2is.run.run import Run


@whole_page
def show() -> None:
    """Draw the page."""
    run = ui.open_page("Instructions", stages=["instructions"])
    walk = walk_columns(run)
    search, filters, order = st.columns([6, 2, 3], vertical_alignment="bottom")
    search.text_input(
        "Search in prompts and responses",
        type="search",
        placeholder="words, or a row number such as #1204",
        **filtering("search", ""),
    )
    count = count_filters()
    with filters:
        label = f"Filters: {count}" if count else "Filters"
        place = popover(label, "pool filters", icon=":material/filter_list:", width="stretch")
    with inside(place, "pool filters"):
        choose_filters(run)
        column = choose_column(run)
    with order:
        by = choose_order(run, walk)
    try:
        found = filtered(run)
    except InputError as error:
        ui.stop(error)
    ui.say_what_was_done()
    rows = np.flatnonzero(~run.gone) if found is None else found
    if not len(rows):
        st.info("No instruction matches. Remove a filter, or search for less.", icon=":material/search_off:")
        st.stop()
    if found is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            if not run.gone[rows].all():
                ui.link_to("Map", "Show on the map", **carried())
                link_to_walk(run, rows)
                _all_into_basket(run, rows)
                ui.more_like_these(run, rows, about=filters_in_words(), key="found", suggestion=searched())
            ui.remove_button(run, rows, about=filters_in_words(), key="found")
    rows = in_order(rows, by, run.instructions, walk)
    listed, reader = st.columns([3, 2], gap="medium")
    with listed:
        sample = show_list(run, rows, ui.focus(run), column, walk)
    with reader:
        show_reader(run, rows, sample)


def _all_into_basket(run: Run, rows: np.ndarray) -> None:
    st.button(
        f"All {ui.number(len(rows))} into the basket",
        key="all into the basket",
        icon=":material/add:",
        on_click=ui.fill_basket,
        args=(run, np.union1d(ui.basket(run), rows).astype(int).tolist()),
        help="Every instruction that matches; on the Map, the basket becomes a set with a name.",
    )
