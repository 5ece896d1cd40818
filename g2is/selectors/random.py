"""A random draw: the baseline of every method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from g2is.config import SEEDS
from g2is.selectors.method import BudgetedMethod, Pool, Rows, register


@register("random")
class Random(BudgetedMethod):
    """A random draw."""

    seed: int = Field(0, ge=0, lt=SEEDS, description="random seed")

    def choose(self, pool: Pool, budget: int) -> Rows:
        return random(pool.valid, budget, seed=self.seed)


def random(valid: NDArray[np.bool_], budget: int, *, seed: int = 0) -> Rows:
    """A uniform draw without replacement; for one seed, a smaller selection is the beginning of a larger one."""
    return np.random.default_rng(seed).permutation(np.flatnonzero(valid))[:budget]
