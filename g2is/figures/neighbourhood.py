"""The figure of the neighbourhood of a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from g2is.figures.colours import BLUE, GREEN, GREY, OKABE_ITO, ORANGE, PINK, SKY, VERMILION, YELLOW
from g2is.figures.style import framed
from g2is.graph import EgoGraph

# By relation: name in the legend, colour, shape, size. No two share a shape.
NODES = {
    "focus": ("instruction in focus", ORANGE, "diamond", 22),
    "aligned": ("aligned", BLUE, "circle", 13),
    "further": ("two hops away", SKY, "circle-open", 11),
    "conflict": ("in conflict", VERMILION, "x", 11),
    "validation": ("validation example", GREEN, "square", 12),
    "component": ("target direction", PINK, "star", 17),
}
# By kind of edge: colour and dash.
EDGES = {
    "aligned": (BLUE, "solid"),
    "conflict": (VERMILION, "dash"),
    "validation": (GREEN, "dot"),
    "affinity": (PINK, "dashdot"),
}
WIDTHS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
"""Cosines to which edges are rounded for their line width: a Plotly trace has one width, so edges of one share a
trace."""

MOST_BETWEEN = 200
"""Edges drawn that do not end at the focus, at most, strongest first: thousands take a browser a second or two."""


def community_colours(communities: Sequence[int]) -> list[str]:
    """The colour of each node's community; grey for none (-1), and for the smallest if there are more than colours."""
    numbers = np.array(communities)
    present, counts = np.unique(numbers[numbers >= 0], return_counts=True)
    commonest = present[np.argsort(-counts, kind="stable")].tolist()
    colours = dict(zip(commonest, OKABE_ITO[:-1], strict=False))
    return [colours.get(number, GREY) for number in numbers.tolist()]


def ego_figure(
    ego: EgoGraph,
    places: NDArray[np.float32],
    relations: Sequence[str],
    hovers: Sequence[str],
    *,
    labels: Sequence[str] | None = None,
    colours: Sequence[str] | None = None,
    ringed: Sequence[int] = (),
    chosen: int | None = None,
    path: Sequence[int | None] = (),
) -> go.Figure:
    """The graph with nodes at places (k, 2); the `customdata` of a node is its index in the graph.

    hovers: (k,) HTML. labels: (k,) text written on the nodes. colours: (k,) colours of the samples, which replace those
    by relation; edges are grey then, and validation samples and components are outlines. ringed: nodes marked as
    possible leaks. chosen: the node marked as chosen in the table. path: nodes joined in this order, None for a gap.
    """
    figure = go.Figure(
        [
            *_path(places, path),
            *_edges(ego, places, grey=colours is not None),
            *_marks(places, ringed, chosen),
        ]
    )
    relation = np.array(relations)
    for name, (legend, colour, symbol, size) in NODES.items():
        here = np.flatnonzero(relation == name).tolist()
        if not here:
            continue
        if colours and name in ("validation", "component"):
            symbol += "-open"
        figure.add_trace(
            go.Scatter(
                x=places[here, 0],
                y=places[here, 1],
                customdata=here,
                mode="markers+text" if labels else "markers",
                text=[labels[node] for node in here] if labels else None,
                textposition="top center",
                textfont={"size": 11},
                name=legend,
                showlegend=not colours,
                marker={
                    "color": [colours[node] for node in here] if colours else colour,
                    "symbol": symbol,
                    "size": size,
                    "line": {
                        "width": 2 if symbol.endswith("open") else 1,
                        "color": colour if not colours else GREY,
                    },
                },
                hovertext=[hovers[node] for node in here],
                hovertemplate="%{hovertext}<extra></extra>",
                # A click chooses another focus; without this the other nodes would fade first.
                unselected={"marker": {"opacity": 1}},
            )
        )
        if colours:  # otherwise the legend entry has the colour of the first node
            figure.add_scatter(
                x=[None],
                y=[None],
                mode="markers",
                name=legend,
                marker={"color": GREY, "symbol": symbol, "size": size},
            )
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.08 * np.maximum(high - low, 0.1)  # for the markers at the edge
    low, high = (low - room).tolist(), (high + room).tolist()
    figure.update_xaxes(visible=False, range=[low[0], high[0]])
    figure.update_yaxes(visible=False, range=[low[1], high[1]])
    framed(figure, 540, dragmode="pan")
    return figure.update_layout(legend={"yanchor": "top", "y": 0})


def _edges(ego: EgoGraph, places: NDArray[np.float32], *, grey: bool) -> list[go.Scatter]:
    """One trace for each kind, width, and whether the edges end at the focus; faint ones first."""
    between = ego.edges[ego.edges["source"] != 0]
    strongest = abs(between["cosine"]).sort_values(ascending=False, kind="stable").index[:MOST_BETWEEN]
    edges: pd.DataFrame = ego.edges[(ego.edges["source"] == 0) | ego.edges.index.isin(strongest)]
    ends = edges[["source", "target"]].to_numpy()
    width = abs(
        edges["cosine"].to_numpy()[:, None] - np.sign(edges["cosine"].to_numpy())[:, None] * WIDTHS
    ).argmin(axis=1)
    at_focus = (ends == 0).any(axis=1)
    traces = []
    for strong in (False, True):
        for kind, (colour, dash) in EDGES.items():
            for step, cosine in enumerate(WIDTHS):
                some = (edges["kind"] == kind).to_numpy() & (width == step) & (at_focus == strong)
                if not some.any():
                    continue
                lines = np.full((int(some.sum()), 3, 2), np.nan, np.float32)
                lines[:, :2] = places[ends[some]]
                traces.append(
                    go.Scatter(
                        x=lines[..., 0].ravel(),
                        y=lines[..., 1].ravel(),
                        mode="lines",
                        line={
                            "color": GREY if grey else colour,
                            "dash": dash,
                            "width": (0.5 + 4.5 * cosine) * (1 if strong else 0.6),
                        },
                        opacity=0.85 if strong else 0.22,
                        hoverinfo="skip",
                        showlegend=False,
                        name=f"{kind} {cosine:.1f}",
                    )
                )
    return traces


def _path(places: NDArray[np.float32], path: Sequence[int | None]) -> list[go.Scatter]:
    """A broad line beneath everything else."""
    if not path:
        return []
    x, y = ([None if node is None else float(places[node, axis]) for node in path] for axis in (0, 1))
    return [
        go.Scatter(
            x=x,
            y=y,
            mode="lines+markers",
            name="on the strongest path",
            line={"color": YELLOW, "width": 10},
            marker={"color": YELLOW, "size": 30},
            hoverinfo="skip",
        )
    ]


def _marks(places: NDArray[np.float32], ringed: Sequence[int], chosen: int | None) -> list[go.Scatter]:
    """Rings beneath the nodes that they mark."""
    traces = []
    rings = (
        ("possible leak", list(ringed), "circle-open", VERMILION, 24),
        ("chosen in the table", [] if chosen is None else [chosen], "circle-open-dot", ORANGE, 30),
    )
    for name, nodes, symbol, colour, size in rings:
        if nodes:
            traces.append(
                go.Scatter(
                    x=places[nodes, 0],
                    y=places[nodes, 1],
                    mode="markers",
                    name=name,
                    marker={"symbol": symbol, "size": size, "color": colour, "line": {"width": 3}},
                    hoverinfo="skip",
                )
            )
    return traces
