"""Functions that methods share: rank by one score or by several in turn, means of groups, products in blocks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import as_rows, block_rows, read_rows

FIRST_SORTED = 256
"""Rows sorted first; each further time eight times as many."""


def best(scores: ArrayLike, valid: NDArray[np.bool_], budget: int) -> NDArray[np.int64]:
    """The `budget` valid rows with the highest scores (n,), best first."""
    rows = np.flatnonzero(valid)
    return rows[np.argsort(-np.asarray(scores)[rows], kind="stable")[:budget]]


def in_turn(
    scores: Iterable[NDArray[np.floating]], valid: NDArray[np.bool_], budget: int
) -> NDArray[np.int64]:
    """`budget` valid rows: each score (n,) in turn takes its highest row that is still free, round robin."""
    free = valid.copy()
    budget = min(budget, int(free.sum()))
    queues = [descending(np.ascontiguousarray(score), free) for score in scores]
    chosen: list[int] = []
    while len(chosen) < budget:
        for queue in queues[: budget - len(chosen)]:
            row = next(row for row in queue if free[row])
            free[row] = False
            chosen.append(row)
    return np.array(chosen, dtype=np.int64)


def descending(score: NDArray[np.floating], free: NDArray[np.bool_]) -> Iterator[int]:
    """Free rows by descending score, sorted in pieces, since usually few of a large pool are needed. What is free is
    asked when a piece is sorted."""
    ceiling, size = np.inf, FIRST_SORTED
    while (rows := np.flatnonzero(free & (score < ceiling))).size:
        here = score[rows]
        size = min(size, len(rows))
        ceiling = np.partition(here, len(rows) - size)[len(rows) - size]
        rows = rows[here >= ceiling]
        yield from rows[np.argsort(-score[rows], kind="stable")].tolist()
        size *= 8


def alternating(groups: Sequence[Hashable]) -> NDArray[np.int64]:
    """An order of m rows in which their groups (m,) take turns: the first row of each, then the second, …

    Groups are in order of first appearance. A budget smaller than the number of validation samples then still reaches
    every group, however the file is sorted.
    """
    seen: dict[Hashable, int] = {}
    place = []
    for group in groups:
        place.append(seen.get(group, 0))
        seen[group] = place[-1] + 1
    first = {group: index for index, group in enumerate(seen)}
    return np.lexsort(([first[group] for group in groups], place)).astype(np.int64)


def group_columns(groups: Sequence[Hashable]) -> list[NDArray[np.int64]]:
    """The columns of each group's members, groups in order of first appearance."""
    members: dict[Hashable, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    return [np.array(places) for places in members.values()]


def best_group_mean(cosines: NDArray[np.floating], groups: Sequence[Hashable]) -> NDArray[np.float32]:
    """(n,) for each row of cosines (n, m) the mean over the columns of a group, the highest over all groups."""
    means = [cosines[:, columns].mean(axis=1) for columns in group_columns(groups)]
    return np.max(means, axis=0)


def products(rows: NDArray[np.floating], directions: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n, k) products of unit rows (n, d), of any float type, with (k, d), block by block."""
    result = np.empty((len(rows), len(directions)), dtype=np.float32)
    rows, directions = as_rows(rows), np.asarray(directions, dtype=np.float32)
    for start in range(0, len(rows), size := block_rows(rows)):
        result[start : start + size] = read_rows(rows, slice(start, start + size)) @ directions.T
    return result
