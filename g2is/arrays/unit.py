"""Normalising rows to length 1; everything in the project that does so uses this module."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

SMALL, LARGE = 1e-12, 1e15
"""Squares of numbers outside this range lose precision in float32 or overflow."""


def unit(rows: ArrayLike) -> NDArray[np.float32]:
    """rows (n, d) of any float type divided by their lengths, in float32; a row of zeros stays zero.

    The arithmetic is that of the published script, so that a walk on the result matches it to the last bit.
    """
    rows = in_range(np.asarray(rows, dtype=np.float32))
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    norms[norms == 0] = 1e-10
    return rows / norms


def unit_again(rows: NDArray[np.float32]) -> None:
    """Normalise rows (b, d) of almost unit length in place; a row of zeros stays zero.

    For rows from a store of low precision: faster than `unit`, and without a second large array.
    """
    squares = np.einsum("bd,bd->b", rows, rows)
    rows /= np.sqrt(np.maximum(squares, 1e-20))[:, None]


def unit_tensor(rows: Any) -> Any:
    """A torch tensor (n, d) divided by the lengths of its rows, in float32 on its device; a row of zeros stays zero."""
    rows = rows.float()
    norms = rows.norm(dim=1, keepdim=True)
    return rows / norms.masked_fill(norms == 0, 1)


def in_range(rows: Array) -> Array:
    """rows (n, d), each multiplied by a power of two if its squares do not fit float32.

    This keeps directions to the last bit. All other rows stay as they are.
    """
    most = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
    far = (most > LARGE) | ((most > 0) & (most < SMALL))
    if far.any():
        rows = rows.copy()
        rows[far] = np.ldexp(rows[far], -np.frexp(most[far])[1][:, None])
    return rows


def lengths(rows: Array) -> NDArray[np.float64]:
    """(n,) lengths of rows (n, d), computed in double precision."""
    return np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
