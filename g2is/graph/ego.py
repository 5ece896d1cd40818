"""The ego graph of a sample: its neighbourhood, small enough to draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.arrays.threads import one_blas_thread
from g2is.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from g2is.config import RegimeName
    from g2is.run.run import Regime, Run

MOST = 150
"""Nodes of a graph, at most; more cannot be told apart."""

SHARES = {"conflict": 1 / 6, "validation": 1 / 8, "component": 1 / 12}
"""Share of the nodes shown that is reserved for each kind, so that aligned samples do not crowd them out; what a kind
does not use is free for the others."""

APART = 0.08
"""Smallest distance between two nodes of a graph that extends from -1 to 1: about the width of a drawn node."""

LINKS = 2
"""Edges from each validation sample or component to samples other than the focus."""

Rows = NDArray[np.intp]
Edge = tuple[int, int, str, float]


@dataclass(frozen=True, eq=False)
class EgoGraph:
    """A sample (the focus) and what is near it.

    nodes: one row a node: kind (train, validation, component), id (row of the pool or of the validation samples, or
    number of the component), cosine (to the focus), hop (0 for the focus, then 1 or 2). The focus comes first, then
    aligned samples, conflicting ones, validation samples and components, each strongest first. edges: one row an edge:
    source, target (indices of nodes), kind (aligned, conflict, validation, affinity), cosine. total: number of nodes
    before the limit.
    """

    regime: RegimeName
    focus: int
    nodes: pd.DataFrame
    edges: pd.DataFrame
    total: int

    def __len__(self) -> int:
        return len(self.nodes)


@one_blas_thread()
def ego_graph(
    run: Run,
    regime: RegimeName,
    focus: int,
    *,
    hops: int = 1,
    most: int = 60,
    floor: float = 0.0,
    components: NDArray[np.float32] | None = None,
    members: NDArray[np.bool_] | None = None,
    always: Mapping[str, Sequence[int]] | None = None,
) -> EgoGraph:
    """The neighbourhood of sample `focus` on the mixed graph: at most `most` nodes, itself included.

    One hop: its neighbours with a cosine above `floor` (0 or more), its conflicts with a cosine below 0, and validation
    samples and components with a cosine above `floor`. Two hops: also the neighbours of those neighbours, ordered by
    the weaker of the two edges. Edges are all those of the run between samples shown; validation samples and components
    have edges to the focus and to their `LINKS` nearest others.

    components: (c, d) directions to show as nodes (none). members: (n,) samples that may be shown beside the focus
    (all). always: by kind, ids that are shown whatever their rank, before all others of their kind. Raises `InputError`
    for a focus without a gradient, or options out of range.
    """
    graph = run.regime(regime)
    if not 0 <= focus < len(graph.neighbors) or not run.valid[focus]:
        raise InputError(f"sample = {focus}: expected an instruction of the pool that has a gradient")
    if hops not in (1, 2) or not 2 <= most <= MOST or not 0 <= floor <= 1:
        raise InputError(
            f"hops = {hops}, most = {most}, floor = {floor}: expected 1 or 2, 2 to {MOST}, and 0 to 1"
        )
    allowed = run.valid if members is None else run.valid & members
    near, far, conflicts = _samples(graph, allowed, focus, hops, floor)
    wanted = {kind: np.array(ids, np.intp) for kind, ids in (always or {}).items()}
    others = wanted.get("train", np.zeros(0, np.intp))
    others = others[allowed[others] & (others != focus)]
    near = _first(others, near)
    far, conflicts = far[~np.isin(far, others)], conflicts[~np.isin(conflicts, others)]
    validation = graph.validation_cosines[focus]
    if components is None:
        components = np.zeros((0, graph.gradients.shape[1]), np.float32)
    affinities = components @ read_rows(graph.gradients, np.array([focus]))[0]
    candidates = {
        "conflict": conflicts,
        "validation": _first(wanted.get("validation"), _above(validation, floor)),
        "component": _first(wanted.get("component"), _above(affinities, floor)),
    }
    total = 1 + len(near) + len(far) + sum(map(len, candidates.values()))

    room = most - 1
    counts = {kind: min(len(candidates[kind]), int(most * share)) for kind, share in SHARES.items()}
    aligned = np.concatenate([near, far])[: room - sum(counts.values())]
    for kind, ids in candidates.items():
        spare = room - len(aligned) - sum(counts.values())
        counts[kind] += min(spare, len(ids) - counts[kind])
    shown = {kind: ids[: counts[kind]] for kind, ids in candidates.items()}

    samples = np.concatenate([[focus], aligned, shown["conflict"]]).astype(np.intp)
    rows = read_rows(graph.gradients, samples)
    nodes = {
        "validation": (shown["validation"], graph.validation_cosines[samples][:, shown["validation"]]),
        "affinity": (shown["component"], rows @ components[shown["component"]].T),
    }
    edges = list(_edges(graph, samples, nodes, floor))
    return EgoGraph(regime, focus, _nodes(samples, rows, nodes, set(far.tolist())), _table(edges), total)


def ego_layout(ego: EgoGraph, seed: int = 0) -> NDArray[np.float32]:
    """(k, 2) coordinates of the nodes, the focus at (0, 0) and the farthest at distance 1.

    Force-directed layout of Fruchterman and Reingold by igraph, deterministic for a seed: aligned nodes are close,
    conflicting ones apart. It puts very similar samples in one spot, far from everything else, so the square root is
    taken of distances to the focus, and nodes closer than `APART` are pushed apart.
    """
    import random

    import igraph

    graph = igraph.Graph(n=len(ego), edges=ego.edges[["source", "target"]].to_numpy().tolist())
    weights = np.where(ego.edges["kind"] == "conflict", 0.05, 0.1 + ego.edges["cosine"].clip(lower=0))
    start = np.random.default_rng(seed).uniform(-1, 1, (len(ego), 2))
    igraph.set_random_number_generator(random.Random(seed))
    try:
        layout = graph.layout_fruchterman_reingold(weights=weights.tolist(), seed=start.tolist(), niter=200)
    finally:
        igraph.set_random_number_generator(random)
    places = np.array(layout.coords, dtype=np.float64)
    places -= places[0]
    radii = np.linalg.norm(places, axis=1, keepdims=True)
    places = _apart(places / np.sqrt(np.maximum(radii * radii.max(), 1e-12)))
    return (places / max(np.linalg.norm(places, axis=1).max(), 1e-9)).astype(np.float32)


def _apart(places: NDArray[np.float64], rounds: int = 100) -> NDArray[np.float64]:
    """Coordinates (k, 2) with nodes closer than `APART` pushed away from each other, relative to the focus."""
    for _ in range(rounds):
        between = places[:, None] - places[None]
        distances = np.linalg.norm(between, axis=2)
        np.fill_diagonal(distances, np.inf)
        lacking = np.maximum(APART - distances, 0)
        if lacking.max() < 0.05 * APART:
            break
        places = places + 0.5 * np.einsum("ij,ijd->id", lacking / np.maximum(distances, 1e-9), between)
        places -= places[0]
    return places


def _samples(
    graph: Regime, allowed: NDArray[np.bool_], focus: int, hops: int, floor: float
) -> tuple[Rows, Rows, Rows]:
    """Allowed rows of the pool, strongest first: neighbours, neighbours of neighbours, conflicts."""

    def listed(rows: Rows) -> tuple[Rows, Rows, NDArray[np.float32]]:
        """Index of a row, a neighbour of that row, and their cosine, for all edges above the floor."""
        cosines = graph.cosines[rows]
        one, column = np.nonzero((cosines > floor) & (graph.neighbors[rows] >= 0))
        other = graph.neighbors[rows][one, column].astype(np.intp)
        # Imported lists may contain samples without a gradient, or the sample itself.
        kept = allowed[other] & (other != focus)
        return one[kept], other[kept], cosines[one, column][kept]

    _, near, strength = listed(np.array([focus]))
    order = np.argsort(-strength, kind="stable")
    near, strength = near[order], strength[order]
    conflicts = graph.conflicts[focus][graph.conflict_cosines[focus] < 0].astype(np.intp)
    conflicts = conflicts[allowed[conflicts] & ~np.isin(conflicts, near)]
    if hops == 1 or not near.size:
        return near, np.zeros(0, np.intp), conflicts
    one, other, cosines = listed(near)
    order = np.lexsort((other, -np.minimum(cosines, strength[one])))
    far, first = np.unique(other[order], return_index=True)
    far = far[np.argsort(first)]
    return near, far[~np.isin(far, np.concatenate([near, conflicts]))], conflicts


def _first(wanted: Rows | None, rows: Rows) -> Rows:
    """The wanted rows, then the others."""
    return rows if wanted is None else np.concatenate([wanted, rows[~np.isin(rows, wanted)]])


def _above(cosines: NDArray[np.float32], floor: float) -> Rows:
    """Indices of the cosines above the floor, largest first."""
    order = np.argsort(-cosines, kind="stable")
    return order[cosines[order] > floor]


def _nodes(
    samples: Rows,
    rows: NDArray[np.float32],
    others: dict[str, tuple[Rows, NDArray[np.float32]]],
    far: set[int],
) -> pd.DataFrame:
    import pandas as pd

    kinds = ["train"] * len(samples)
    kinds += ["validation"] * len(others["validation"][0]) + ["component"] * len(others["affinity"][0])
    cosines = [(rows @ rows[0]).clip(-1, 1), *(cosines[0] for _, cosines in others.values())]
    hops = [2 if sample in far else 1 for sample in samples.tolist()] + [1] * (len(kinds) - len(samples))
    return pd.DataFrame(
        {
            "kind": kinds,
            "id": np.concatenate([samples, *(places for places, _ in others.values())]).astype(np.int64),
            "cosine": np.concatenate(cosines).astype(np.float32),
            "hop": [0, *hops[1:]],
        }
    )


def _edges(
    graph: Regime, samples: Rows, others: dict[str, tuple[Rows, NDArray[np.float32]]], floor: float
) -> Iterator[Edge]:
    place = {sample: number for number, sample in enumerate(samples.tolist())}
    seen = set()
    lists = (
        ("aligned", graph.neighbors[samples], graph.cosines[samples]),
        ("conflict", graph.conflicts[samples], graph.conflict_cosines[samples]),
    )
    for kind, listed, cosines in lists:
        kept = np.isin(listed, samples) & (cosines > floor if kind == "aligned" else cosines < 0)
        for one, column in zip(*np.nonzero(kept), strict=True):
            other = place[int(listed[one, column])]
            pair = min(int(one), other), max(int(one), other)
            if pair[0] != pair[1] and pair not in seen:
                seen.add(pair)
                yield *pair, kind, float(cosines[one, column])
    start = len(samples)
    for kind, (ids, cosines) in others.items():
        for column in range(len(ids)):
            nearest = 1 + np.argsort(-cosines[1:, column], kind="stable")[:LINKS]
            for one in (0, *nearest[cosines[nearest, column] > floor].tolist()):
                yield one, start + column, kind, float(cosines[one, column])
        start += len(ids)


def _table(edges: list[Edge]) -> pd.DataFrame:
    import pandas as pd

    columns = ["source", "target", "kind", "cosine"]
    return pd.DataFrame(edges, columns=columns).astype(
        {"source": np.int64, "target": np.int64, "cosine": np.float32}
    )
