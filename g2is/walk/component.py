"""The walk for one component: an anchor, then from neighbour to neighbour, with a search of the pool in between."""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.arrays.threads import one_blas_thread
from g2is.walk.members import Members
from g2is.walk.onward import in_order
from g2is.walk.pool import FREE, Pool, Row
from g2is.walk.rules import CLOSE_PRODUCT, CONSISTENCY, PASSES
from g2is.walk.script import script_anchor
from g2is.walk.search import PoolSearch
from g2is.walk.trace import ANCHOR, BUDGET_SPENT, FALLBACK, NEIGHBOR, NONE_FREE, NONE_PASSES, TraceLog

FIRST_NEIGHBORS = 8
"""Neighbours judged in the first block, if the first does not pass; each further block is four times larger."""


class ComponentWalk:
    """Takes samples of a pool for one component and logs each step."""

    def __init__(self, pool: Pool, component: int, log: TraceLog) -> None:
        self.pool, self.component, self.log = pool, component, log
        self.members = Members(pool.rules, pool.components[component], pool.affinities[:, component])
        self.search = PoolSearch(pool, self.members)
        self.stopped = BUDGET_SPENT
        """Index into STOPS: why it stopped."""

    def extend(self, budget: int) -> int:
        """Take up to `budget` more samples; returns how many of them could not be taken."""
        if budget and not self.members.samples:
            budget -= self._take_anchor()
        with one_blas_thread():
            while budget and self.stopped == BUDGET_SPENT:
                budget -= self._step()
        return budget

    def _take_anchor(self) -> bool:
        """Take the free sample with the highest affinity, if any is free."""
        free = self.pool.status == FREE
        affinity = np.where(free, self.members.affinity, -np.inf)
        best = int(np.argmax(affinity))
        if not free[best]:
            self.stopped = NONE_FREE
            return False
        if self.pool.exact and np.count_nonzero(affinity > affinity[best] - CLOSE_PRODUCT) > 1:
            ranked = script_anchor(self.pool.anchor_cosines[self.component], free)
            best = best if ranked is None else ranked
        return self._take(best, self.pool.read(best), ANCHOR)

    def _step(self) -> bool:
        """Take one more sample, or stop where none may be taken."""
        if self.pool.parameters.knowledge_coherence and self._step_to_neighbor():
            return True
        best = self.search.first()
        if best is not None:
            return self._take(*best, FALLBACK)
        self.log.withdraw_rejections()
        self.stopped = NONE_PASSES if np.any(self.pool.status == FREE) else NONE_FREE
        return False

    def _take(self, sample: int, gradient: Row, origin: int, previous: int = -1, cosine: float = nan) -> bool:
        before = self.members.alignment
        self.members.add(sample, gradient)
        self.pool.take(sample)
        self.log.step(
            sample,
            self.component,
            origin,
            previous=previous,
            cosine=cosine,
            affinity=self.members.affinity[sample],
            before=float(before),
            after=float(self.members.alignment),
        )
        return True

    def _step_to_neighbor(self) -> bool:
        """Take the first neighbour of the last sample that passes, nearest or best first, if any does."""
        last = self.members.samples[-1]
        row = in_order(self.pool.parameters, self.pool.neighbors_of(last), self.members.affinity)
        status = self.pool.status[row]
        alignments = np.full(len(row), nan, dtype=np.float32)
        place, gradient = self._first_to_pass(row, status, alignments)
        self._log_rejections(row[:place], status[:place], alignments[:place])
        if gradient is None:
            return False
        sample = int(row[place])
        if self.pool.cosines is None:
            cosine = float(np.dot(self.members.gradients[len(self.members) - 1], gradient))
        else:
            cosine = float(self.pool.cosines[last, np.argmax(self.pool.neighbors[last] == sample)])
        return self._take(sample, gradient, NEIGHBOR, last, cosine)

    def _first_to_pass(
        self, row: NDArray[np.integer], status: NDArray[np.uint8], alignments: NDArray[np.float32]
    ) -> tuple[int, Row | None]:
        """The first place in `row` (k,) whose sample passes, and its gradient; k and None without one.

        Writes into `alignments` (k,) what those rejected for consistency would have led to.
        """
        free = np.flatnonzero((status == FREE) & (self.members.rule[row] == PASSES))
        if free.size:
            first_free = int(row[free[0]])
            gradient = self.pool.read(first_free)
            if self.members.clearly_passes(first_free, gradient):
                return int(free[0]), gradient
        start, size = 0, FIRST_NEIGHBORS
        while start < len(free):
            places = free[start : start + size]
            gradients = read_rows(self.pool.gradients, row[places])
            verdicts = self.members.verdicts(row[places], gradients)
            alignments[places] = np.where(verdicts.rule == CONSISTENCY, verdicts.value, nan)
            if verdicts.passes.any():
                first = verdicts.passes.argmax()
                return int(places[first]), gradients[first]
            start, size = start + size, 4 * size
        return len(row), None

    def _log_rejections(
        self, rows: NDArray[np.integer], status: NDArray[np.uint8], alignments: NDArray[np.float32]
    ) -> None:
        """Log the neighbours (r,) rejected on the way to the next step; alignments: (r,) for consistency, or NaN."""
        if not rows.size:
            return
        rule = np.where(status == FREE, self.members.rule[rows], status)
        with_member = (status == FREE) & (rule != PASSES)
        rule[rule == PASSES] = CONSISTENCY
        member = np.full(len(rows), -1)
        if with_member.any():
            broke = rows[with_member]
            alignments[with_member] = self.members.value[broke]
            member[with_member] = np.array(self.members.samples)[self.members.tested[broke]]
        self.log.reject(rows, rule, member, alignments)
