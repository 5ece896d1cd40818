"""The sample in focus: its record in full and its ten nearest."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is import ui
from g2is.components.map_view import MapView, change_basket

NEAREST = 10


def show_focus(view: MapView) -> None:
    """The record, its neighbours by gradient, and the ways on."""
    run = view.run
    sample = ui.focus(run)
    st.subheader("Sample in focus", anchor=False)
    if sample is None:
        st.caption(
            "Click a dot to read the instruction. Arrow keys then go on to the next dot in that direction, Escape "
            "clears."
        )
        return
    inside = sample in set(ui.basket(run))
    with st.container(horizontal=True):
        st.button(
            "Out of the basket" if inside else "Into the basket",
            key="focus in basket",
            icon=f":material/{'remove' if inside else 'add'}:",
            on_click=change_basket,
            args=(run, [sample], "remove" if inside else "add"),
        )
        ui.link_to("Neighbourhood", "Its neighbourhood", focus=sample)
        ui.link_to("Walk", "Why is it in, or not?", focus=sample)
        ui.link_to("Instructions", "In the list", focus=sample)
    if not view.points.placed[sample]:
        st.caption(":material/info: It has no gradient and no place on the map.")
    with st.container(border=True):
        ui.show_record(run, sample)
    _nearest(view, sample)


def _nearest(view: MapView, sample: int) -> None:
    run = view.run
    regime = run.regime(view.regime)
    neighbors, cosines = regime.neighbors[sample][:NEAREST], regime.cosines[sample][:NEAREST]
    known = neighbors >= 0
    neighbors, cosines = neighbors[known], cosines[known]
    if not len(neighbors):
        return
    st.markdown(
        f"**Its {len(neighbors)} nearest** by cosine of the gradients",
        help="Those the walk would go to from here. On the map they may lie apart: a plane cannot keep all distances.",
    )

    def choose() -> None:
        rows = st.session_state["nearest"]["selection"]["rows"]
        if rows:
            ui.set_url(focus=int(neighbors[rows[0]]))

    st.session_state["nearest"] = {"selection": {"rows": [], "columns": [], "cells": []}}
    rows = run.instructions.iloc[neighbors]
    st.dataframe(
        pd.DataFrame(
            {
                "sample": neighbors,
                "cosine": cosines.astype(float),
                "prompt": [ui.visible(" ".join(text[:300].split()))[:150] for text in rows["prompt"]],
            }
        ),
        key="nearest",
        on_select=choose,
        selection_mode="single-row",
        hide_index=True,
        height="content",
        column_config={
            "sample": st.column_config.NumberColumn("#", format="localized", width=64),
            "cosine": st.column_config.NumberColumn(format="%.3f", width=64),
            "prompt": st.column_config.TextColumn(width=280),
        },
        alt="The nearest samples by gradient; choose a row to go there",
    )
