"""GIST: similarity inside the subspace that the validation gradients span."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.unit import unit
from g2is.selectors.ranking import best, group_columns, products

NEGLIGIBLE = 1e-10
"""Share of the largest eigenvalue below which a direction is rounding."""


def gist(
    gradients: NDArray[np.floating],
    validation_gradients: ArrayLike,
    groups: Sequence[Hashable],
    valid: NDArray[np.bool_],
    budget: int,
    *,
    rank: int,
) -> NDArray[np.int64]:
    """The highest cosine to a subtask inside the validation subspace (Min et al. 2026, GIST).

    gradients: (n, d) unit rows. validation_gradients: (m, d) as they are. groups: (m,) the subtask of each
    validation sample. The subspace is spanned by the first `rank` singular vectors of the validation
    gradients, found through their Gram matrix, fewer where they do not span as many. Training gradients and
    the subtasks' mean validation gradients are projected to it and normalised there. Left open and chosen
    here: the singular vectors are those of the raw validation gradients, not centred.
    """
    rows = np.asarray(validation_gradients, dtype=np.float64)
    energy, left = np.linalg.eigh(rows @ rows.T)
    energy, left = energy[::-1], left[:, ::-1]
    rank = min(rank, int(np.sum(energy > NEGLIGIBLE * energy[0])))
    lengths = np.sqrt(energy[:rank])
    directions = (left[:, :rank] / lengths).T @ rows
    inside = left[:, :rank] * lengths
    subtasks = unit([inside[members].mean(axis=0) for members in group_columns(groups)])
    coordinates = unit(products(gradients, directions))
    return best((coordinates @ subtasks.T).max(axis=1), valid, budget)
