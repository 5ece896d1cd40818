"""What approximate lists are measured by: exact lists of a few samples, and numbers over all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.graph.ranking import empty, joined

CHECKED = 256
"""Samples for which exact lists are computed to measure recall, and the share of conflicts to estimate it."""


@dataclass(frozen=True)
class Recall:
    """Share of the entries of exact lists that approximate lists contain, over `CHECKED` samples."""

    neighbors: float
    conflicts: float


@dataclass(frozen=True)
class Checked:
    """What one pass over all valid rows has found. A place is that of a row among the n valid ones.

    places: (c,) of the samples, ascending. near, far: (c, k) the places nearest to each, and most conflicting with it.
    negative: conflicts of the samples with all others. total: (d,) the sum of the n unit rows. count: n.
    """

    places: NDArray[np.intp]
    near: NDArray[np.int32]
    far: NDArray[np.int32]
    negative: int
    total: NDArray[np.float64]
    count: int

    @property
    def mean_cosine(self) -> float:
        """Over all pairs of different rows; exact."""
        return float(self.total @ self.total - self.count) / (self.count * (self.count - 1))

    @property
    def conflict_share(self) -> float:
        """Share of conflicting pairs among those of a sample and any other."""
        return self.negative / (len(self.places) * (self.count - 1))

    def recall(
        self, index: NDArray[np.intp], neighbors: NDArray[np.integer], conflicts: NDArray[np.integer]
    ) -> Recall:
        """Of lists (all, k) of the pool's rows. index: (n,) the valid rows."""
        rows = index[self.places]
        return Recall(_shared(index[self.near], neighbors[rows]), _shared(index[self.far], conflicts[rows]))

    def to_bytes(self) -> bytes:
        """As a `.npz` file."""
        file = BytesIO()
        np.savez(file, **vars(self))
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Checked:
        """From a `.npz` file."""
        with np.load(BytesIO(data)) as arrays:
            known = {name: arrays[name] for name in arrays}
        return cls(**{name: array if array.ndim else array.item() for name, array in known.items()})


class Checking:
    """Exact lists of `CHECKED` samples, brought up to date block by block."""

    def __init__(
        self, rows: np.ndarray, index: NDArray[np.intp], neighbors: int, conflicts: int, seed: int
    ) -> None:
        random = np.random.default_rng(seed)
        self._places = np.sort(random.choice(len(index), min(CHECKED, len(index)), replace=False))
        self._unit = read_rows(rows, index[self._places])
        self._near, self._far = empty(len(self._places), 0), empty(len(self._places), 0)
        self._keep = neighbors, conflicts
        self._negative = 0
        self._total = np.zeros(rows.shape[1])
        self._count = 0

    def compare(self, unit_rows: NDArray[np.float32]) -> None:
        """Compare with the next unit rows (b, d)."""
        cosines = self._unit @ unit_rows.T
        places = np.broadcast_to(np.arange(self._count, self._count + len(unit_rows)), cosines.shape)
        itself = places == self._places[:, None]
        self._negative += int(np.count_nonzero((cosines < 0) & ~itself))
        places = np.where(itself, -1, places)
        self._near = joined(self._near, places, cosines, self._keep[0], largest=True)
        self._far = joined(self._far, places, cosines, self._keep[1], largest=False)
        self._total += unit_rows.sum(axis=0, dtype=np.float64)
        self._count += len(unit_rows)

    def done(self) -> Checked:
        """What all rows have given."""
        near, far = self._near[0], self._far[0]
        return Checked(self._places, near, far, self._negative, self._total, self._count)


def _shared(exact: NDArray[np.integer], found: NDArray[np.integer]) -> float:
    """Mean share of each exact list (b, k) that is in the list found."""
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(exact, found, strict=True)]))
