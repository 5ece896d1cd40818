"""The figure of an evaluation over budgets and numbers of validation examples."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from g2is.figures.style import framed, hover, look, named

WIDTH = 0.5
"""Of the methods' dots at one place, whose places are 1 apart."""
HEIGHT = 300
"""Of a row of panels, in pixels."""


def grid_figure(table: pd.DataFrame) -> go.Figure:
    """Loss of every method: a row a target, a column a budget, a place on the axis for each number of validation
    examples (or, where that is not varied, a place for each budget). Dots are means over seeds, bars their standard
    deviation; dashed lines are methods that do not look at the examples.

    table: as `evaluation.cells` gives it, with one row or more.
    """
    varied = table["validation"].notna().any()
    targets = list(dict.fromkeys(table["target"]))
    budgets = sorted(table["budget"].unique())
    columns = budgets if varied else [None]
    axis = "validation" if varied else "budget"
    sizes = table[axis].dropna().unique().tolist()
    places = sorted(sizes, key=lambda size: (size == 0, size))
    methods = list(dict.fromkeys(table["method"]))
    figure = make_subplots(
        rows=len(targets),
        cols=len(columns),
        shared_xaxes=True,
        shared_yaxes=False,
        vertical_spacing=min(0.06, 0.4 / len(targets)),
        horizontal_spacing=0.09,
        subplot_titles=[
            named(target) + ("" if budget is None else f", {budget:,} instructions")
            for target in targets
            for budget in columns
        ],
    )
    for row, target in enumerate(targets, start=1):
        for column, budget in enumerate(columns, start=1):
            here = table[(table["target"] == target) & (budget is None or table["budget"] == budget)]
            for order, method in enumerate(methods):
                mine = here[here["method"] == method]
                if mine.empty:
                    continue
                flat = varied and mine["validation"].isna().all()
                shift = WIDTH * ((order + 0.5) / len(methods) - 0.5)
                figure.add_trace(
                    _line(mine, method, order, len(places), row == column == 1)
                    if flat
                    else _dots(
                        mine,
                        method,
                        order,
                        [places.index(at) + shift for at in mine[axis]],
                        row == column == 1,
                    ),
                    row=row,
                    col=column,
                )
    words = ["all" if varied and not size else f"{size:,}" for size in places]
    figure.update_xaxes(
        tickvals=list(range(len(places))), ticktext=words, range=[-0.6, len(places) - 0.4], zeroline=False
    )
    figure.update_xaxes(title="validation examples" if varied else "instructions", row=len(targets))
    figure.update_yaxes(title="held-out loss", col=1, zeroline=False)
    return framed(figure, 90 + HEIGHT * len(targets), top=72).update_layout(
        legend_y=1 + 36 / (HEIGHT * len(targets))
    )


def _dots(mine: pd.DataFrame, method: str, order: int, x: list[float], legend: bool) -> go.Scatter:
    style = look(order)
    return go.Scatter(
        x=x,
        y=mine["loss"],
        mode="lines+markers",
        line={"color": style.color, "width": 1, "dash": "dot"},
        marker={"color": style.color, "symbol": style.symbol, "size": 9},
        error_y={"type": "data", "array": mine["spread"].fillna(0.0)},
        name=named(method),
        legendgroup=method,
        showlegend=legend,
        customdata=mine[["spread", "verdict"]].fillna(0.0),
        hovertemplate=hover("%{y:.4g} ± %{customdata[0]:.2g}, %{customdata[1]}", method),
    )


def _line(mine: pd.DataFrame, method: str, order: int, places: int, legend: bool) -> go.Scatter:
    style = look(order)
    loss = float(mine["loss"].iloc[0])
    return go.Scatter(
        x=[-0.5, places - 0.5],
        y=[loss, loss],
        mode="lines",
        line={"color": style.color, "width": 2, "dash": "dash"},
        name=named(method),
        legendgroup=method,
        showlegend=legend,
        hovertemplate=hover("%{y:.4g}", method),
    )
