"""Rows of length 1 out of rows of any length: everything in the project that normalises rows does it here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

SMALL, LARGE = 1e-12, 1e15
"""Numbers outside these have squares that float32 holds badly or not at all."""


def unit(rows: ArrayLike) -> NDArray[np.float32]:
    """rows (n, d) of any float type divided by their lengths, in float32; a row of zeros stays zero.

    The published script's own arithmetic, so that a walk on the result matches it to the last bit.
    """
    rows = in_range(np.asarray(rows, dtype=np.float32))
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    norms[norms == 0] = 1e-10
    return rows / norms


def unit_again(rows: NDArray[np.float32]) -> None:
    """Divide rows (b, d), whose lengths rounding moved off 1, by their lengths in place; a row of zeros stays zero.

    For rows read out of a store of half precision: faster than `unit`, and without a second large array.
    """
    squares = np.einsum("bd,bd->b", rows, rows)
    rows /= np.sqrt(np.maximum(squares, 1e-20))[:, None]


def unit_tensor(rows: Any) -> Any:
    """A torch tensor (n, d) divided by the lengths of its rows, in float32 on its device; a row of zeros stays zero."""
    rows = rows.float()
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)


def in_range(rows: Array) -> Array:
    """rows (n, d), where those whose squares float32 cannot hold are multiplied by a power of two each.

    That keeps their directions to the last bit. All others stay as they are.
    """
    most = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
    far = (most > LARGE) | ((most > 0) & (most < SMALL))
    if far.any():
        rows = rows.copy()
        rows[far] = np.ldexp(rows[far], -np.frexp(most[far])[1][:, None])
    return rows


def lengths(rows: Array) -> NDArray[np.float64]:
    """(n,) lengths of rows (n, d), however large or small their numbers."""
    return np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
