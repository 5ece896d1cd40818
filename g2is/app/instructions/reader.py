"""The instruction in focus in full, with links to other pages."""

import numpy as np
import streamlit as st

from g2is.app import shared as ui
from g2is.app.shared.filling import fill_basket
from g2is.app.walk.why import show_why_line
from g2is.run.run import Run


def show_reader(run: Run, rows: np.ndarray, sample: int) -> None:
    """The record, with links to other pages."""
    places = np.flatnonzero(rows == sample)
    inside = bool(len(places))
    at = int(places[0]) if inside else int((rows < sample).sum())

    def go(place: int) -> None:
        ui.set_url(focus=int(rows[place]), page=None)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous",
            icon=":material/arrow_back:",
            on_click=go,
            args=(at - 1,),
            disabled=at == 0,
            shortcut="k",
        )
        after = at + 1 if inside else at
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            on_click=go,
            args=(after,),
            disabled=after >= len(rows),
            shortcut="j",
        )
        basket_button(run, sample)
    with st.container(horizontal=True):
        ui.link_to("Walk", "Why is it in, or not?", focus=sample)
        ui.link_to("Neighbourhood", "Similar and conflicting", focus=sample)
        ui.link_to("Map", "On the map", focus=sample)
    if not inside:
        st.caption(":material/info: This instruction does not match the filter.")
    why = st.empty()
    ui.show_record(run, sample)
    # Last: the walk may have to be computed first.
    with why:
        show_why_line(run, sample)


def basket_button(run: Run, sample: int) -> None:
    """Puts the instruction into the basket, or takes it out."""
    basket = ui.basket(run)
    if sample in basket:
        without = [row for row in basket if row != sample]
        st.button("Out of the basket", icon=":material/remove:", on_click=fill_basket, args=(run, without))
    else:
        st.button(
            "Into the basket",
            icon=":material/add:",
            on_click=fill_basket,
            args=(run, [*basket, sample]),
            help="Instructions put aside by hand; the Export page writes them like any selection.",
        )
