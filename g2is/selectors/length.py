"""The longest responses: a baseline without gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.selectors.method import BudgetedMethod, Pool, Rows, register
from g2is.selectors.ranking import best


@register("length")
class Length(BudgetedMethod):
    """The longest responses."""

    def choose(self, pool: Pool, budget: int) -> Rows:
        lengths = pool.instructions["trained_tokens"].to_numpy()
        if not lengths.any():  # imported gradients come without token counts
            lengths = [len(response) for _, response in pool.conversations()]
        return length(lengths, pool.valid, budget)


def length(lengths: ArrayLike, valid: NDArray[np.bool_], budget: int) -> Rows:
    """The longest responses (Zhao et al. 2024, *Long Is More for Alignment*). lengths: (n,).

    The paper counts the tokens of a response. A run counts trained tokens, after truncation; if its gradients were
    imported, characters.
    """
    return best(np.asarray(lengths, dtype=np.float64), valid, budget)
