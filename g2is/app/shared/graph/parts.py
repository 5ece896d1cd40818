"""Neighbourhoods as bytes for a canvas: about 2 kB for 40 nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from g2is.analysis.neighbourhood import RELATIONS
from g2is.analysis.step_graphs import DrawnGraph
from g2is.app.shared.canvas.parts import pack
from g2is.graph import EgoGraph

STYLE = Path(__file__).parent / "graph.css"
EDGES = ("aligned", "conflict", "validation", "affinity")
"""Kinds of edges, by the number that is sent."""
MOST_BETWEEN = 200
"""Edges drawn that do not end at the focus, at most, strongest first; thousands are a grey cloud."""


def graphs_part(
    channel: str, kind: str, header: dict[str, Any], graphs: Mapping[int, DrawnGraph | None]
) -> bytes:
    """Neighbourhoods by the instruction in focus; None for one that has no gradient.

    header: sent with them. The nodes of all graphs are in one array after the other, and so are the edges; the ends of
    an edge are numbers of nodes in its own graph.
    """
    known = {focus: graph for focus, graph in graphs.items() if graph is not None}
    edges = {focus: drawn_edges(graph.ego) for focus, graph in known.items()}
    listed = [
        {"focus": focus, "nodes": len(graph.ego), "edges": len(edges[focus]), "total": graph.ego.total}
        for focus, graph in known.items()
    ]
    content = {
        "relations": RELATIONS,
        "kinds": EDGES,
        "graphs": listed,
        "missing": [focus for focus, graph in graphs.items() if graph is None],
        **header,
    }
    drawn = list(known.values())
    nodes = [graph.ego.nodes for graph in drawn]
    tables = list(edges.values())
    return pack(
        channel,
        kind,
        content,
        row=_joined([table["id"] for table in nodes], np.int32),
        relation=_joined([[RELATIONS.index(name) for name in graph.relations] for graph in drawn], np.uint8),
        cosine=_joined([table["cosine"] for table in nodes], np.float32),
        x=_joined([graph.places[:, 0] for graph in drawn], np.float32),
        y=_joined([graph.places[:, 1] for graph in drawn], np.float32),
        source=_joined([table["source"] for table in tables], np.uint8),
        target=_joined([table["target"] for table in tables], np.uint8),
        edge=_joined([[EDGES.index(kind) for kind in table["kind"]] for table in tables], np.uint8),
        strength=_joined([255 * table["cosine"].abs().clip(upper=1) for table in tables], np.uint8),
    )


def drawn_edges(ego: EgoGraph) -> pd.DataFrame:
    """The edges at the focus, and the strongest `MOST_BETWEEN` of the others; these come first."""
    at_focus = ego.edges["source"] == 0
    between = ego.edges[~at_focus]
    strongest = between["cosine"].abs().sort_values(ascending=False, kind="stable").index[:MOST_BETWEEN]
    return pd.concat([between.loc[strongest.sort_values()], ego.edges[at_focus]])


def _joined(arrays: Sequence[Any], kind: type[np.generic]) -> NDArray[Any]:
    if not arrays:
        return np.zeros(0, kind)
    joined = np.concatenate([np.asarray(array) for array in arrays])
    return (np.rint(joined) if kind is np.uint8 else joined).astype(kind)


def rows_shown(graphs: Mapping[int, DrawnGraph | None], examples: Sequence[int]) -> tuple[set[int], set[int]]:
    """The instructions and the validation examples that these graphs show.

    examples: the validation example closest to each target direction, which stands for it.
    """
    rows, shown = set[int](), set[int]()
    for graph in graphs.values():
        if graph is None:
            continue
        for kind, row in zip(graph.ego.nodes["kind"], graph.ego.nodes["id"].tolist(), strict=True):
            if kind == "train":
                rows.add(row)
            else:
                shown.add(row if kind == "validation" else examples[row])
    return rows, shown
