"""Which validation examples a selection serves: well, badly or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from g2is.run.run import Regime, Run

WELL, BADLY, NOT = "well", "badly", "not"
HALF = 0.5
"""Served well: at least this share of what is usual, the median over the examples of the best that the pool has."""


@dataclass(frozen=True, eq=False)
class Served:
    """How a selection serves m validation examples in one gradient regime.

    examples: (m,) their rows among all validation examples of the run. best, best_row: (m,) the highest cosine that the
    pool has for each, and its row. own, own_row: the same of the selection; NaN and -1 where it is empty. usual: median
    of `best`. average: (m,) mean cosine over the pool.
    """

    examples: NDArray[np.int64]
    best: NDArray[np.float32]
    best_row: NDArray[np.int64]
    own: NDArray[np.float32]
    own_row: NDArray[np.int64]
    usual: float
    average: NDArray[np.float32]

    @property
    def needed(self) -> float:
        """The cosine from which on an example counts as served well."""
        return HALF * self.usual

    @property
    def how(self) -> NDArray[np.str_]:
        """(m,) WELL; NOT where no chosen instruction is closer than the pool is on average; otherwise BADLY."""
        nothing = ~(self.own > self.average)
        return np.where(nothing, NOT, np.where(self.own >= self.needed, WELL, BADLY))

    @property
    def lacking(self) -> NDArray[np.bool_]:
        """(m,) whether the whole pool has nothing that would serve the example well."""
        return self.best < self.needed

    @property
    def at_best(self) -> int:
        """For how many examples no instruction of the pool is closer than one that was chosen."""
        return int(np.count_nonzero(self.own >= self.best))

    def count(self, how: str) -> int:
        """How many examples are served like this."""
        return int(np.count_nonzero(self.how == how))


def pool_service(regime: Regime, valid: NDArray[np.bool_], examples: NDArray[np.integer]) -> Served:
    """What the pool has for each of these validation examples; with an empty selection.

    valid: (n,) what counts as the pool. examples: rows among all validation examples of the run.
    """
    rows = np.asarray(examples, np.int64)
    cosines = _of_examples(regime, rows)
    best, row = _highest(cosines, np.flatnonzero(valid))
    average = np.asarray(cosines).mean(axis=0, where=valid[:, None], dtype=np.float64).astype(np.float32)
    nothing = np.full(len(best), np.nan, np.float32)
    return Served(rows, best, row, nothing, np.full(len(best), -1), float(np.median(best)), average)


def served(pool: Served, regime: Regime, samples: NDArray[np.integer]) -> Served:
    """How a selection serves the examples. pool: of `pool_service` in the same regime."""
    if not len(samples):
        return pool
    chosen = np.asarray(samples, np.int64)
    own, row = _highest(
        np.asarray(regime.validation_cosines[chosen])[:, pool.examples], np.arange(len(chosen))
    )
    row = np.where(row < 0, row, chosen[row])
    return Served(pool.examples, pool.best, pool.best_row, own, row, pool.usual, pool.average)


def _of_examples(regime: Regime, examples: NDArray[np.int64]) -> NDArray[np.floating]:
    """(n, m) cosines of the pool to some examples; a view where these are all."""
    cosines = regime.validation_cosines
    return cosines if len(examples) == cosines.shape[1] else np.asarray(cosines)[:, examples]


def _highest(cosines: NDArray[np.floating], rows: NDArray[np.int64]) -> tuple[NDArray, NDArray[np.int64]]:
    """The highest cosine of these rows to each example (m,), and the row that has it."""
    if not len(rows):
        return np.full(cosines.shape[1], np.nan, np.float32), np.full(cosines.shape[1], -1)
    some = np.asarray(cosines[rows], np.float32)
    place = some.argmax(axis=0)
    return some[place, np.arange(some.shape[1])], rows[place]


def least_served(run: Run, serving: Served) -> pd.DataFrame:
    """One row an example, the worst served first: example, served, cosine, instruction (-1 for none), best in pool,
    best instruction, lacking."""
    order = np.argsort(np.nan_to_num(serving.own, nan=-2.0), kind="stable")
    frame = pd.DataFrame(
        {
            "example": serving.examples,
            "served": serving.how,
            "cosine": serving.own,
            "instruction": serving.own_row,
            "best in pool": serving.best,
            "best instruction": serving.best_row,
            "lacking": serving.lacking,
        }
    ).iloc[order]
    frame["text"] = run.validation["prompt"].to_numpy()[frame["example"]]
    return frame.reset_index(drop=True)
