"""Figures of core knowledge and of gradient regimes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from g2is.analysis.core import Spectrum
from g2is.analysis.regimes import RegimeComparison
from g2is.figures.colours import BLUE, GREY, ORANGE, VERMILION
from g2is.figures.style import framed, hover, look, share_axis

TOP = 28
"""Pixels above a plot, for the legend."""

MOST_BARS = 120
"""Principal directions shown, at most."""


def spectrum_figure(spectrum: Spectrum, variance: float | None) -> go.Figure:
    """The share of each principal direction, kept ones filled and others hatched, and the cumulative sum.

    variance: the share that the sum must reach, drawn as a line; None if a number of directions was set instead.
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
                hovertemplate=hover("%{y:.3p}", name),
            )
        )
    figure.add_trace(
        go.Scatter(
            x=number,
            y=np.cumsum(shares),
            mode="lines+markers" if len(shares) <= 40 else "lines",
            name="cumulative",
            line={"color": ORANGE, "shape": "hv" if len(shares) > 40 else "linear"},
            marker={"size": 4},
            hovertemplate=hover("%{y:.3p}", "cumulative"),
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
    figure.update_xaxes(title="principal direction")
    figure.update_yaxes(**share_axis("share of the spectrum", full=True))
    return framed(figure, 280, top=TOP, hovermode="x unified", bargap=0.1, barmode="overlay")


def facet_figure(values: NDArray[np.floating], title: str, chosen: int, *, share: bool = False) -> go.Figure:
    """One bar a facet (a group of validation examples), the chosen one in another colour and pattern."""
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(values)),
            y=values,
            marker={
                "color": [ORANGE if place == chosen else BLUE for place in range(len(values))],
                "pattern": {"shape": ["x" if place == chosen else "" for place in range(len(values))]},
            },
            hovertemplate="group %{x}: %{y:.3g}<extra></extra>",
        )
    )
    figure.update_xaxes(title="group of examples")
    figure.update_yaxes(title=title, range=[0, 1] if share else None, rangemode="tozero")
    return framed(figure, 220, top=TOP, bargap=0.1, showlegend=False)


def affinity_figure(
    edges: NDArray[np.floating],
    pool: NDArray[np.integer],
    taken: NDArray[np.integer],
    anchor: float | None,
) -> go.Figure:
    """Histograms of cosines to a target direction, as shares: of the pool, and of the samples taken for it.

    edges: (b + 1,); pool, taken: (b,) counts. anchor: cosine of the first sample taken for it.
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
                hovertemplate=hover("%{y:.3p}, %{customdata:,} instructions", name),
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
    figure.update_xaxes(title="cosine to the target direction")
    figure.update_yaxes(**share_axis("share"))
    return framed(figure, 250, top=TOP, hovermode="x unified", bargap=0, barmode="overlay")


def regimes_figure(comparison: RegimeComparison, names: Mapping[str, str]) -> go.Figure:
    """Histograms of pairwise cosines, one line a regime; cosines below 0, conflicts, are shaded.

    names: the name of each regime in the legend.
    """
    edges = comparison.edges
    middle = (edges[:-1] + edges[1:]) / 2
    filled = np.flatnonzero(sum(comparison.counts.values()))
    first, last = max(0, filled[0] - 1), min(len(middle), filled[-1] + 2)
    figure = go.Figure()
    for place, (regime, counts) in enumerate(comparison.counts.items()):
        style = look(place)
        figure.add_trace(
            go.Scatter(
                x=middle[first:last],
                y=counts[first:last] / comparison.pairs,
                customdata=counts[first:last],
                mode="lines",
                name=names[regime],
                line={"color": style.color, "dash": style.dash, "shape": "hvh", "width": 2.5},
                hovertemplate=hover("%{y:.3p}, %{customdata:,} pairs", names[regime]),
            )
        )
    if edges[first] < 0:
        figure.add_vrect(x0=float(edges[first]), x1=0, fillcolor=VERMILION, opacity=0.1, line_width=0)
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
    figure.update_xaxes(title="cosine of two instructions")
    figure.update_yaxes(**share_axis("share of the pairs"))
    return framed(figure, 320, top=TOP, hovermode="x unified")
