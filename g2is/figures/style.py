"""The one style of all figures: how series are told apart, and the common layout."""

from __future__ import annotations

from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go

from g2is.figures.colours import GREY, MARKERS, OKABE_ITO

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
PATTERNS = ("", "/", ".", "x", "-", "\\", "+", "|")


class Look(NamedTuple):
    """How one series is drawn."""

    color: str
    dash: str
    symbol: str
    pattern: str


def look(place: int) -> Look:
    """The look of the series at a place; no two of the first eight share a colour, marker or pattern."""
    return Look(
        OKABE_ITO[place % len(OKABE_ITO)],
        DASHES[place % len(DASHES)],
        MARKERS[place % len(MARKERS)],
        PATTERNS[place % len(PATTERNS)],
    )


def framed(figure: go.Figure, height: int, *, top: int = 8, **layout: Any) -> go.Figure:
    """Give a figure the common margins and a legend above it.

    height, top: height of the figure and margin above it, in pixels. layout: further properties, of which `hovermode`
    may replace the common one.
    """
    return figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": top, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        **{"hovermode": "closest", **layout},
    )


def share_axis(title: str = "", *, full: bool = False) -> dict[str, Any]:
    """An axis of shares from zero, in per cent; full: up to one, with room for a line at the top."""
    bounds = {"range": [0, 1.04]} if full else {"rangemode": "tozero"}
    return {"title": title, "tickformat": ".0%", **bounds}


def zero_line(**axis: Any) -> dict[str, Any]:
    """An axis whose zero is drawn."""
    return {"zeroline": True, "zerolinecolor": GREY, **axis}


def named(name: object, most: int = 24) -> str:
    """A name shortened to `most` characters and escaped, as Plotly reads text as HTML."""
    text = str(name)
    return escape(text if len(text) <= most else text[: most - 1] + "…")


def hover(text: str, name: object) -> str:
    """A hover template with the whole name of the series beside it."""
    return f"{text}<extra>{escape(str(name))}</extra>"
