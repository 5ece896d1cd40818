"""A layout as the map draws it: 16-bit coordinates, and which samples lie inside a polygon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from g2is.errors import InputError

FULL = 65534
"""The largest coordinate; 16 bits are finer than any screen."""
NOWHERE = 65535
"""Both coordinates of a sample without a place, because it has no gradient."""
CELLS = 40
"""Cells along each axis of the grid in which the densest place of a category is searched."""


@dataclass(frozen=True, eq=False)
class MapPoints:
    """Samples in the plane. Both axes have the same scale; the smallest coordinate on each is 0.

    samples: (n, 2), validation: (m, 2), uint16, NOWHERE where there is no place. extent: width and height.
    """

    samples: NDArray[np.uint16]
    validation: NDArray[np.uint16]
    extent: tuple[int, int]

    @classmethod
    def of(cls, samples: NDArray[np.floating], validation: NDArray[np.floating]) -> Self:
        """From coordinates (n, 2) and (m, 2), NaN for rows without a place."""
        both = np.concatenate([samples, validation]).astype(np.float64)
        placed = np.isfinite(both).all(axis=1)
        if not placed.any():
            nowhere = np.full(both.shape, NOWHERE, np.uint16)
            return cls(nowhere[: len(samples)], nowhere[len(samples) :], (1, 1))
        low, high = both[placed].min(axis=0), both[placed].max(axis=0)
        span = max(float((high - low).max()), 1e-12)
        whole = np.full(both.shape, NOWHERE, np.uint16)
        whole[placed] = np.rint((both[placed] - low) / span * FULL)
        width, height = np.maximum(np.rint((high - low) / span * FULL).astype(int), 1).tolist()
        return cls(whole[: len(samples)], whole[len(samples) :], (width, height))

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Whether each sample has a place: (n,)."""
        return self.samples[:, 0] != NOWHERE

    def place(self, sample: int) -> NDArray[np.uint16]:
        """The coordinates (2,) of a sample, or of a validation sample, which count from -1 down."""
        return self.samples[sample] if sample >= 0 else self.validation[-1 - sample]

    def inside(self, polygon: Sequence[Sequence[float]]) -> NDArray[np.int64]:
        """Samples inside a closed polygon by the even-odd rule, ascending.

        polygon: (k, 2), k >= 3, in the coordinates of the map. Raises `InputError` for any other shape.
        """
        corners = np.asarray(polygon, np.float64)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
            raise InputError(f"polygon of shape {corners.shape}: expected (k, 2) with at least 3 corners")
        low, high = corners.min(axis=0), corners.max(axis=0)
        near = self.placed & ((self.samples >= low) & (self.samples <= high)).all(axis=1)
        rows = np.flatnonzero(near)
        x, y = self.samples[rows].T.astype(np.float64)
        odd = np.zeros(len(rows), dtype=bool)
        for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            if y1 == y2:
                continue
            # Count how often a ray to the right crosses the outline; a corner belongs to the edge above it only.
            crosses = (y1 > y) != (y2 > y)
            odd ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
        return rows[odd]

    def densest(self, samples: NDArray[np.integer]) -> tuple[int, int] | None:
        """The place with the most of these samples around it, for their name; None if none has a place."""
        places = self.samples[samples][self.placed[samples]].astype(np.int64)
        if not len(places):
            return None
        cells = places * CELLS // (FULL + 1)
        counts = np.zeros((CELLS + 2, CELLS + 2))
        np.add.at(counts, (cells[:, 0] + 1, cells[:, 1] + 1), 1.0)
        around = sum(np.roll(counts, shift, axis=(0, 1)) for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)))
        smooth = (2 * counts + around)[1:-1, 1:-1]
        best = np.array(np.unravel_index(int(smooth.argmax()), smooth.shape))
        close = (np.abs(cells - best) <= 1).all(axis=1)
        x, y = np.rint(places[close].mean(axis=0)).astype(int).tolist() if close.any() else places[0].tolist()
        return x, y

    def closest(self, samples: NDArray[np.integer], at: tuple[int, int]) -> int:
        """Of some samples that have places, the one closest to a place."""
        away = self.samples[samples].astype(np.float64) - at
        away[~self.placed[samples]] = np.inf
        return int(samples[np.einsum("nc,nc->n", away, away).argmin()])
