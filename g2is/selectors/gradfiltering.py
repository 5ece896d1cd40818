"""GradFiltering: samples whose gradients shrink in training, consistently over an ensemble."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.selectors.method import BudgetedMethod, Pool, Rows, register
from g2is.selectors.ranking import best

EPSILON = 1e-8
"""Added to divisors."""


@register("gradfiltering")
class Gradfiltering(BudgetedMethod):
    """The highest signal-to-noise ratio of the gradient over an ensemble."""

    def choose(self, pool: Pool, budget: int) -> Rows:
        lengths = pool.ensemble
        return gradfiltering(lengths["early"], lengths["late"], lengths["late_variance"], pool.valid, budget)


def gradfiltering(
    early: ArrayLike, late: ArrayLike, late_variance: ArrayLike, valid: NDArray[np.bool_], budget: int
) -> Rows:
    """The highest signal to noise of the gradient (Yuan et al. 2026, GradFiltering, arXiv 2601.13697).

    early, late: (n,) mean length of the sample's LoRA gradient over the members of the ensemble, early and late in
    their training. late_variance: (n,) its variance over the members, late. The score is the relative decrease of the
    length, divided by the late variance. No validation samples are needed. The paper does not say how divisions by 0
    are avoided; here 1e-8 is added to the divisors. The ensemble is of the run's own model, while the paper uses GPT-2
    as a proxy for larger models.
    """
    start, end, variance = (np.asarray(values, dtype=np.float64) for values in (early, late, late_variance))
    return best((start - end) / (start + EPSILON) / (variance + EPSILON), valid, budget)
