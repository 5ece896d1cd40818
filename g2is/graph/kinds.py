"""Kinds of validation examples: groups whose gradients are alike. Knows neither disk nor screen."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.unit import unit

ALIKE = 0.25
"""Cosine from which on two gradients count as alike. Set on six targets: the demo's twelve skills are found best at .15
to .3, GSM8K stays nearly one kind, T0 falls into its tasks."""


@dataclass(frozen=True, eq=False)
class Kinds:
    """Groups of m examples; the largest has number 0.

    membership: (m,) the kind of each. nearest: (m,) its cosine to the nearest other example, -1 without one.
    sizes: (c,) examples of each kind.
    """

    membership: NDArray[np.int64]
    nearest: NDArray[np.float32]
    sizes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def single(self) -> NDArray[np.int64]:
        """The examples that are the only one of their kind."""
        return np.flatnonzero(self.sizes[self.membership] == 1)

    @property
    def alone(self) -> NDArray[np.int64]:
        """The examples that no other is alike to."""
        return np.flatnonzero(self.nearest < ALIKE)


def kinds_of(gradients: ArrayLike, *, alike: float = ALIKE, seed: int = 0) -> Kinds:
    """Groups of examples by their gradients (m, d) of any length: Leiden (Traag et al. 2019) on all pairs by cosine.

    Maximises the constant Potts model at `alike`: splitting a kind or joining two would lower the sum of (cosine -
    `alike`) over pairs of one kind. Deterministic for a seed.
    """
    import igraph

    rows = unit(gradients)
    count = len(rows)
    cosines = rows @ rows.T
    first, second = np.triu_indices(count, 1)
    graph = igraph.Graph(n=count, edges=np.column_stack([first, second]).tolist())
    igraph.set_random_number_generator(random.Random(seed))
    try:
        found = graph.community_leiden(
            objective_function="CPM",
            weights=cosines[first, second].astype(float).tolist(),
            resolution=alike,
            n_iterations=-1,
        )
    finally:
        igraph.set_random_number_generator(random)
    membership = _largest_first(np.array(found.membership, np.int64))
    np.fill_diagonal(cosines, -1)
    nearest = cosines.max(axis=1, initial=-1).astype(np.float32)
    return Kinds(membership, nearest, np.bincount(membership))


def _largest_first(membership: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same groups, numbered by size, and equal ones by their first member."""
    names, first, sizes = np.unique(membership, return_index=True, return_counts=True)
    number = np.empty(len(names), np.int64)
    number[np.lexsort([first, -sizes])] = np.arange(len(names))
    return number[membership]
