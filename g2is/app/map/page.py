"""The pool in the plane: colour it, search it, read it, draw a lasso around what you want."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from g2is.app import shared as ui
from g2is.app.map.alone import seen_alone
from g2is.app.map.basket import show_basket, show_in_walk
from g2is.app.map.canvas import CANVAS, show_canvas, show_texts
from g2is.app.map.controls import choose_view, explain
from g2is.app.map.found import show_found
from g2is.app.map.parts import walk_part
from g2is.app.map.record import show_focus
from g2is.app.map.view import keep_view, on_event
from g2is.app.shared.canvas.parts import show_part
from g2is.app.shared.opening import whole_page
from g2is.app.walk.undo import show_undo

_STYLE = Path(__file__).parent / "page.css"


@whole_page
def show() -> None:
    """Draw the page."""
    run = ui.open_page("Map", stages=("instructions", "gradients", "graph", "layout"), compact=True)
    ui.add_style(_STYLE)
    controls = st.container(key="map bar")
    shown, beside = st.columns([9, 4], gap="medium")
    canvas, switches = shown.container(), shown.container(horizontal=True, vertical_alignment="center")
    with controls:
        view = choose_view(run, switches)
    with switches:
        explain(view)
    with canvas:
        show_canvas(
            view.parts(),
            key=CANVAS,
            on_event=lambda name: on_event(run, view.points, name, lambda: seen_alone(view)),
        )
        show_texts(run, view.id, keep_view)
    with beside:
        with st.container(horizontal=True, gap="xxsmall"):
            show_undo()
        in_walk = show_basket(run)
        show_focus(view)
    # Last: the walk may have to be computed first, and all else is shown before.
    with canvas:
        trace = view.trace()
        show_part(walk_part(view.id, trace, asked=view.asked), key="map walk")
        show_found(run, view.id, trace)
    show_in_walk(in_walk, run, trace)
