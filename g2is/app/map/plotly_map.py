"""The map drawn with Plotly, for pools that it draws at ease; click, lasso and box do what they do on the canvas."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from g2is.app import shared as ui
from g2is.app.map.view import MapView, change_basket, go_to, in_focus
from g2is.figures.map import map_figure
from g2is.figures.map_colours import Colouring
from g2is.run.run import Run

KEY = "map plotly"
HOVER = 70
"""Letters of a line of the text on hover, at most."""


def show_plotly(view: MapView) -> None:
    """The figure, and what becomes of what is selected in it."""
    run = view.run
    how: Any = st.segmented_control(
        "What a lasso or a box does with the basket",
        ["new", "add", "remove"],
        format_func={"new": "start anew", "add": "add to it", "remove": "take out of it"}.__getitem__,
        default="new",
        required=True,
        key="map plotly how",
        help="Lasso and box are chosen at the top right of the picture.",
    )
    figure = map_figure(
        view.points,
        _visible(view.colouring),
        _texts(run, run.hash),
        np.array(ui.basket(run), np.int64),
        trace=view.trace(),
        validation_texts=hover_texts(run.validation, "validation example"),
        focus=in_focus(run),
        dark=st.context.theme.type == "dark",
    )

    def select() -> None:
        selected = st.session_state[KEY]["selection"]
        polygon = drawn_polygon(selected)
        if polygon is not None:
            change_basket(run, view.points.inside(polygon).tolist(), how)
        elif len(selected["points"]) == 1 and "customdata" in selected["points"][0]:
            go_to(int(np.ravel(selected["points"][0]["customdata"])[0]))

    st.plotly_chart(
        figure,
        key=KEY,
        on_select=select,
        config={
            "displaylogo": False,
            "scrollZoom": True,
            "displayModeBar": True,
            "toImageButtonOptions": {"filename": "map", "scale": 2},
        },
    )


def drawn_polygon(selected: object) -> list[list[float]] | None:
    """The corners of the lasso or box of Streamlit's selection event, if one was drawn."""
    for kind in ("lasso", "box"):
        shapes = selected[kind]  # type: ignore[index]
        if shapes:
            x, y = shapes[-1]["x"], shapes[-1]["y"]
            if kind == "lasso":
                return [[a, b] for a, b in zip(x, y, strict=True)]
            return [[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]]]
    return None


def _visible(colouring: Colouring) -> Colouring:
    """With names of categories that show every character."""
    shown = (replace(entry, name=ui.visible(entry.name)) for entry in colouring.categories)
    return replace(colouring, categories=tuple(shown))


@st.cache_resource(max_entries=4, show_spinner=False)
def _texts(_run: Run, run_hash: str) -> Sequence[str]:
    return hover_texts(_run.instructions, "sample")


def hover_texts(frame: pd.DataFrame, kind: str) -> list[str]:
    """For each row what Plotly may show on hover: its number, its prompt and its source, nothing read as markup."""
    texts = []
    for row, (prompt, source) in enumerate(zip(frame["prompt"], frame["source"], strict=True)):
        lines = textwrap.wrap(prompt[: 4 * HOVER], HOVER)[:2]
        shown = "<br>".join(escape(ui.visible(line)) for line in lines)
        texts.append(f"<b>{kind} {row:,}</b><br>{shown}<br><i>{escape(ui.visible(source))}</i>")
    return texts
