"""Approximate neighbours and conflicts, for pools where comparing all pairs takes days.

Neighbours by nearest-neighbour descent (Dong et al. 2011) as pynndescent implements it; conflicts among a draw of the
pool. How much both miss is measured on every pool, against exact lists of some samples, and kept with the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.graph.neighbors import NeighborLists, edge_cosines

CHECKED = 256
"""Samples whose exact lists the recall is measured on."""

DRAWN = 16_384
"""Samples that every sample's conflicts are looked for among."""

BLOCK = 1024

Lists = tuple[NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True)
class Recall:
    """Share of the entries of exact lists that approximate ones hold, over `CHECKED` samples."""

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
    """Lists as those of `exact_neighbors`, most of them the same; the same for the same seed.

    rows: (n, d) unit rows as a run stores them. valid: (n,) bool, more than `neighbors` of them. given: (n, k)
    neighbours that are known already and not searched for. Cosines of the pairs in the lists and the mean cosine
    are exact; the share of conflicts is that of `DRAWN` samples with all others. The search for neighbours holds
    all rows in memory in single precision.
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
    recall = Recall(_held(index, -exact, nearest[0][checked]), _held(index, exact, farthest[0][checked]))
    return lists, recall


def _among(
    rows: np.ndarray, index: np.ndarray, drawn: np.ndarray, keep: int, on_block: Callable[[int], object]
) -> tuple[Lists, NDArray[np.float64], int]:
    """The `keep` most conflicting of the drawn samples for each row of `index`; the sum of all rows; and how many
    pairs of a drawn and another sample conflict."""
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
    from pynndescent import NNDescent

    unit = read_rows(rows, index)
    found = NNDescent(unit, metric="cosine", n_neighbors=keep + 1, random_state=seed).neighbor_graph[0]
    lists = np.full((len(valid), keep), -1, np.int32), np.zeros((len(valid), keep), np.float32)
    for start in range(0, len(index), BLOCK):
        mine = np.arange(start, min(start + BLOCK, len(index)))
        some = found[mine]
        values = np.einsum("bd,bkd->bk", unit[mine], unit[some])
        # Itself goes last, as does a place that the search left empty.
        values[(some == mine[:, None]) | (some < 0)] = -np.inf
        order = np.lexsort((some, -values), axis=1)[:, :keep]
        values = np.take_along_axis(values, order, axis=1)
        places = index[np.take_along_axis(some, order, axis=1)]
        lists[0][index[mine]] = np.where(np.isfinite(values), places, -1)
        lists[1][index[mine]] = np.where(np.isfinite(values), values, 0)
    return lists


def _held(index: np.ndarray, distances: np.ndarray, found: np.ndarray) -> float:
    """Share of each row's `found` (b, k) that are among its k smallest distances (b, n), over `index` (n,)."""
    keep = found.shape[1]
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :keep]
    return float(np.mean([np.isin(index[a], b).mean() for a, b in zip(nearest, found, strict=True)]))
