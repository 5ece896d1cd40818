"""Near-duplicates inside the pool: instructions that teach the same, which make any selection smaller than it looks.

Two samples are near-duplicates where their texts are the same, or their gradients have a cosine of `LEAST_COSINE` or
more; so are samples that a chain of such pairs joins. Pairs by gradient are looked for among the nearest neighbours
that the graph keeps: a group larger than these lists is still one chain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST_COSINE = 0.99


def near_duplicates(
    neighbors: NDArray[np.integer], cosines: NDArray[np.floating], duplicate_of: NDArray[np.integer]
) -> NDArray[np.int64]:
    """(n,) for each sample the first one of its group, itself where it has no near-duplicate before it.

    neighbors, cosines: (n, k) of the graph, nearest first, -1 where there is none. duplicate_of: (n,) the earlier
    sample with the same text, -1 where there is none.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = len(neighbors)
    # Lists are descending: most rows have no close pair, and their lists are not read beyond the first.
    close = np.flatnonzero((neighbors[:, 0] >= 0) & (cosines[:, 0] >= LEAST_COSINE)) if neighbors.size else ()
    near = np.asarray(cosines[close]) >= LEAST_COSINE
    lists = np.asarray(neighbors[close])
    near &= lists >= 0
    by_text = np.flatnonzero(duplicate_of >= 0)
    first = np.concatenate([np.repeat(np.asarray(close, np.int64), near.sum(axis=1)), by_text])
    second = np.concatenate([lists[near], duplicate_of[by_text]])
    pairs = coo_array((np.ones(len(first), bool), (first, second)), shape=(rows, rows))
    _, group = connected_components(pairs, directed=False)
    _, earliest = np.unique(group, return_index=True)
    return earliest[group].astype(np.int64)


def count_near_duplicates(groups: NDArray[np.integer]) -> int:
    """How many samples have a near-duplicate before them. groups: (n,) as `near_duplicates` returns them."""
    return int(np.count_nonzero(groups != np.arange(len(groups))))


def one_of_each(
    groups: NDArray[np.integer],
    allowed: NDArray[np.bool_],
    preferred: Sequence[int] = (),
) -> NDArray[np.bool_]:
    """(n,) which samples to allow so that none has a near-duplicate among the others: the first of every group.

    groups: (n,) as `near_duplicates` returns them. allowed: (n,) samples that may be kept at all. preferred: samples
    that stay for certain; what is like them goes.
    """
    certain = np.asarray(preferred, dtype=np.int64)
    rows = np.concatenate([certain, np.flatnonzero(allowed)])
    _, first = np.unique(groups[rows], return_index=True)
    kept = np.zeros(len(groups), dtype=bool)
    kept[rows[first]] = True
    kept[certain] = True
    return kept
