"""Selectors that look at no gradient: what any other has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.selectors.ranking import best


def random(valid: NDArray[np.bool_], budget: int, *, seed: int = 0) -> NDArray[np.int64]:
    """A uniform draw without replacement; of one seed, a smaller budget is the start of a larger one."""
    return np.random.default_rng(seed).permutation(np.flatnonzero(valid))[:budget]


def full(valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Everything, in the order of the pool."""
    return np.flatnonzero(valid)


def length(lengths: ArrayLike, valid: NDArray[np.bool_], budget: int) -> NDArray[np.int64]:
    """The longest responses (Zhao et al. 2024, *Long Is More for Alignment*). lengths: (n,).

    The paper counts a response's tokens; a run hands over those that are trained, after cutting, or where
    its gradients come from elsewhere and nothing is known of tokens, characters.
    """
    return best(np.asarray(lengths, dtype=np.float64), valid, budget)
