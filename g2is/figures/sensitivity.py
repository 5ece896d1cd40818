"""The figure of a walk over a grid of two settings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from g2is.figures.colours import VERMILION
from g2is.figures.style import framed

CELL = 44
"""Pixels of a cell of the grid."""


def grid_figure(
    table: pd.DataFrame, measure: str, title: str, here: tuple[float, float], *, other_title: str
) -> go.Figure:
    """A heat map of one measure over the grid of `sensitivity`; every cell is a point that can be clicked.

    here: delta and the other setting of the current walk, whose cell is framed. other_title: name of that setting.
    """
    other = next(name for name in ("variance", "facets") if name in table)
    values = table[measure].to_numpy(dtype=float)
    across = [f"{delta:g}" for delta in table["delta"]]
    down = [f"{value:g}" for value in table[other]]
    known = values[np.isfinite(values)]
    middle = (known.min() + known.max()) / 2 if known.size else 0.0
    figure = go.Figure(
        go.Scatter(
            x=across,
            y=down,
            mode="markers+text",
            text=["–" if np.isnan(value) else _three(value) for value in values],
            # Dark text on the bright end of the scale, light text on the dark one.
            textfont={"size": 11, "color": ["#ffffff" if value < middle else "#000000" for value in values]},
            marker={"symbol": "square", "size": CELL, "color": values, "colorscale": "Cividis"},
            hovertemplate=f"delta %{{x}}, {other_title} %{{y}}<br>{title} %{{text}}<extra>click to use this</extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[f"{here[0]:g}"],
            y=[f"{here[1]:g}"],
            mode="markers",
            marker={
                "symbol": "square-open",
                "size": CELL + 2,
                "color": VERMILION,
                "line": {"width": 4, "color": VERMILION},
            },
            hoverinfo="skip",
            visible=here[0] in set(table["delta"]) and here[1] in set(table[other]),
        )
    )
    figure.update_xaxes(title="delta", type="category", showgrid=False, zeroline=False)
    figure.update_yaxes(title=other_title, type="category", showgrid=False, zeroline=False)
    rows = table[other].nunique()
    return framed(
        figure,
        90 + (CELL + 5) * rows,
        top=36,
        title={"text": title, "font": {"size": 14}},
        showlegend=False,
    )


def _three(value: float) -> str:
    """The number with three significant digits, or a whole number in full."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"
