"""A map -> a figure of Plotly, for pools of up to some ten thousand samples; no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from g2is.app.map.points import NOWHERE, MapPoints
from g2is.figures.colours import OKABE_ITO
from g2is.figures.map_colours import LEVELS, NONE, Colouring
from g2is.walk import ORIGINS, WalkTrace

GREY = "#999999"
HEIGHT = 760
FAINT = 0.16


def map_figure(
    points: MapPoints,
    colouring: Colouring,
    texts: Sequence[str],
    selected: NDArray[np.integer],
    *,
    trace: WalkTrace | None = None,
    validation_texts: Sequence[str] = (),
    focus: int | None = None,
    dark: bool = False,
) -> go.Figure:
    """The dots, one series a category, and above them validation samples, walk and focus.

    texts: (n,) shown on hover, already safe to show. selected: samples; the others fade, unless it is empty.
    focus: a sample; validation examples count from -1 down. Each dot and star carries its number as
    customdata.
    """
    figure = go.Figure()
    chosen = np.zeros(len(points.samples), dtype=bool)
    chosen[selected] = True
    for series in _series(points, colouring, dark):
        rows = series.pop("rows")
        figure.add_trace(
            go.Scattergl(
                x=points.samples[rows, 0],
                y=points.samples[rows, 1],
                customdata=rows,
                text=[texts[row] for row in rows],
                hovertemplate="%{text}<extra></extra>",
                mode="markers",
                selectedpoints=np.flatnonzero(chosen[rows]) if len(selected) else None,
                unselected={"marker": {"color": GREY, "opacity": FAINT}},
                **series,
            )
        )
    ink = "#E4E9EE" if dark else "#1B2733"
    if trace is not None:
        _add_path(figure, points, trace, ink)
    placed = points.validation[:, 0] != NOWHERE
    if placed.any():
        figure.add_trace(
            go.Scattergl(
                x=points.validation[placed, 0],
                y=points.validation[placed, 1],
                customdata=-1 - np.flatnonzero(placed),
                text=[text for text, there in zip(validation_texts, placed, strict=True) if there],
                hovertemplate="%{text}<extra></extra>",
                mode="markers",
                marker={"symbol": "star", "size": 9, "color": ink},
                name="validation example",
            )
        )
    if trace is not None:
        _add_anchors(figure, points, trace, ink)
    x, y = (NOWHERE, NOWHERE) if focus is None else points.place(focus)
    if x != NOWHERE:
        figure.add_trace(
            go.Scattergl(
                x=[x],
                y=[y],
                mode="markers",
                hoverinfo="skip",
                marker={"symbol": "circle-open", "size": 18, "color": ink, "line": {"width": 3}},
                name="in focus",
            )
        )
    axis = {"visible": False, "constrain": "domain"}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis, scaleanchor="x")
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        # Streamlit turns clicks off where dragging selects.
        dragmode="pan",
        hovermode="closest",
        legend={"orientation": "h", "yanchor": "top", "y": 0, "x": 0, "itemsizing": "constant"},
    )
    return figure


def _series(points: MapPoints, colouring: Colouring, dark: bool) -> list[dict[str, Any]]:
    """The markers of each series and the `rows` in it; what has no value is one of its own, grey, below the rest."""
    known = points.placed & (colouring.codes != NONE)
    size = 7 if len(points.samples) < 3000 else 5
    series: list[dict[str, Any]] = []
    rows = np.flatnonzero(points.placed & ~known)
    if len(rows):
        series.append(
            {
                "rows": rows,
                "name": colouring.none,
                "marker": {"color": GREY, "opacity": 0.3, "size": size - 1},
            }
        )
    scale = colouring.scale
    palette = colouring.dark if dark else colouring.light
    if scale is None:
        for code, entry in enumerate(colouring.categories):
            rows = np.flatnonzero(known & (colouring.codes == code))
            marker = {"color": _rgb(palette[code]), "symbol": entry.shape, "size": size, "opacity": 0.85}
            series.append({"rows": rows, "name": escape(entry.name), "marker": marker})
        return series
    stops = np.linspace(0, LEVELS, 17).astype(int)
    marks = [0, 0.25, 0.5, 0.75, 1]
    marker = {
        "color": colouring.codes[known],
        "cmin": 0,
        "cmax": LEVELS,
        "size": size,
        "opacity": 0.85,
        "colorscale": [[stop / LEVELS, _rgb(palette[stop])] for stop in stops],
        "colorbar": {
            "title": {"text": f"{colouring.title}<br>{colouring.unit}"},
            "tickvals": [mark * LEVELS for mark in marks],
            "ticktext": [f"{scale.value(mark):,.3g}" for mark in marks],
            "thickness": 12,
            "len": 0.6,
        },
    }
    return [*series, {"rows": np.flatnonzero(known), "name": colouring.title, "marker": marker}]


def _rgb(colour: NDArray[np.uint8]) -> str:
    return "rgb({},{},{})".format(*colour)


def _add_path(figure: go.Figure, points: MapPoints, trace: WalkTrace, ink: str) -> None:
    steps = trace.steps
    # A line for each step, and a gap after it.
    came_from = steps.path()
    led = (came_from >= 0) & points.placed[came_from] & points.placed[steps.sample]
    lines = np.full((int(led.sum()), 3, 2), np.nan)
    lines[:, 0], lines[:, 1] = points.samples[came_from[led]], points.samples[steps.sample[led]]
    figure.add_trace(
        go.Scattergl(
            x=lines[..., 0].ravel(),
            y=lines[..., 1].ravel(),
            mode="lines",
            line={"color": ink, "width": 1},
            opacity=0.6,
            hoverinfo="skip",
            name="walk",
        )
    )


def _add_anchors(figure: go.Figure, points: MapPoints, trace: WalkTrace, ink: str) -> None:
    anchors = trace.steps.sample[trace.steps.origin == ORIGINS.index("anchor")]
    figure.add_trace(
        go.Scattergl(
            x=points.samples[anchors, 0],
            y=points.samples[anchors, 1],
            mode="markers",
            hoverinfo="skip",
            marker={
                "symbol": "diamond",
                "size": 10,
                "color": OKABE_ITO[1],
                "line": {"color": ink, "width": 1},
            },
            name="anchor",
        )
    )
