"""The edges of the gradient graph as arrays. Knows neither disk nor screen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import block_rows, read_rows
from g2is.arrays.unit import unit

Edges = NDArray[np.int32]
Cosines = NDArray[np.float32]


def aligned_edges(
    neighbors: NDArray[np.int32], cosines: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[Edges, Cosines]:
    """All pairs of valid samples of which one lists the other with a cosine above 0, each once.

    neighbors, cosines: (n, k). valid: (n,). Returns pairs (e, 2), smaller row first, in ascending order, and their
    cosines (e,).
    """
    return _pairs(neighbors, cosines, valid, cosines > 0)


def conflict_edges(
    conflicts: NDArray[np.int32], cosines: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[Edges, Cosines]:
    """All pairs of valid samples of which one lists the other with a cosine below 0, as `aligned_edges`."""
    return _pairs(conflicts, cosines, valid, cosines < 0)


def _pairs(
    lists: NDArray[np.int32],
    cosines: NDArray[np.float32],
    valid: NDArray[np.bool_],
    kept: NDArray[np.bool_],
) -> tuple[Edges, Cosines]:
    count = len(lists)
    # Imported lists may contain samples without a gradient, or the sample itself.
    kept = kept & valid[:, None] & (lists >= 0) & valid[lists] & (lists != np.arange(count)[:, None])
    row, column = np.nonzero(kept)
    other, cosine = lists[row, column], cosines[row, column]
    keys = np.minimum(row, other).astype(np.int64) * count + np.maximum(row, other)
    keys, first = np.unique(keys, return_index=True)
    pairs = np.stack(np.divmod(keys, count), axis=1)
    return pairs.astype(np.int32), np.asarray(cosine[first])


def cosines_to(
    rows: NDArray[np.floating], valid: NDArray[np.bool_], targets: ArrayLike, *, block: int | None = None
) -> Cosines:
    """(n, m) cosine of every valid unit row (n, d) to every target (m, d) of any length; 0 for other rows.

    `rows` may be a memory map; it is read once, in blocks.
    """
    directions = unit(np.asarray(targets, np.float32)).T
    result = np.zeros((len(rows), directions.shape[1]), np.float32)
    size = block or block_rows(rows)
    for start in range(0, len(rows), size):
        some = slice(start, start + size)
        np.matmul(read_rows(rows, some), directions, out=result[some])
    result[~valid] = 0
    return result


def nearest_rows(
    cosines: NDArray[np.float32], valid: NDArray[np.bool_], count: int, *, block: int = 8192
) -> tuple[NDArray[np.int32], Cosines]:
    """For each column of (n, m) cosines the `count` valid rows with the largest: (m, count) rows, and their cosines.

    Largest first, ties to the smaller row; fewer than `count` if fewer rows are valid. `cosines` may be a memory map;
    it is read once, in blocks.
    """
    count = min(count, int(valid.sum()))
    # Cosine and row in one integer, so that the order is exact: see `g2is.graph.neighbors`.
    best = np.empty((0, cosines.shape[1]), np.int64)
    for start in range(0, len(cosines), block):
        rows = start + np.flatnonzero(valid[start : start + block])
        part = np.ascontiguousarray(cosines[start : start + block][valid[start : start + block]], np.float32)
        bits = (part + np.float32(0)).view(np.int32)  # + 0: a negative zero is a zero
        keys = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64) << 32 | (0xFFFFFFFF - rows)[:, None]
        best = np.concatenate([best, keys])
        if len(best) > count:
            best = np.partition(best, len(best) - count, axis=0)[len(best) - count :]
    best = -np.sort(-best, axis=0).T
    nearest: NDArray[np.int32] = (0xFFFFFFFF - (best & 0xFFFFFFFF)).astype(np.int32)
    return nearest, cosines[nearest, np.arange(cosines.shape[1])[:, None]]
