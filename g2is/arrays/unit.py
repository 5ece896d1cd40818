"""Rows of any length -> rows of length 1, and their lengths."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

SMALL, LARGE = 1e-12, 1e15
"""Numbers beyond these have squares that float32 holds badly or not at all."""


def unit(rows: ArrayLike) -> NDArray[np.float32]:
    """rows (n, d) of any float type divided by their lengths, in float32; a row of zeros stays zero.

    The published script's own arithmetic, so that a walk on the result matches it to the last bit.
    """
    rows = in_range(np.asarray(rows, dtype=np.float32))
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    norms[norms == 0] = 1e-10
    return rows / norms


def in_range(rows: Array) -> Array:
    """rows (n, d), those whose squares float32 cannot hold multiplied by a power of two each, which keeps their
    directions to the last bit; all others as they are."""
    most = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
    far = (most > LARGE) | ((most > 0) & (most < SMALL))
    if far.any():
        rows = rows.copy()
        rows[far] = np.ldexp(rows[far], -np.frexp(most[far])[1][:, None])
    return rows


def lengths(rows: Array) -> NDArray[np.float64]:
    """(n,) lengths of rows (n, d), however large or small their numbers."""
    return np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
