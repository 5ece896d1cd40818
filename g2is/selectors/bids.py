"""BIDS: always for the validation example that the selection so far serves least, among scores made comparable."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from g2is.config import RegimeName
from g2is.selectors.method import Array, Pool, Rows, TargetedMethod, register
from g2is.selectors.ranking import descending


@register("bids")
class Bids(TargetedMethod):
    """Cosines standardised by example; always the instruction that adds most to an example served too little."""

    regime: RegimeName = Field("adam", description="gradients that are compared; adam: as published")

    def choose(self, pool: Pool, budget: int) -> Rows:
        examples = self.examples(pool)
        return bids(pool.regime(self.regime).validation_cosines[:, examples.rows], pool.valid, budget)


def bids(cosines: Array, valid: NDArray[np.bool_], budget: int) -> Rows:
    """The sample that rises furthest above what the selection has on average for an example, again and again (Dai et
    al. 2025, BIDS, arXiv 2501.12147).

    cosines: (n, m) of training to validation gradients, LESS's influence. Each column is standardised over the valid
    rows (their mean becomes 0, their standard deviation 1), so that examples with large influences do not win every
    comparison. With T the samples taken so far, the next is the free sample with the largest
    max_j (score_ij - mean over T of score_j); before the first, the mean is 0.

    For one example j the best sample is the free one with the highest score, whatever T is: so each column is
    sorted once, and a step compares the first free sample of every column.
    """
    scores = np.asarray(cosines, dtype=np.float64)
    of_valid = scores[valid]
    spread = of_valid.std(axis=0)
    scores = (scores - of_valid.mean(axis=0)) / np.where(spread > 0, spread, 1)
    free = valid.copy()
    queues = [descending(np.ascontiguousarray(column), free) for column in scores.T]
    first = np.array([next(queue) for queue in queues])
    best = scores[first, np.arange(len(queues))]
    total = np.zeros(len(queues))
    chosen: list[int] = []
    while len(chosen) < budget:
        gains = best - total / max(1, len(chosen))
        row = int(first[gains == gains.max()].min())
        free[row] = False
        chosen.append(row)
        total += scores[row]
        for column in np.flatnonzero(first == row) if free.any() else ():
            first[column] = next(other for other in queues[column] if free[other])
            best[column] = scores[first[column], column]
    return np.array(chosen, dtype=np.int64)
