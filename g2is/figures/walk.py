"""Figures of walks: alignment step by step, and the mix of sources."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from g2is.figures.colours import GREY, OKABE_ITO
from g2is.figures.style import framed, hover, look, share_axis, zero_line
from g2is.walk import WalkTrace


def compare_alignment_figure(traces: Mapping[str, WalkTrace]) -> go.Figure:
    """Alignment after every step, one curve for each walk; it jumps where another target direction begins."""
    figure = go.Figure()
    for place, (name, trace) in enumerate(traces.items()):
        own = np.flatnonzero(trace.steps.component >= 0)
        style = look(place)
        figure.add_trace(
            go.Scatter(
                x=own + 1,
                y=trace.steps.after[own],
                customdata=trace.steps.component[own],
                mode="lines+markers",
                name=escape(name),
                line={"color": style.color, "dash": style.dash},
                marker={"symbol": style.symbol, "size": 5},
                hovertemplate=hover("step %{x}, target direction %{customdata}<br>alignment %{y:.3g}", name),
            )
        )
    return _step_axes(framed(figure, 260))


def sources_figure(shares: Mapping[str, pd.Series]) -> go.Figure:
    """Bars of the share of each source, one series for each entry, such as the pool and a walk."""
    figure = go.Figure()
    for place, (name, series) in enumerate(shares.items()):
        figure.add_trace(
            go.Bar(
                y=[escape(str(source)) for source in series.index],
                x=series.to_numpy(),
                orientation="h",
                name=escape(name),
                marker={
                    "color": GREY if name == "pool" else OKABE_ITO[(place - 1) % 2],
                    "pattern": {"shape": look(place).pattern},
                },
                hovertemplate=hover("%{y}: %{x:.1%}", name),
            )
        )
    rows = max((len(series) for series in shares.values()), default=0)
    figure.update_xaxes(**share_axis())
    figure.update_yaxes(autorange="reversed")
    return framed(figure, 90 + 22 * rows * max(1, len(shares)), barmode="group")


def _step_axes(figure: go.Figure) -> go.Figure:
    figure.update_xaxes(title="step", zeroline=False)
    return figure.update_yaxes(**zero_line(title="alignment"))
