"""The figure of fine-tuning results."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from g2is.figures.colours import BLUE, VERMILION
from g2is.figures.style import framed, hover, named


def results_figure(
    results: pd.DataFrame,
    measure: str,
    title: str,
    *,
    best: Literal["low", "high"],
    span: tuple[float, float] | None = None,
) -> go.Figure:
    """The value of every seed, their mean and standard deviation, one row a selection, the best on top.

    results: one row a selection and seed with `selection`, `seed` and the measure. span: of the axis, so that several
    figures can be compared; a little more than the values where None.
    """
    figure = go.Figure()
    order = results.groupby("selection")[measure].mean().sort_values(ascending=best == "high").index
    labels = [named(name) for name in order]
    for place, name in enumerate(order):
        values = results.loc[results["selection"] == name, measure].to_numpy(dtype=float)
        figure.add_trace(
            go.Scatter(
                x=values,
                y=[place] * len(values),  # shortened names may be equal
                mode="markers",
                marker={"symbol": "circle-open", "size": 9, "color": BLUE, "line": {"width": 2}},
                hovertemplate=hover("%{x:.4g}", name),
            )
        )
        figure.add_trace(
            go.Scatter(
                x=[values.mean()],
                y=[place],
                mode="markers",
                marker={"symbol": "diamond", "size": 11, "color": VERMILION},
                error_x={"type": "data", "array": [values.std(ddof=1) if len(values) > 1 else 0.0]},
                hovertemplate=hover("mean %{x:.4g}", name),
            )
        )
    figure.update_xaxes(title=title, zeroline=False, range=span)
    figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=labels, zeroline=False)
    return framed(figure, 110 + 32 * len(order), showlegend=False)
