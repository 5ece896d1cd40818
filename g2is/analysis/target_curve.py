"""What more validation examples would change: round robin for subsets of the present ones. Arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MORE = 20
"""Further examples whose effect is foretold; at most as many as there are."""
HELD_BACK = 4
"""One of so many examples is held back, to see how a selection for the others serves it."""
DRAWS = 10
FIRST = 8
"""Examples at which the curve begins, where there are three times as many; each further point has twice as many."""
COLUMNS = 64
"""Examples whose cosines are read at once."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Selections for some of the examples, mean over draws.

    sizes: (s,) numbers of examples. shared: (s,) share of their selection that the selection for all examples has too.
    coverage: (s,) for examples that were held back, the highest cosine of a chosen instruction as a share of the
    highest in the pool, 0 where that has none above 0. held_back: how many these were.
    """

    sizes: tuple[int, ...]
    shared: NDArray[np.float64]
    coverage: NDArray[np.float64]
    held_back: int


@dataclass(frozen=True)
class Forecast:
    """The share of a selection that further examples would change.

    more: further examples. change: what the last ones changed, from `known` examples to all, which is the same
    proportion; taken to be what the next ones change. foretold: the same rule for the last ones, from the step to
    `known` examples; mean over draws, as is `error`, its mean distance from what they did change.
    """

    more: int
    change: float
    known: int
    foretold: float
    error: float


@dataclass(frozen=True, eq=False)
class Subsets:
    """Selections of one size by round robin for any of m examples.

    ranked: (m, b) the `budget` valid rows with the highest cosines to each, descending; no example can come to more.
    """

    ranked: NDArray[np.int64]
    budget: int
    count: int

    @classmethod
    def of(cls, cosines: NDArray[np.floating], valid: NDArray[np.bool_], budget: int) -> Subsets:
        """cosines: (n, m) of the pool to the examples; may be a memory map. valid: (n,)."""
        budget = min(budget, int(valid.sum()))
        ranked = np.empty((cosines.shape[1], budget), np.int64)
        rows = np.flatnonzero(valid)
        for start in range(0, len(ranked), COLUMNS):
            block = np.asarray(cosines[:, start : start + COLUMNS], np.float32)[rows]
            for place in range(block.shape[1]):
                ranked[start + place] = rows[_highest(np.ascontiguousarray(block[:, place]), budget)]
        return cls(ranked, budget, len(valid))

    def chosen(self, examples: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int64]:
        """What round robin chooses for these examples, as `selectors.round_robin` without subtasks does."""
        free = np.ones(self.count, dtype=bool)
        queues = [map(int, self.ranked[example]) for example in np.asarray(examples).tolist()]
        rows: list[int] = []
        while len(rows) < self.budget:
            for queue in queues[: self.budget - len(rows)]:
                row = next(row for row in queue if free[row])
                free[row] = False
                rows.append(row)
        return np.array(rows, np.int64)

    def change(self, fewer: NDArray[np.integer], more: NDArray[np.integer]) -> float:
        """The share of the selection for `more` examples that the one for `fewer` has not."""
        return float(1 - np.isin(self.chosen(more), self.chosen(fewer)).mean())


def _highest(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Places of the `count` highest scores, descending; equal ones by place."""
    least = np.partition(scores, len(scores) - count)[len(scores) - count] if count else np.inf
    places = np.flatnonzero(scores >= least)
    return places[np.argsort(-scores[places], kind="stable")][:count]


def draws_of(count: int, draws: int = DRAWS) -> list[NDArray[np.int64]]:
    """Orders of `count` examples, seeded."""
    return [np.random.default_rng(draw).permutation(count) for draw in range(draws)]


def learning_curve(subsets: Subsets, cosines: NDArray[np.floating], valid: NDArray[np.bool_]) -> Curve | None:
    """The curve over 8, 16, 32, … of the examples; None where there are too few for one.

    cosines: (n, m) of the pool to the examples. valid: (n,) what can be chosen.
    """
    count = len(subsets.ranked)
    held = count // HELD_BACK
    most = count - held
    if held < 1 or most < 2 or not subsets.budget:
        return None
    first = FIRST if most >= 3 * FIRST else 2
    sizes = [first * 2**power for power in range(32) if first * 2**power < most] + [most]
    everything = subsets.chosen(np.arange(count))
    best = np.array([float(cosines[rows[0], example]) for example, rows in enumerate(subsets.ranked)])
    shared, coverage = np.zeros((2, DRAWS, len(sizes)))
    for draw, order in enumerate(draws_of(count)):
        kept_back, rest = order[:held], order[held:]
        for place, size in enumerate(sizes):
            chosen = subsets.chosen(rest[:size])
            shared[draw, place] = np.isin(chosen, everything).mean()
            own = np.asarray(cosines[np.sort(chosen)], np.float32)[:, kept_back].max(axis=0)
            possible = best[kept_back]
            coverage[draw, place] = (np.maximum(own, 0) / np.where(possible > 0, possible, np.inf)).mean()
    return Curve(tuple(sizes), shared.mean(axis=0), coverage.mean(axis=0), held)


def forecast(subsets: Subsets) -> Forecast | None:
    """What further examples would change: as much as the last ones of the same proportion did.

    None where there are fewer than five examples, or a selection has not two instructions for each of them: then it
    is the examples without a turn that decide.
    """
    count = len(subsets.ranked)
    more = min(MORE, count)
    kept = count / (count + more)
    known = round(count * kept)
    before = round(known * kept)
    if before < 1 or known >= count or before >= known or count < 5 or subsets.budget < 2 * count:
        return None
    changes = np.array(
        [
            (subsets.change(order[:before], order[:known]), subsets.change(order[:known], order))
            for order in draws_of(count)
        ]
    )
    foretold, change = changes.mean(axis=0)
    error = float(abs(changes[:, 0] - changes[:, 1]).mean())
    return Forecast(more, float(change), known, float(foretold), error)
