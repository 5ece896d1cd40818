"""GIST: similarity inside the subspace that the validation gradients span."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from g2is.arrays.unit import unit
from g2is.config import LARGEST, RegimeName
from g2is.selectors.method import Array, Pool, Rows, TargetedMethod, register
from g2is.selectors.ranking import best, group_columns, products

NEGLIGIBLE = 1e-10
"""Share of the largest eigenvalue below which a direction is only rounding."""


@register("gist")
class Gist(TargetedMethod):
    """Cosine inside the subspace of the validation gradients."""

    regime: RegimeName = Field("sgd", description="gradients that are compared; sgd: as published")
    rank: int = Field(
        32, ge=1, le=LARGEST, description="number of singular vectors of the validation gradients to keep"
    )

    def choose(self, pool: Pool, budget: int) -> Rows:
        examples = self.examples(pool)
        return gist(
            pool.regime(self.regime).gradients,
            pool.validation_gradients_in(self.regime)[examples.rows],
            examples.subtasks,
            pool.valid,
            budget,
            rank=self.rank,
        )


def gist(
    gradients: Array,
    validation_gradients: ArrayLike,
    groups: Sequence[Hashable],
    valid: NDArray[np.bool_],
    budget: int,
    *,
    rank: int,
) -> Rows:
    """The highest cosine to a subtask inside the validation subspace (Min et al. 2026, GIST).

    gradients: (n, d) unit rows. validation_gradients: (m, d), not normalised. groups: (m,) the subtask of each
    validation sample. The subspace is spanned by the first `rank` singular vectors of the validation
    gradients, computed from their Gram matrix; fewer where their rank is lower. Training gradients and
    the subtasks' mean validation gradients are projected onto it and normalised there. The paper does not say
    whether to centre; here the singular vectors are those of the validation gradients as they are.
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
