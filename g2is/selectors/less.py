"""LESS: the highest mean influence on a subtask."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from g2is.config import RegimeName
from g2is.selectors.method import Array, Pool, Rows, TargetedMethod, register
from g2is.selectors.ranking import best, best_group_mean


@register("less")
class Less(TargetedMethod):
    """The mean cosine to the gradients of a subtask, the highest over all subtasks."""

    regime: RegimeName = Field(
        "adam", description="gradients that are compared; adam: as published, with momentum"
    )

    def choose(self, pool: Pool, budget: int) -> Rows:
        examples = self.examples(pool)
        cosines = pool.regime(self.regime).validation_cosines[:, examples.rows]
        return less(cosines, examples.subtasks, pool.valid, budget)


def less(cosines: Array, groups: Sequence[Hashable], valid: NDArray[np.bool_], budget: int) -> Rows:
    """The mean influence on a subtask, the highest over all subtasks (Xia et al. 2024, LESS, section 4).

    cosines: (n, m) of training to validation gradients. groups: (m,) the subtask of each validation sample.
    LESS sums this over the checkpoints of its warm-up, weighted by their learning rates: the cosines of a run
    of several checkpoints are that sum.
    """
    return best(best_group_mean(cosines, groups), valid, budget)
