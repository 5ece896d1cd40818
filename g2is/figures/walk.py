"""A walk -> figures; no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from g2is.figures.colours import MARKERS, OKABE_ITO
from g2is.walk import WalkTrace

DASHES = ("solid", "dash", "dot", "dashdot")
GREY = "#999999"
_LAYOUT = {
    "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    "height": 260,
    "hovermode": "closest",
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
}


def alignment_figure(trace: WalkTrace, step: int | None = None) -> go.Figure:
    """Alignment after every step, one curve a component; what is still to come after `step` is faint.

    Steps run along the axis as in the walk, so curves stand side by side, each with its component's number.
    """
    steps = trace.steps
    here = len(steps) - 1 if step is None else step
    curves, numbers = [], []
    for component in dict.fromkeys(steps.component[steps.component >= 0].tolist()):
        own = np.flatnonzero(steps.component == component)
        for part, faint in ((own[own <= here], False), (own[own >= here] if here >= own[0] else own, True)):
            if faint and part.size < 2 and here >= own[-1]:
                continue
            curves.append(_curve(trace, component, part, faint))
        if len(own) * 28 >= len(steps):  # room for its number
            numbers.append(
                {
                    "x": float(own.mean()),
                    "y": 1.0,
                    "yref": "paper",
                    "yanchor": "bottom",
                    "text": str(component),
                    "showarrow": False,
                    "opacity": 1.0 if own[0] <= here <= own[-1] else 0.5,
                }
            )
    # All at once: one after the other, each is checked together with all before it.
    figure = go.Figure(curves, {"annotations": numbers})
    if step is not None and len(steps):
        figure.add_vline(x=step, line={"color": GREY, "width": 1, "dash": "dot"})
        if steps.component[step] >= 0:
            figure.add_trace(_here(step, float(steps.after[step])))
    figure.update_layout(**_LAYOUT, showlegend=False)
    figure.update_layout(margin_t=24)
    figure.update_xaxes(title="step", zeroline=False)
    figure.update_yaxes(title="alignment", zeroline=True, zerolinecolor=GREY)
    return figure


def _curve(trace: WalkTrace, component: int, part: np.ndarray, faint: bool) -> go.Scatter:
    style = component % len(OKABE_ITO)
    # A component may come again after others, when it is passed what they left: its curve breaks there.
    breaks = np.flatnonzero(np.diff(part) > 1) + 1
    x = np.insert(part.astype(float), breaks, np.nan)
    y = np.insert(trace.steps.after[part].astype(float), breaks, np.nan)
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": OKABE_ITO[style], "dash": DASHES[component // len(OKABE_ITO) % len(DASHES)]},
        marker={"symbol": MARKERS[style], "size": 5},
        opacity=0.35 if faint else 1.0,
        name=f"component {component}",
        hovertemplate=f"component {component}<br>step %{{x}}<br>alignment %{{y:.3g}}<extra></extra>",
    )


def _here(step: int, alignment: float) -> go.Scatter:
    return go.Scatter(
        x=[step],
        y=[alignment],
        mode="markers",
        marker={"symbol": "circle-open", "size": 16, "color": OKABE_ITO[5], "line": {"width": 3}},
        hovertemplate=f"step {step:,}<br>alignment {alignment:.3g}<extra>here</extra>",
    )


def sources_figure(shares: Mapping[str, pd.Series]) -> go.Figure:
    """Bars of the share that each source has, one series an entry, e.g. of the pool and of a walk."""
    figure = go.Figure()
    patterns = ("", "/", ".", "x")
    for place, (name, series) in enumerate(shares.items()):
        figure.add_trace(
            go.Bar(
                y=[escape(str(source)) for source in series.index],
                x=series.to_numpy(),
                orientation="h",
                name=escape(name),
                marker={
                    "color": GREY if name == "pool" else OKABE_ITO[(place - 1) % 2],
                    "pattern": {"shape": patterns[place % len(patterns)]},
                },
                hovertemplate="%{y}: %{x:.1%}<extra>" + escape(name) + "</extra>",
            )
        )
    rows = max((len(series) for series in shares.values()), default=0)
    figure.update_layout(**{**_LAYOUT, "height": 90 + 22 * rows * max(1, len(shares))}, barmode="group")
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    return figure


def compare_alignment_figure(traces: Mapping[str, WalkTrace]) -> go.Figure:
    """Alignment after every step, one curve a walk; it jumps where another component begins."""
    figure = go.Figure()
    for place, (name, trace) in enumerate(traces.items()):
        steps = trace.steps
        own = steps.component >= 0
        figure.add_trace(
            go.Scatter(
                x=np.flatnonzero(own),
                y=steps.after[own],
                customdata=steps.component[own],
                mode="lines+markers",
                name=escape(name),
                line={"color": OKABE_ITO[place], "dash": DASHES[place]},
                marker={"symbol": MARKERS[place], "size": 5},
                hovertemplate="step %{x}, component %{customdata}<br>alignment %{y:.3g}<extra>"
                + escape(name)
                + "</extra>",
            )
        )
    figure.update_layout(**_LAYOUT)
    figure.update_xaxes(title="step", zeroline=False)
    figure.update_yaxes(title="alignment", zeroline=True, zerolinecolor=GREY)
    return figure
