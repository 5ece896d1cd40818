"""Selections side by side -> figures; no Streamlit."""

from __future__ import annotations

from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from g2is.figures.colours import MARKERS, OKABE_ITO

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
GREY = "#999999"
PATTERNS = ("", "/", ".", "x", "-", "\\", "+", "|")
CELL = 44
"""Pixels of a cell of the grid."""

SETS = 20
"""Columns of the overlap chart; the table has all."""


def style(place: int) -> dict[str, Any]:
    """Colour, dash, marker and pattern of the selection at a place: no two alike among the first eight."""
    return {
        "color": OKABE_ITO[place % len(OKABE_ITO)],
        "dash": DASHES[place % len(DASHES)],
        "symbol": MARKERS[place % len(MARKERS)],
        "pattern": PATTERNS[place % len(PATTERNS)],
    }


def overlap_figure(memberships: pd.DataFrame) -> go.Figure:
    """Sizes of all intersections as bars over the selections that each is made of (an UpSet chart).

    memberships: as `comparison.memberships` gives it.
    """
    names = [name for name in memberships.columns if name != "samples"]
    shown = memberships.head(SETS)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.6, 0.4], vertical_spacing=0.04)
    x = np.arange(len(shown))
    said = [" and ".join(escape(name) for name in names if row[name]) for _, row in shown.iterrows()]
    figure.add_trace(
        go.Bar(
            x=x,
            y=shown["samples"],
            text=[f"{count:,}" for count in shown["samples"]],
            textposition="outside",
            cliponaxis=False,
            marker_color=OKABE_ITO[0],
            customdata=said,
            hovertemplate="only in %{customdata}: %{y:,} samples<extra></extra>",
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
                line={"color": OKABE_ITO[0], "width": 3},
                hoverinfo="skip",
            ),
            row=2,
            col=1,
        )
    inside = shown[names].to_numpy()
    for belongs, color, symbol in ((False, GREY, "circle-open"), (True, OKABE_ITO[0], "circle")):
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
    figure.update_yaxes(title="samples", row=1, col=1)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[_short(name) for name in names],
        range=[len(names) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        row=2,
        col=1,
    )
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    return _framed(figure, height=220 + 34 * len(names), showlegend=False)


