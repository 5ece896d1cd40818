"""Figures of walks: alignment step by step, and the mix of sources."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from g2is.figures.colours import GREY, MARKERS, OKABE_ITO, VERMILION
from g2is.figures.style import DASHES, framed, hover, look, share_axis, zero_line
from g2is.walk import WalkTrace

LABEL_SHARE = 28
"""A target direction is labelled above its curve if it has at least one of this many steps."""


def alignment_figure(trace: WalkTrace, step: int | None = None) -> go.Figure:
    """Alignment after every step, one curve for each target direction; faint after `step`.

    The axis is the order of the walk, so that curves are side by side. `step` counts from 0, the axis from 1.
    """
    steps = trace.steps
    here = len(steps) - 1 if step is None else step
    curves, labels = [], []
    for component in dict.fromkeys(steps.component[steps.component >= 0].tolist()):
        own = np.flatnonzero(steps.component == component)
        past, future = own[own <= here], own[own >= here] if here >= own[0] else own
        curves.append(_curve(trace, component, past))
        if future.size > 1 or here < own[-1]:
            curves.append(_curve(trace, component, future, opacity=0.35))
        if len(own) * LABEL_SHARE >= len(steps):
            labels.append(_label(own, str(component), current=bool(own[0] <= here <= own[-1])))
    # All at once: with one at a time Plotly validates all earlier ones again.
    figure = go.Figure(curves, {"annotations": labels})
    if step is not None and len(steps):
        figure.add_vline(x=step + 1, line={"color": GREY, "width": 1, "dash": "dot"})
        if steps.component[step] >= 0:
            figure.add_trace(_current(step, float(steps.after[step])))
    return _step_axes(framed(figure, 260, top=24, showlegend=False))


def _curve(trace: WalkTrace, component: int, part: np.ndarray, opacity: float = 1.0) -> go.Scatter:
    # A target direction may continue after others, with budget that they did not use: its curve has a gap there.
    breaks = np.flatnonzero(np.diff(part) > 1) + 1
    style = component % len(OKABE_ITO)
    return go.Scatter(
        x=np.insert(part + 1.0, breaks, np.nan),
        y=np.insert(trace.steps.after[part].astype(float), breaks, np.nan),
        mode="lines+markers",
        line={"color": OKABE_ITO[style], "dash": DASHES[component // len(OKABE_ITO) % len(DASHES)]},
        marker={"symbol": MARKERS[style], "size": 5},
        opacity=opacity,
        name=f"target direction {component}",
        hovertemplate=f"target direction {component}<br>step %{{x}}<br>alignment %{{y:.3g}}<extra></extra>",
    )


def _label(own: np.ndarray, text: str, *, current: bool) -> dict[str, object]:
    return {
        "x": float(own.mean()) + 1,
        "y": 1.0,
        "yref": "paper",
        "yanchor": "bottom",
        "text": text,
        "showarrow": False,
        "opacity": 1.0 if current else 0.5,
    }


def _current(step: int, alignment: float) -> go.Scatter:
    return go.Scatter(
        x=[step + 1],
        y=[alignment],
        mode="markers",
        marker={"symbol": "circle-open", "size": 16, "color": VERMILION, "line": {"width": 3}},
        hovertemplate=f"step {step + 1:,}<br>alignment {alignment:.3g}<extra>this step</extra>",
    )


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
