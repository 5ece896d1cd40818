"""TracIn: products of gradients with their lengths, over the checkpoints that a run has."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from g2is.arrays.unit import lengths
from g2is.config import RegimeName
from g2is.selectors.method import Array, Pool, Rows, TargetedMethod, register
from g2is.selectors.ranking import best, best_group_mean


@register("tracin")
class TracIn(TargetedMethod):
    """The mean product with the gradients of a subtask, lengths included, the highest over all subtasks."""

    regime: RegimeName = Field("sgd", description="gradients that are compared; sgd: as published")

    def choose(self, pool: Pool, budget: int) -> Rows:
        examples, regime = self.examples(pool), pool.regime(self.regime)
        return tracin(
            regime.validation_cosines[:, examples.rows],
            regime.norms,
            lengths(pool.validation_gradients_in(self.regime)[examples.rows]),
            examples.subtasks,
            pool.valid,
            budget,
        )


def tracin(
    cosines: Array,
    norms: Array,
    validation_norms: Array,
    groups: Sequence[Hashable],
    valid: NDArray[np.bool_],
    budget: int,
) -> Rows:
    """The mean influence on a subtask, the highest over all subtasks (Pruthi et al. 2020, TracIn, arXiv 2002.08484).

    cosines: (n, m) of training to validation gradients. norms: (n,) and validation_norms: (m,) lengths of these
    gradients. groups: (m,) the subtask of each validation sample.
    TracInCP sums `rate_c g_c(z) . g_c(z')` over checkpoints. With one checkpoint that is cosine times both lengths. A
    run of several keeps the gradients of each at length 1, weighted by learning rate: its cosines are the sum over
    checkpoints of rate times cosine, and the lengths multiplied with it are the means over checkpoints. Longer
    gradients, of short or surprising responses, go first; the paper has no rule for several test examples, so
    they are put together as in LESS.
    """
    products = np.asarray(cosines, np.float32) * np.asarray(validation_norms, np.float32)
    products *= np.asarray(norms, np.float32)[:, None]
    return best(best_group_mean(products, groups), valid, budget)
