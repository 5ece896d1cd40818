"""Core knowledge and gradient regimes -> figures; no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from g2is.analysis.core import Spectrum
from g2is.analysis.regimes import RegimeComparison
from g2is.figures.colours import OKABE_ITO
from g2is.figures.walk import DASHES, GREY

_LAYOUT = {
    "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
    "height": 280,
    "hovermode": "x unified",
    "bargap": 0.1,
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
}
BLUE, ORANGE, GREEN = OKABE_ITO[:3]
MOST_BARS = 120


def spectrum_figure(spectrum: Spectrum, variance: float | None) -> go.Figure:
    """Share of every principal direction, kept ones filled and the others hatched, and their running sum.

    variance: the share that the sum has to pass, drawn as a line; None where a number of directions was asked for.
    """
    shares = spectrum.shares[:MOST_BARS]
    number = np.arange(1, len(shares) + 1)
    figure = go.Figure()
    for name, part, style in (
        ("kept", number <= spectrum.kept, {"color": BLUE}),
        (
            "left out",
            number > spectrum.kept,
            {"color": GREY, "pattern": {"shape": "/", "solidity": 0.4}},
        ),
    ):
        figure.add_trace(
            go.Bar(
                x=number[part],
                y=shares[part],
                name=name,
                marker=style,
                hovertemplate="%{y:.3p}<extra>" + name + "</extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=number,
            y=np.cumsum(shares),
            mode="lines+markers" if len(shares) <= 40 else "lines",
            name="sum so far",
            line={"color": ORANGE, "shape": "hv" if len(shares) > 40 else "linear"},
            marker={"size": 4},
            hovertemplate="%{y:.3p}<extra>sum so far</extra>",
        )
    )
    if variance is not None:
        figure.add_hline(
            y=variance,
            line={"color": GREY, "dash": "dot", "width": 1.5},
            annotation_text=f"variance {variance:.3g}",
            annotation_position="top right",
        )
    if spectrum.kept < len(shares):
        figure.add_vline(x=spectrum.kept + 0.5, line={"color": GREY, "dash": "dash", "width": 1.5})
    figure.update_layout(**_LAYOUT, barmode="overlay")
    figure.update_xaxes(title="principal direction")
    figure.update_yaxes(title="share of the spectrum", tickformat=".0%", range=[0, 1.04])
    return figure


def facet_figure(values: NDArray[np.floating], title: str, chosen: int, *, share: bool = False) -> go.Figure:
    """One bar a facet; the chosen one outlined."""
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(values)),
            y=values,
            marker={
                "color": [ORANGE if place == chosen else BLUE for place in range(len(values))],
                "pattern": {"shape": ["x" if place == chosen else "" for place in range(len(values))]},
            },
            hovertemplate="facet %{x}: %{y:.3g}<extra></extra>",
        )
    )
    figure.update_layout(**{**_LAYOUT, "height": 220, "hovermode": "closest"}, showlegend=False)
    figure.update_xaxes(title="facet")
    figure.update_yaxes(title=title, range=[0, 1] if share else None, rangemode="tozero")
    return figure


def affinity_figure(
    edges: NDArray[np.floating],
    pool: NDArray[np.integer],
    taken: NDArray[np.integer],
    anchor: float | None,
) -> go.Figure:
    """Histograms over cosines to a component, as shares: of the pool, and of what the walk took for it.

    edges: (b + 1,); pool, taken: (b,) counts. anchor: the cosine of the sample that the walk begins at.
    """
    middle, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    figure = go.Figure()
    for name, counts, style in (
        ("pool", pool, {"color": GREY}),
        ("taken for it", taken, {"color": BLUE, "pattern": {"shape": "/"}}),
    ):
        total = counts.sum()
        figure.add_trace(
            go.Bar(
                x=middle,
                y=counts / max(1, total),
                width=width,
                customdata=counts,
                name=name,
                marker=style,
                opacity=0.75,
                hovertemplate="%{y:.3p}, %{customdata:,} samples<extra>" + name + "</extra>",
            )
        )
    figure.add_vline(x=0, line={"color": GREY, "width": 1, "dash": "dot"})
    if anchor is not None:
        figure.add_vline(
            x=anchor,
            line={"color": ORANGE, "width": 2},
            annotation_text="anchor",
            annotation_position="top left",
        )
    figure.update_layout(**{**_LAYOUT, "height": 250, "bargap": 0}, barmode="overlay")
    figure.update_xaxes(title="cosine to the component")
    figure.update_yaxes(title="share", tickformat=".0%", rangemode="tozero")
    return figure


def regimes_figure(found: RegimeComparison, names: Mapping[str, str]) -> go.Figure:
    """Histograms of pairwise cosines, one line a regime; the side of conflicts is shaded.

    names: what to call each regime.
    """
    edges = found.edges
    middle = (edges[:-1] + edges[1:]) / 2
    filled = np.flatnonzero(sum(found.counts.values()))
    first, last = max(0, filled[0] - 1), min(len(middle), filled[-1] + 2)
    figure = go.Figure()
    for place, (regime, counts) in enumerate(found.counts.items()):
        figure.add_trace(
            go.Scatter(
                x=middle[first:last],
                y=counts[first:last] / found.pairs,
                customdata=counts[first:last],
                mode="lines",
                name=names[regime],
                line={"color": OKABE_ITO[place], "dash": DASHES[place], "shape": "hvh", "width": 2.5},
                hovertemplate="%{y:.3p}, %{customdata:,} pairs<extra>" + names[regime] + "</extra>",
            )
        )
    if edges[first] < 0:
        figure.add_vrect(x0=float(edges[first]), x1=0, fillcolor=OKABE_ITO[5], opacity=0.1, line_width=0)
        figure.add_annotation(
            x=0,
            y=1,
            yref="paper",
            text="conflict",
            showarrow=False,
            xanchor="right",
            yanchor="top",
            xshift=-6,
        )
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    figure.update_layout(**{**_LAYOUT, "height": 320})
    figure.update_xaxes(title="cosine of two samples")
    figure.update_yaxes(title="share of the pairs", tickformat=".0%", rangemode="tozero")
    return figure
