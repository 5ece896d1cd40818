"""Figures of selections side by side."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from g2is.figures.colours import BLUE, GREY, OKABE_ITO
from g2is.figures.style import PATTERNS, framed, hover, look, named, share_axis

SETS = 20
"""Columns of the overlap chart, at most."""


def overlap_figure(memberships: pd.DataFrame) -> go.Figure:
    """An UpSet chart: the size of each intersection as a bar, and below it the selections that intersect.

    memberships: as `comparison.memberships` returns it.
    """
    names = [name for name in memberships.columns if name != "samples"]
    shown = memberships.head(SETS)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.6, 0.4], vertical_spacing=0.04)
    x = np.arange(len(shown))
    sets = [" and ".join(escape(name) for name in names if row[name]) for _, row in shown.iterrows()]
    figure.add_trace(
        go.Bar(
            x=x,
            y=shown["samples"],
            text=[f"{count:,}" for count in shown["samples"]],
            textposition="outside",
            cliponaxis=False,
            marker_color=BLUE,
            customdata=sets,
            hovertemplate="only in %{customdata}: %{y:,} instructions<extra></extra>",
        ),
        row=1,
        col=1,
    )
    for place, row in enumerate(shown[names].to_numpy()):
        member = np.flatnonzero(row)
        figure.add_trace(
            go.Scatter(
                x=[place, place],
                y=[member.min(), member.max()],
                mode="lines",
                line={"color": BLUE, "width": 3},
                hoverinfo="skip",
            ),
            row=2,
            col=1,
        )
    inside = shown[names].to_numpy()
    for belongs, color, symbol in ((False, GREY, "circle-open"), (True, BLUE, "circle")):
        columns, rows = np.nonzero(inside == belongs)
        figure.add_trace(
            go.Scatter(
                x=columns,
                y=rows,
                mode="markers",
                marker={"color": color, "symbol": symbol, "size": 11, "opacity": 1.0 if belongs else 0.4},
                hoverinfo="skip",
            ),
            row=2,
            col=1,
        )
    figure.update_yaxes(title="instructions", row=1, col=1)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[named(name) for name in names],
        range=[len(names) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        row=2,
        col=1,
    )
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    return framed(figure, 220 + 34 * len(names), showlegend=False)


def shares_figure(shares: pd.DataFrame) -> go.Figure:
    """One bar for each column, `pool` first, divided into the shares of the values (rows)."""
    figure = go.Figure()
    columns = [named(name) for name in shares.columns]
    places = list(range(len(columns)))
    for place, (value, row) in enumerate(shares.iterrows()):
        style = look(place)
        figure.add_trace(
            go.Bar(
                y=places,  # shortened names may be equal
                x=row.to_numpy(),
                customdata=[escape(str(name)) for name in shares.columns],
                orientation="h",
                name=named(value, 40),
                marker={
                    "color": GREY if value == "others" else style.color,
                    "pattern": {
                        "shape": PATTERNS[(place // len(OKABE_ITO) + place) % len(PATTERNS)],
                        "fillmode": "overlay",
                        "fgcolor": "rgba(255,255,255,0.6)",
                        "size": 7,
                        "solidity": 0.2,
                    },
                    "line": {"width": 1, "color": "rgba(255,255,255,0.8)"},
                },
                hovertemplate=hover("%{customdata}: %{x:.1%}", value),
            )
        )
    figure.update_xaxes(tickformat=".0%", range=[0, 1], zeroline=False)
    figure.update_yaxes(autorange="reversed", tickvals=places, ticktext=columns)
    figure.update_layout(legend_traceorder="normal")
    return framed(figure, 150 + 34 * len(columns) + 10 * len(shares), barmode="stack")


def lengths_figure(lengths: dict[str, np.ndarray]) -> go.Figure:
    """Cumulative distribution of tokens, one curve a selection; the first entry is the pool."""
    figure = go.Figure()
    for place, (name, values) in enumerate(lengths.items()):
        ordered = np.sort(values)
        # 200 points draw the same curve as all of them.
        at = np.unique(np.linspace(0, len(ordered) - 1, min(len(ordered), 200)).astype(int))
        figure.add_trace(
            go.Scatter(
                x=ordered[at],
                y=(at + 1) / len(ordered),
                name=escape(name),
                mode="lines",
                line=_line(place),
                hovertemplate=hover("%{y:.0%} have %{x:,} tokens or fewer", name),
            )
        )
    figure.update_xaxes(title="tokens", zeroline=False, **_log_axis(np.concatenate(list(lengths.values()))))
    figure.update_yaxes(**share_axis("cumulative share", full=True))
    return framed(figure, 320)


def budget_figure(table: pd.DataFrame, measure: str, title: str) -> go.Figure:
    """One curve a selection: a measure of `Profile` against the budget, from `comparison.against_budget`."""
    figure = go.Figure()
    for place, (name, part) in enumerate(table.groupby("selection", sort=False)):
        style = look(place)
        figure.add_trace(
            go.Scatter(
                x=part["budget"],
                y=part[measure],
                name=escape(str(name)),
                mode="lines+markers",
                line={"color": style.color, "dash": style.dash},
                marker={"symbol": style.symbol, "size": 7},
                hovertemplate=hover("%{x:,} instructions: %{y:.3g}", name),
            )
        )
    figure.update_xaxes(title="budget (instructions)", **_log_axis(table["budget"].to_numpy()))
    figure.update_yaxes(title=title)
    return framed(figure, 300)


def _line(place: int) -> dict[str, Any]:
    """The line of the series at a place, of which the first is the pool."""
    if place == 0:
        return {"color": GREY, "dash": "solid", "width": 3}
    style = look(place - 1)
    return {"color": style.color, "dash": style.dash, "width": 2}


def _log_axis(values: np.ndarray) -> dict[str, Any]:
    """A logarithmic axis with whole numbers at 1, 2 and 5 of each power of ten."""
    least, most = max(1, int(values.min(initial=1))), max(2, int(values.max(initial=2)))
    ticks = [step * 10**power for power in range(len(str(most)) + 1) for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if least <= tick <= most]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:,}" for tick in ticks]}
