"""Small figures of whether a target is described well enough."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from g2is.analysis.target_curve import Curve
from g2is.figures.colours import BLUE, ORANGE
from g2is.figures.style import framed, hover, look, share_axis
from g2is.graph.kinds import Kinds

HEIGHT, TOP = 190, 26
MOST_KINDS = 60
"""Kinds shown, at most, the largest ones first; then single ones as one bar would not tell more."""


def kinds_figure(kinds: Kinds) -> go.Figure:
    """The number of examples of each kind, the largest first; kinds with one example in another colour and pattern."""
    sizes = kinds.sizes[:MOST_KINDS]
    number = np.arange(1, len(sizes) + 1)
    figure = go.Figure()
    for name, part, style in (
        ("two or more", sizes > 1, {"color": BLUE}),
        ("one example", sizes == 1, {"color": ORANGE, "pattern": {"shape": "/", "solidity": 0.4}}),
    ):
        figure.add_trace(
            go.Bar(
                x=number[part],
                y=sizes[part],
                name=name,
                marker=style,
                hovertemplate=hover("kind %{x}: %{y}", name),
            )
        )
    figure.update_xaxes(title="kind", dtick=max(1, len(sizes) // 6), tick0=1)
    figure.update_yaxes(title="examples", rangemode="tozero", tickformat="d", nticks=5)
    return framed(figure, HEIGHT, top=TOP, bargap=0.15, barmode="overlay")


def curve_figure(curve: Curve) -> go.Figure:
    """By number of examples: the share of the selection as for all, and how well held-back examples are served."""
    figure = go.Figure()
    for place, (name, values) in enumerate(
        (("same selection", curve.shared), ("held-back examples served", curve.coverage))
    ):
        style = look(place)
        figure.add_trace(
            go.Scatter(
                x=list(curve.sizes),
                y=values,
                mode="lines+markers",
                name=name,
                line={"color": style.color, "dash": style.dash},
                marker={"symbol": style.symbol, "size": 7},
                hovertemplate=hover("%{x} examples: %{y:.0%}", name),
            )
        )
    figure.update_xaxes(
        title="examples", type="log", tickvals=list(curve.sizes), ticktext=list(map(str, curve.sizes))
    )
    figure.update_yaxes(**share_axis(full=True))
    return framed(figure, HEIGHT, top=TOP)
