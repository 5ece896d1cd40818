"""Whitening: rows preconditioned by the inverse root of their own second moment, (G^T G / n + lambda I)^(-1/2).

Two rows then have the product g^T (G^T G / n + lambda I)^(-1) h: that of TRAK (Park et al. 2023, arXiv 2303.14186) and
of influence functions with a damped Gauss-Newton or Fisher matrix in place of the Hessian (Koh & Liang 2017; Grosse et
al. 2023, arXiv 2308.03296), in the space of the sketch. Directions that all rows share count less, rare ones more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows

BLOCK = 2048
"""Rows in memory at once."""
DAMPING = 1.0
"""Lambda as a share of the mean eigenvalue. Grosse et al. set 0.1, which chose worse on two of five targets
(docs/experiments.md)."""
NEGLIGIBLE = 1e-7
"""Eigenvalues below this share of the largest are rounding errors of float32 rows."""

OnRows = Callable[[int], object]


@dataclass(frozen=True, eq=False)
class Whitening:
    """The linear map of whitening for rows of d numbers.

    vectors: (r, d) float32, orthonormal: eigenvectors of the second moment, r at most the smaller of n and d. values:
    (r,) float64, their eigenvalues, largest first; all others are zero. damping: lambda.
    """

    vectors: NDArray[np.float32]
    values: NDArray[np.float64]
    damping: float

    def __call__(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Rows (b, d) whitened, not normalised."""
        rows = np.asarray(rows, np.float32)
        root = 1 / np.sqrt(self.damping)
        # Outside the span of the vectors the moment is zero, and only the damping divides.
        more = (1 / np.sqrt(self.values + self.damping) - root).astype(np.float32)
        return np.float32(root) * rows + ((rows @ self.vectors.T) * more) @ self.vectors

    @property
    def dimensions(self) -> float:
        """Directions that are told apart, sum of value / (value + lambda): the effective dimension."""
        return float((self.values / (self.values + self.damping)).sum())


def whitening_of(
    rows: NDArray[np.floating],
    valid: NDArray[np.bool_],
    damping: float | None = None,
    on_rows: OnRows = lambda count: None,
) -> Whitening:
    """The whitening by the second moment of the valid rows.

    rows: (n, d) unit rows of any type that a store has; a memory map is read in blocks. valid: (n,) bool. damping:
    lambda; None for `DAMPING` times the mean eigenvalue. Takes 2 n d^2 operations and the eigenvectors of a (d, d)
    matrix; with fewer valid rows than dimensions those of their (n, n) products, which have the same eigenvalues.
    """
    index = np.flatnonzero(valid)
    width = rows.shape[1]
    if len(index) < width:
        values, vectors = _of_products(rows, index, on_rows)
    else:
        values, vectors = _of_moment(rows, index, on_rows)
    if damping is None:
        damping = damping_of(float(values.sum()), width)
    return Whitening(vectors, values, damping)


def damping_of(trace: float, width: int) -> float:
    """Lambda for a second moment (d, d) with this trace: `DAMPING` times the mean of its d eigenvalues."""
    return DAMPING * trace / width


def _of_moment(
    rows: NDArray[np.floating], index: NDArray[np.intp], on_rows: OnRows
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Eigenvalues, largest first, and eigenvectors of the (d, d) second moment."""
    moment = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(index), BLOCK):
        block = _read(rows, index[start : start + BLOCK])
        moment += block.T @ block
        on_rows(len(block))
    values, vectors = np.linalg.eigh(moment / len(index))
    return _largest_first(values, vectors.T)


def _of_products(
    rows: NDArray[np.floating], index: NDArray[np.intp], on_rows: OnRows
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The same from the (n, n) products of fewer rows than dimensions: v = G^T u / |G^T u|."""
    block = _read(rows, index)
    on_rows(len(block))
    values, vectors = np.linalg.eigh(block.astype(np.float64) @ block.T.astype(np.float64) / len(index))
    values, kept = _largest_first(values, vectors.T)
    directions = kept @ block
    return values, directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _largest_first(
    values: NDArray[np.float64], vectors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Eigenvalues and eigenvectors in rows, without those that are zero but for rounding."""
    kept = values > NEGLIGIBLE * values.max(initial=0)
    return values[kept][::-1], vectors[kept][::-1].astype(np.float32)


def _read(rows: NDArray[np.floating], index: NDArray[np.intp]) -> NDArray[np.float32]:
    """Unit rows; a run of neighbouring rows is one read."""
    if len(index) and index[-1] - index[0] + 1 == len(index):
        return read_rows(rows, slice(int(index[0]), int(index[-1]) + 1))
    return read_rows(rows, index)
