"""Approximate neighbours and conflicts, for pools where comparing all pairs takes days.

Neighbours come from nearest-neighbour descent (Dong et al. 2011) as implemented by pynndescent; conflicts are searched
among random samples of the pool. The recall of both is measured on every pool, against exact lists of some samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.graph.neighbors import NeighborLists, edge_cosines

CHECKED = 256
"""Samples for which exact lists are computed to measure recall."""

DRAWN = 16_384
"""Random samples among which conflicts are searched."""

BLOCK = 1024
"""Rows compared at once."""

Lists = tuple[NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True)
class Recall:
    """Share of the entries of exact lists that approximate lists contain, over `CHECKED` samples."""

    neighbors: float
    conflicts: float


def approximate_neighbors(
    rows: np.ndarray,
    valid: np.ndarray,
    *,
    neighbors: int,
    conflicts: int,
    given: np.ndarray | None = None,
    seed: int = 0,
    on_block: Callable[[int], object] = lambda count: None,
) -> tuple[NeighborLists, Recall]:
    """Approximate versions of the lists of `exact_neighbors`, deterministic for a seed, and their recall.

    rows: (n, d) unit rows as a run stores them. valid: (n,) bool, more than `neighbors` of them true. given: (n, k)
    neighbours that are known already, so not searched for. on_block: called with the number of rows of each finished
    block. Cosines of the pairs in the lists and the mean cosine are exact; the share of conflicts is that between
    `DRAWN` samples and all others. The search for neighbours holds all rows in memory in single precision.
    """
    index = np.flatnonzero(valid)
    random = np.random.default_rng(seed)
    drawn = np.sort(random.choice(index, min(DRAWN, len(index)), replace=False))
    checked = np.sort(random.choice(index, min(CHECKED, len(index)), replace=False))
    farthest, total, negative = _among(rows, index, drawn, min(conflicts, len(index) - 1), on_block)
    nearest = (
        _descend(rows, valid, index, neighbors, seed) if given is None else (given, edge_cosines(rows, given))
    )

    exact = read_rows(rows, checked) @ read_rows(rows, index).T
    exact[np.arange(len(checked)), np.searchsorted(index, checked)] = np.nan
    pairs = len(index) * (len(index) - 1)
    lists = NeighborLists(
        neighbors=nearest[0],
        cosines=nearest[1],
        conflicts=farthest[0],
        conflict_cosines=farthest[1],
        mean_cosine=float(total @ total - len(index)) / pairs,
        conflict_share=negative / (len(drawn) * (len(index) - 1)),
    )
    recall = Recall(_recall(index, -exact, nearest[0][checked]), _recall(index, exact, farthest[0][checked]))
    return lists, recall


def _among(
    rows: np.ndarray, index: np.ndarray, drawn: np.ndarray, keep: int, on_block: Callable[[int], object]
) -> tuple[Lists, NDArray[np.float64], int]:
    """For each row of `index` the `keep` most conflicting of the drawn samples; the sum of all rows (d,); and the
    number of conflicting pairs of a drawn and any other sample."""
    columns = read_rows(rows, drawn).T
    lists = np.full((len(rows), keep), -1, np.int32), np.zeros((len(rows), keep), np.float32)
    total, negative = np.zeros(rows.shape[1]), 0
    for start in range(0, len(index), BLOCK):
        mine = index[start : start + BLOCK]
        unit = read_rows(rows, mine)
        total += unit.sum(axis=0, dtype=np.float64)
        cosines = unit @ columns
        cosines[mine[:, None] == drawn] = np.inf
        negative += int(np.count_nonzero(cosines < 0))
        some = np.argpartition(cosines, min(keep, cosines.shape[1] - 1), axis=1)[:, :keep]
        values = np.take_along_axis(cosines, some, axis=1)
        order = np.lexsort((some, values), axis=1)
        lists[0][mine] = drawn[np.take_along_axis(some, order, axis=1)]
        lists[1][mine] = np.take_along_axis(values, order, axis=1)
        on_block(len(mine))
    return lists, total, negative


def _descend(rows: np.ndarray, valid: np.ndarray, index: np.ndarray, keep: int, seed: int) -> Lists:
    """The `keep` nearest neighbours of each row of `index` by nearest-neighbour descent, and their exact cosines."""
    from pynndescent import NNDescent

    unit = read_rows(rows, index)
    nearest = NNDescent(unit, metric="cosine", n_neighbors=keep + 1, random_state=seed).neighbor_graph[0]
    lists = np.full((len(valid), keep), -1, np.int32), np.zeros((len(valid), keep), np.float32)
    for start in range(0, len(index), BLOCK):
        mine = np.arange(start, min(start + BLOCK, len(index)))
        some = nearest[mine]
        values = np.einsum("bd,bkd->bk", unit[mine], unit[some])
        # The row itself and places that the search left empty go last.
        values[(some == mine[:, None]) | (some < 0)] = -np.inf
        order = np.lexsort((some, -values), axis=1)[:, :keep]
        values = np.take_along_axis(values, order, axis=1)
        places = index[np.take_along_axis(some, order, axis=1)]
        lists[0][index[mine]] = np.where(np.isfinite(values), places, -1)
        lists[1][index[mine]] = np.where(np.isfinite(values), values, 0)
    return lists


def _recall(index: np.ndarray, distances: np.ndarray, lists: np.ndarray) -> float:
    """Mean share of each row's k smallest distances (b, n), over `index` (n,), that are in its list (b, k)."""
    keep = lists.shape[1]
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :keep]
    return float(np.mean([np.isin(index[a], b).mean() for a, b in zip(nearest, lists, strict=True)]))
