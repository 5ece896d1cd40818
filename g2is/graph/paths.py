"""The strongest path from a sample to the core knowledge.

A path is as strong as its weakest edge. Strongest paths between all pairs of samples run along one maximum spanning
forest of the graph (Hu 1961), which a run keeps. The shortest of equally strong paths may leave the forest: it is
searched among all edges that are strong enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from g2is.errors import InputError
from g2is.graph.edges import Cosines, Edges, aligned_edges


@dataclass(frozen=True, eq=False)
class Path:
    """From a sample over aligned edges to a sample near a component, and on to that component.

    samples: (p,) rows in order; the first is where the path begins. component: number of the component at its end.
    cosines: (p,) cosine of each edge; the last is the affinity of the last sample to the component.
    """

    samples: NDArray[np.int32]
    component: int
    cosines: NDArray[np.float32]

    @property
    def bottleneck(self) -> int:
        """Index of the weakest edge: 0 is the first, p - 1 the one to the component."""
        return int(self.cosines.argmin())

    @property
    def strength(self) -> float:
        """The cosine of the weakest edge."""
        return float(self.cosines.min())

    def __len__(self) -> int:
        return len(self.cosines)


def spanning_forest(
    neighbors: NDArray[np.int32], cosines: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[Edges, Cosines]:
    """A maximum spanning forest of the aligned edges of (n, k) lists: pairs (t, 2), strongest first, and cosines
    (t,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    edges, strength = aligned_edges(neighbors, cosines, valid)
    order = np.argsort(-strength, kind="stable")
    # Ranks as lengths: they are exact, and none is 0, which scipy takes for no edge.
    rank = np.empty(len(edges))
    rank[order] = np.arange(1, len(edges) + 1)
    graph = coo_array((rank, tuple(edges.T)), shape=(len(neighbors),) * 2)
    kept = order[np.sort(minimum_spanning_tree(graph.tocsr()).data).astype(np.intp) - 1]
    return edges[kept], strength[kept]


def strongest_to_all(edges: Edges, cosines: Cosines, sample: int, count: int) -> NDArray[np.float32]:
    """(n,) strength of the strongest path from `sample` to each of `count` samples: 0 for none, 1 to itself.

    edges, cosines: a maximum spanning forest.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    tree = coo_array((cosines, tuple(edges.T)), shape=(count, count)).tocsr()
    order, before = breadth_first_order(tree, sample, directed=False)
    strength = np.zeros(count, np.float32)
    strength[sample] = 1
    if len(order) == 1:
        return strength
    # The edge from each sample reached to its predecessor, looked up by its two ends.
    keys = edges.min(axis=1).astype(np.int64) * count + edges.max(axis=1)
    above, here = before[order[1:]].astype(np.int64), order[1:].astype(np.int64)
    sorter = np.argsort(keys)
    key = np.minimum(above, here) * count + np.maximum(above, here)
    edge = cosines[sorter[np.searchsorted(keys, key, sorter=sorter)]]
    values = strength.tolist()
    for parent, child, cosine in zip(above.tolist(), here.tolist(), edge.tolist(), strict=True):
        values[child] = min(values[parent], cosine)
    return np.array(values, np.float32)


def find_path(
    neighbors: NDArray[np.int32],
    cosines: NDArray[np.float32],
    valid: NDArray[np.bool_],
    forest: tuple[Edges, Cosines],
    affinities: NDArray[np.float32],
    sample: int,
) -> Path | None:
    """The path over aligned edges from a sample to any component whose weakest edge is the strongest (maximin cosine).

    neighbors, cosines: (n, k) lists. valid: (n,). forest: their `spanning_forest`. affinities: (n, c) cosine to every
    component; the last edge is the affinity of the last sample. Of equally strong paths the shortest is returned; None
    if no path with cosines above 0 ends at a component. Raises `InputError` for a forest of other lists.
    """
    count = len(neighbors)
    nearest = affinities.max(axis=1)
    reach = np.minimum(strongest_to_all(*forest, sample, count), nearest)
    strength = reach.max()
    if not strength > 0:
        return None
    ends = (nearest >= strength) & valid
    parents = np.full(count, -1, np.int64)
    parents[sample] = sample
    frontier = np.array([sample])
    while not ends[frontier].any():
        if not frontier.size:
            raise InputError(
                "forest: expected one of these neighbours, but its path is not among them; build the graph again"
            )
        one, other = _strong_edges(neighbors, cosines, frontier, strength)
        new = valid[other] & (parents[other] < 0)
        frontier, first = np.unique(other[new], return_index=True)
        parents[frontier] = one[new][first]
    # Among equally short paths, the one whose end is closest to a component.
    last = int(max(frontier[ends[frontier]], key=lambda row: (nearest[row], -row)))
    component = int(affinities[last].argmax())
    rows = [last]
    while rows[-1] != sample:
        rows.append(int(parents[rows[-1]]))
    rows.reverse()
    along = [_cosine(neighbors, cosines, a, b) for a, b in pairwise(rows)]
    return Path(
        np.array(rows, np.int32), component, np.array([*along, affinities[last, component]], np.float32)
    )


def _strong_edges(
    neighbors: NDArray[np.int32], cosines: NDArray[np.float32], frontier: NDArray[np.integer], least: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges of at least cosine `least` at samples of the frontier: (e,) their ends there, and (e,) their other ends."""
    row, column = np.nonzero(cosines[frontier] >= least)
    listed = frontier[row], neighbors[frontier][row, column]
    here = np.zeros(len(neighbors), bool)
    here[frontier] = True
    row, column = np.nonzero(here[neighbors] & (cosines >= least))
    listing = neighbors[row, column], row
    return np.concatenate([listed[0], listing[0]]), np.concatenate([listed[1], listing[1]])


def _cosine(neighbors: NDArray[np.int32], cosines: NDArray[np.float32], one: int, other: int) -> float:
    """Cosine of the edge between two samples, whichever lists the other."""
    for a, b in ((one, other), (other, one)):
        place = np.flatnonzero(neighbors[a] == b)
        if place.size:
            return float(cosines[a, place[0]])
    raise ValueError(f"no edge between {one} and {other}")
