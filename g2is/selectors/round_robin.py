"""Round robin: each validation sample in turn takes its most similar free sample."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from g2is.config import RegimeName
from g2is.selectors.method import Array, Pool, Rows, TargetedMethod, register
from g2is.selectors.ranking import alternating, in_turn


@register("round_robin")
class RoundRobin(TargetedMethod):
    """Each validation example in turn takes the free instruction with the most similar gradient."""

    regime: RegimeName = Field("sgd", description="gradients that are compared")

    def choose(self, pool: Pool, budget: int) -> Rows:
        examples = self.examples(pool)
        cosines = pool.regime(self.regime).validation_cosines[:, examples.rows]
        return round_robin(cosines, examples.subtasks, pool.valid, budget)


def round_robin(cosines: Array, groups: Sequence[Hashable], valid: NDArray[np.bool_], budget: int) -> Rows:
    """Each validation sample in turn takes the most similar sample that is still free.

    cosines: (n, m) of training to validation gradients. groups: (m,) the subtask of each validation sample. Turns
    alternate between subtasks, so that a budget smaller than m still reaches all of them. Not published for gradients;
    RDS+ does the same with hidden states.
    """
    return in_turn((cosines[:, column] for column in alternating(groups)), valid, budget)