def shares_figure(shares: pd.DataFrame) -> go.Figure:
    """One bar a column, `pool` first, divided into the shares (rows) that each value has of it."""
    figure = go.Figure()
    columns = [_short(str(name)) for name in shares.columns]
    places = list(range(len(columns)))
    for place, (value, row) in enumerate(shares.iterrows()):
        look = style(place)
        figure.add_trace(
            go.Bar(
                y=places,  # names that are cut may be alike
                x=row.to_numpy(),
                customdata=[escape(str(name)) for name in shares.columns],
                orientation="h",
                name=_short(str(value), 40),
                marker={
                    "color": GREY if value == "others" else look["color"],
                    "pattern": {
                        "shape": PATTERNS[(place // len(OKABE_ITO) + place) % len(PATTERNS)],
                        "fillmode": "overlay",
                        "fgcolor": "rgba(255,255,255,0.6)",
                        "size": 7,
                        "solidity": 0.2,
                    },
                    "line": {"width": 1, "color": "rgba(255,255,255,0.8)"},
                },
                hovertemplate="%{customdata}: %{x:.1%}<extra>" + escape(str(value)) + "</extra>",
            )
        )
    figure.update_xaxes(tickformat=".0%", range=[0, 1], zeroline=False)
    figure.update_yaxes(autorange="reversed", tickvals=places, ticktext=columns)
    figure.update_layout(legend_traceorder="normal")
    return _framed(figure, height=150 + 34 * len(columns) + 10 * len(shares), barmode="stack")


def lengths_figure(lengths: dict[str, np.ndarray]) -> go.Figure:
    """Share of each selection with at most so many tokens, as curves; the first entry is the pool."""
    figure = go.Figure()
    for place, (name, values) in enumerate(lengths.items()):
        ordered = np.sort(values)
        # Two hundred points draw the curve as well as all of them.
        at = np.unique(np.linspace(0, len(ordered) - 1, min(len(ordered), 200)).astype(int))
        figure.add_trace(
            go.Scatter(
                x=ordered[at],
                y=(at + 1) / len(ordered),
                name=escape(name),
                mode="lines",
                line=_line(place),
                hovertemplate="%{y:.0%} have at most %{x:,} tokens<extra>" + escape(name) + "</extra>",
            )
        )
    figure.update_xaxes(title="tokens", zeroline=False, **_log_axis(np.concatenate(list(lengths.values()))))
    figure.update_yaxes(title="share with at most so many", tickformat=".0%", range=[0, 1.02])
    return _framed(figure, height=320)


def budget_figure(table: pd.DataFrame, measure: str, title: str) -> go.Figure:
    """One curve a selection: a measure of `Profile` against the budget, from `comparison.against_budget`."""
    figure = go.Figure()
    for place, (name, part) in enumerate(table.groupby("selection", sort=False)):
        look = style(place)
        figure.add_trace(
            go.Scatter(
                x=part["budget"],
                y=part[measure],
                name=escape(str(name)),
                mode="lines+markers",
                line={"color": look["color"], "dash": look["dash"]},
                marker={"symbol": look["symbol"], "size": 7},
                hovertemplate="%{x:,} samples: %{y:.3g}<extra>" + escape(str(name)) + "</extra>",
            )
        )
    figure.update_xaxes(title="budget (samples)", **_log_axis(table["budget"].to_numpy()))
    figure.update_yaxes(title=title)
    return _framed(figure, height=300)


def grid_figure(table: pd.DataFrame, measure: str, title: str, here: tuple[float, float]) -> go.Figure:
    """A heat map of one measure over the grid of `sensitivity`; every cell is a point that can be clicked.

    here: delta and second setting of the current walk, framed where the grid holds it.
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
            hovertemplate=f"delta %{{x}}, {other} %{{y}}<br>{title} %{{text}}<extra>click to walk so</extra>",
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
                "color": OKABE_ITO[5],
                "line": {"width": 4, "color": OKABE_ITO[5]},
            },
            hoverinfo="skip",
            visible=here[0] in set(table["delta"]) and here[1] in set(table[other]),
        )
    )
    figure.update_xaxes(title="delta", type="category", showgrid=False, zeroline=False)
    figure.update_yaxes(title=other, type="category", showgrid=False, zeroline=False)
    rows = table[other].nunique()
    return _framed(
        figure,
        height=90 + (CELL + 5) * rows,
        title={"text": title, "font": {"size": 14}},
        margin_t=36,
        showlegend=False,
    )


def results_figure(
    results: pd.DataFrame, measure: str, title: str, *, best: Literal["low", "high"]
) -> go.Figure:
    """Dots of every seed and their mean with its spread, one row a selection, the best on top.

    results: one row a selection and seed with `selection`, `seed` and the measure.
    """
    figure = go.Figure()
    order = results.groupby("selection")[measure].mean().sort_values(ascending=best == "high").index
    labels = [_short(str(name)) for name in order]
    for place, name in enumerate(order):
        values = results.loc[results["selection"] == name, measure].to_numpy(dtype=float)
        figure.add_trace(
            go.Scatter(
                x=values,
                y=[place] * len(values),  # names that are cut may be alike
                mode="markers",
                marker={"symbol": "circle-open", "size": 9, "color": OKABE_ITO[0]},
                hovertemplate="%{x:.4g}<extra>" + escape(str(name)) + "</extra>",
            )
        )
        figure.add_trace(
            go.Scatter(
                x=[values.mean()],
                y=[place],
                mode="markers",
                marker={"symbol": "diamond", "size": 11, "color": OKABE_ITO[5]},
                error_x={"type": "data", "array": [values.std(ddof=1) if len(values) > 1 else 0.0]},
                hovertemplate="mean %{x:.4g}<extra>" + escape(str(name)) + "</extra>",
            )
        )
    figure.update_xaxes(title=title, zeroline=False)
    figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=labels, zeroline=False)
    return _framed(figure, height=110 + 32 * len(order), showlegend=False)


def _line(place: int) -> dict[str, Any]:
    if place == 0:
        return {"color": GREY, "dash": "solid", "width": 3}
    look = style(place - 1)
    return {"color": look["color"], "dash": look["dash"], "width": 2}


def _log_axis(values: np.ndarray) -> dict[str, Any]:
    """A logarithmic axis with whole numbers at 1, 2 and 5 of each power of ten."""
    least, most = max(1, int(values.min(initial=1))), max(2, int(values.max(initial=2)))
    ticks = [step * 10**power for power in range(len(str(most)) + 1) for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if least <= tick <= most]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:,}" for tick in ticks]}


def _three(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


def _short(text: str, most: int = 24) -> str:
    text = text if len(text) <= most else text[: most - 1] + "…"
    return escape(text)


def _framed(figure: go.Figure, **layout: Any) -> go.Figure:
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": layout.pop("margin_t", 8), "b": 8},
        hovermode="closest",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        **layout,
    )
    return figure
