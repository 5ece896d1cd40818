"""Lists of the best few of many, kept as they are found: places and cosines side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Lists = tuple[NDArray[np.int32], NDArray[np.float32]]
"""(b, k) places, best first, -1 for none; and their cosines."""


def empty(count: int, width: int) -> Lists:
    """Lists of nothing."""
    return np.full((count, width), -1, np.int32), np.zeros((count, width), np.float32)


def best(places: NDArray[np.integer], cosines: NDArray[np.float32], keep: int, *, largest: bool) -> Lists:
    """The `keep` best of (b, c) places, best first, ties to the smaller place; those of -1 come last, with cosine 0."""
    ranks = np.where(places < 0, np.float32(np.inf), -cosines if largest else cosines)
    order = np.lexsort((places, ranks), axis=1)[:, :keep]
    kept, values = (np.take_along_axis(array, order, axis=1) for array in (places, cosines))
    return kept.astype(np.int32), np.where(kept < 0, np.float32(0), values).clip(-1, 1)


def joined(
    old: Lists, places: NDArray[np.integer], cosines: NDArray[np.float32], keep: int, *, largest: bool
) -> Lists:
    """The `keep` best of lists and of more places."""
    both = np.concatenate([old[0], places], axis=1), np.concatenate([old[1], cosines], axis=1)
    return best(*both, keep, largest=largest)
