"""A fallback: the search of the whole pool for the free row closest to a component that passes the rules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import block_rows, read_rows
from g2is.walk.members import Members
from g2is.walk.pool import FREE, Pool, Row
from g2is.walk.rules import PASSES
from g2is.walk.script import script_order

FIRST_SEARCHED = 32
"""Rows judged in the first block; each further block is twice as large."""

SORTED_AT_ONCE = 4096
"""Rows sorted first, approximately; each further time eight times as many."""
LEVEL_STRIDE = 64
"""The affinity down to which rows are sorted is estimated from every LEVEL_STRIDE-th row."""


class PoolSearch:
    """Searches for one component. Rows that broke a rule with a member are not considered again."""

    def __init__(self, pool: Pool, members: Members) -> None:
        self.pool, self.members, self.affinity = pool, members, members.affinity
        self.queue = np.zeros(0, dtype=np.intp)
        """Rows that may be taken, by descending affinity, as far as the pool is sorted."""
        self.floor = np.float32(np.inf)
        """All rows with at least this affinity are in the queue or can never be taken."""
        self.levels: NDArray[np.float32] | None = None
        """Affinities of every LEVEL_STRIDE-th row of the pool, descending."""
        self.depth = SORTED_AT_ONCE // LEVEL_STRIDE
        """Place in `levels` of the next floor."""

    def first(self) -> tuple[int, Row] | None:
        """The first free row that passes, by descending affinity, and its gradient; None where none passes."""
        start, size = 0, FIRST_SEARCHED
        while start < len(self.queue) or self._sort_more():
            end = min(start + size, len(self.queue))
            most = min(len(self.queue), start + block_rows(self.pool.gradients))
            while end < most and self._tied(end - 1, end):
                end += 1  # `_first_of` needs all that are tied
            rows = self.queue[start:end]
            rows = rows[self._in_play(rows) & self.members.may_be_consistent(rows)]
            if start == 0 and rows.size and self._ahead(rows):
                best = int(rows[0])
                gradient = self.pool.read(best)
                if self.members.clearly_passes(best, gradient):
                    self._drop(0, best)
                    return best, gradient
            gradients = read_rows(self.pool.gradients, rows)
            passes = self.members.verdicts(rows, gradients).passes
            if passes.any():
                best = self._first_of(rows[passes])
                self._drop(start, best)
                return best, gradients[np.argmax(rows == best)]
            start, size = end, min(2 * size, block_rows(self.pool.gradients))
        return None

    def _ahead(self, rows: NDArray[np.intp]) -> bool:
        """Whether the first of rows (b,), by descending affinity, shares its affinity with no other."""
        return len(rows) == 1 or bool(self.affinity[rows[0]] > self.affinity[rows[1]])

    def _tied(self, place: int, other: int) -> bool:
        return bool(self.affinity[self.queue[place]] == self.affinity[self.queue[other]])

    def _first_of(self, rows: NDArray[np.intp]) -> int:
        """The one to take of rows (b,) that pass, by descending affinity."""
        ties = rows[self.affinity[rows] == self.affinity[rows[0]]]
        if self.pool.exact and len(ties) > 1:
            ties = script_order(self.affinity, self.pool.status == FREE, ties)
        return int(ties[0])

    def _in_play(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        return (self.pool.status[rows] == FREE) & (self.members.rule[rows] == PASSES)

    def _sort_more(self) -> bool:
        """Append the rows down to the next level of affinity to the queue; False where there are none left."""
        if self.levels is None:
            sample = self.affinity[::LEVEL_STRIDE]
            self.levels = np.sort(sample[np.isfinite(sample)])[::-1]
        ceiling = self.floor
        while self.floor > -np.inf:
            deeper = self.depth < len(self.levels)
            self.floor = self.levels[self.depth] if deeper else np.float32(-np.inf)
            self.depth *= 8
            rows = np.flatnonzero((self.affinity < ceiling) & (self.affinity >= self.floor))
            rows = rows[self._in_play(rows)]
            if rows.size:
                rows = rows[np.argsort(-self.affinity[rows], kind="stable")]
                self.queue = np.concatenate([self.queue, rows])
                return True
        return False

    def _drop(self, start: int, sample: int) -> None:
        """Remove `sample`, at `start` or after it, and all rows before it that can never be taken."""
        place = start + int(np.argmax(self.queue[start:] == sample))
        passed = self.queue[:place]
        self.queue = np.concatenate([passed[self._in_play(passed)], self.queue[place + 1 :]])
