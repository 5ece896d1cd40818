"""The gradient walk (Zhao et al. 2025, Algorithm 1), each (candidate, member) product computed at most once.

Knows arrays only. With float32 rows and the `official` preset it takes the same samples in the same order as
the authors' published script, whose arithmetic it repeats wherever a decision is close. It differs knowingly
in one corner: a sample once found in conflict with a member stays so, where the script takes the product anew
at every step and its last bit, so the sign of one next to zero, depends on how many others are beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import inf, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import (
    LENGTH_TOLERANCE,
    block_rows,
    open_rows,
    read_rows,
    sum_cosine,
)
from g2is.arrays.threads import one_blas_thread
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge, component_affinities
from g2is.walk.budget import WalkPlan, plan_walk
from g2is.walk.resume import resumable, standing_steps
from g2is.walk.script import script_anchor, script_order
from g2is.walk.trace import (
    ANCHOR,
    BUDGET_SPENT,
    CONFLICT,
    CONSISTENCY,
    FALLBACK,
    LEFT_OUT,
    NEIGHBOR,
    NONE_FREE,
    NONE_PASSES,
    PIN,
    REDUNDANT,
    TAKEN,
    TraceLog,
    WalkTrace,
)

Row = NDArray[np.float32]

FREE = 255
"""Status of a row that can be taken; of others it is the rule, TAKEN or LEFT_OUT, that turns them away."""

CLOSE_PRODUCT = 1e-6
CLOSE_COSINE = 1e-5
"""A decision nearer than this to its bound is made again in the script's own order of operations; float32
products and cosines are good to a tenth of it."""

CANCELLED = 0.01
"""A sum shorter than this share (squared) of what went into it has lost digits and is formed anew as well."""

FIRST_NEIGHBORS = 8
"""Neighbours tested at once where the first does not pass; four times as many each further time."""

FIRST_MEMBERS = 8
"""Members that a new candidate is tested against before those in conflict are dropped and the rest go on."""

FIRST_SEARCHED = 32
"""Rows that a fallback tests at once; twice as many each further time."""

SORTED_AT_ONCE, LEVEL_STRIDE = 4096, 64
"""Rows of the pool, about, put in order when a fallback first needs them, eight times more each further time;
how many is told from every so-many-th row."""


def gradient_walk(
    gradients: ArrayLike,
    neighbors: ArrayLike,
    cosines: ArrayLike | None,
    knowledge: CoreKnowledge,
    parameters: WalkParameters,
    *,
    sources: Sequence[str] | None = None,
    valid: ArrayLike | None = None,
    affinities: NDArray[np.float32] | None = None,
    resume: WalkTrace | None = None,
) -> WalkTrace:
    """Takes samples for each component in order of weight, from neighbour to neighbour, within the rules.

    gradients: (n, d) unit rows, float32 or float16, memory-mapped or not; only rows that are visited are
    read. neighbors: (n, k) int, each row by descending cosine, -1 where there is none; cosines: (n, k) of
    those edges, or None to work them out for the edges taken. knowledge: of the same d. sources, valid: (n,)
    source name of each row, and whether it can be taken at all. affinities: what `component_affinities`
    gives, for callers that walk more than once.

    For a component K, with S the samples taken for it: the anchor is the free sample with the highest cosine
    to K. A step looks at the neighbours of the last one taken and takes the first free one (*knowledge
    coherence*) that has a cosine of at least `conflict_threshold` to every member of S (*no conflict*) and for
    which |cos(sum of S + g, K)| >= delta |cos(sum of S, K)| (*consistency*; without the bars where
    `parameters.signed`). If there is none, all free samples are searched by descending cosine to K under
    those two rules (a fallback); if none passes, the component stops. Among equal cosines the smaller index
    goes first, or with float32 rows, as the script would have them (see `ties`).
    Rules switched off: without knowledge coherence every step is such a search; without no conflict or
    consistency that test passes everything.

    Not in the paper: `max_cosine` turns away what is too similar to a member of S (redundant);
    `consistency_reference` = best compares with the best alignment that S has had, not with that of the last
    step, which falls a little at a time; `order` = in_turn has each component take one sample at a time, in
    order of weight, so that no component finds the best taken by those before it.

    Pins come first and use up budget; they belong to no component, so no candidate is compared with them.
    What a component leaves unspent is lost (`stop`), or goes to the next by weight (`pass_on`); what the last
    one leaves goes round once more to those that can go on. In turn, it goes to them all, one sample each.

    resume: a trace of the same pool and knowledge under another budget or a smaller delta; its steps that
    stand are taken over instead of walked, and the result is the same as without it (but for the last digit of
    products in the trace). Raises `InputError` where arguments do not fit together.
    """
    pool = _Pool(gradients, neighbors, cosines, knowledge, parameters, affinities)
    plan = plan_walk(parameters, knowledge, len(pool.status), sources=sources, valid=valid)
    log = TraceLog()
    pool.status[plan.left_out] = LEFT_OUT
    pool.status[plan.pins] = TAKEN
    for pin in plan.pins.tolist():
        log.step(pin, -1, PIN)

    if resume is not None and not resumable(resume, parameters, knowledge, len(pool.status)):
        resume = None
    walk = _in_turn if parameters.order == "in_turn" else _one_after_the_other
    stopped = walk(pool, plan, log, resume)
    steps, rejections = log.columns()
    return WalkTrace(
        parameters=parameters,
        rows=len(pool.status),
        steps=steps,
        rejections=rejections,
        budgets=plan.budgets,
        stopped=stopped,
        weights=knowledge.weights,
        targets=knowledge.targets,
    )


def _one_after_the_other(
    pool: _Pool, plan: WalkPlan, log: TraceLog, resume: WalkTrace | None
) -> NDArray[np.uint8]:
    """Walks for each component until its budget is spent; gives why each stopped (k,)."""
    pass_on = pool.parameters.unspent == "pass_on"
    walks: dict[int, _ComponentWalk] = {}
    stopped = np.zeros(len(plan.order), dtype=np.uint8)
    carried = 0
    for lap in range(2 if pass_on else 1):
        for component in plan.order.tolist():
            walk = walks.pop(component, None) or _ComponentWalk(pool, component, log)
            budget = carried + (int(plan.budgets[component]) if lap == 0 else 0)
            unspent = walk.extend(budget, resume)
            stopped[component] = walk.stopped
            if pass_on:
                carried, walks[component] = unspent, walk
    return stopped


def _in_turn(pool: _Pool, plan: WalkPlan, log: TraceLog, _: WalkTrace | None) -> NDArray[np.uint8]:
    """Walks one step for each component, round and round; gives why each stopped (k,)."""
    walks = [_ComponentWalk(pool, component, log) for component in range(len(plan.order))]
    left = plan.budgets.copy()

    def going(budgets: NDArray[np.int64]) -> list[int]:
        return [c for c in plan.order.tolist() if budgets[c] and walks[c].stopped == BUDGET_SPENT]

    while turn := going(left):
        for component in turn:
            left[component] -= 1 - walks[component].extend(1, None)
    unspent = int(left.sum()) if pool.parameters.unspent == "pass_on" else 0
    everyone = np.ones_like(left)
    while unspent and (turn := going(everyone)):
        for component in turn[:unspent]:
            unspent -= 1 - walks[component].extend(1, None)
    return np.array([walk.stopped for walk in walks], dtype=np.uint8)


class _Pool:
    """What all components walk on; `status` (n,) is FREE or the rule that turns the row away."""

    def __init__(
        self,
        gradients: ArrayLike,
        neighbors: ArrayLike,
        cosines: ArrayLike | None,
        knowledge: CoreKnowledge,
        parameters: WalkParameters,
        affinities: NDArray[np.float32] | None,
    ) -> None:
        self.gradients = open_rows(gradients, knowledge.components.shape[1])
        rows = len(self.gradients)
        self.neighbors = np.asarray(neighbors)
        if self.neighbors.ndim != 2 or len(self.neighbors) != rows:
            raise InputError(
                f"neighbors: shape {self.neighbors.shape}, expected ({rows}, neighbours per row)"
            )
        self.cosines = None if cosines is None else np.asarray(cosines)
        if self.cosines is not None and self.cosines.shape != self.neighbors.shape:
            raise InputError(f"cosines: shape {self.cosines.shape}, neighbors {self.neighbors.shape}")
        kept = self.neighbors.shape[1]
        if parameters.neighbors is not None and parameters.neighbors > kept:
            raise InputError(f"neighbors = {parameters.neighbors}: the graph keeps {kept} per sample")
        self.used_neighbors = parameters.neighbors or kept
        self.affinities = (
            component_affinities(self.gradients, knowledge) if affinities is None else affinities
        )
        if self.affinities.shape != (rows, len(knowledge)):
            raise InputError(
                f"affinities: shape {self.affinities.shape}, expected ({rows}, {len(knowledge)})"
            )
        self.exact = self.gradients.dtype == np.float32
        """Whether these are rows the published script could have walked on, to the last bit."""
        self.components = knowledge.components
        self.parameters = parameters
        self.status = np.full(rows, FREE, dtype=np.uint8)

    @cached_property
    def anchor_cosines(self) -> NDArray[np.float32]:
        """(k, n) affinities from one product with all components, as the script ranks anchors: rounded
        otherwise than products with one component at a time, as it ranks fallbacks."""
        return np.dot(self.components, self.gradients.T)


class _ComponentWalk:
    """The walk for one component: the samples it has taken, and what it knows of all others."""

    def __init__(self, pool: _Pool, component: int, log: TraceLog) -> None:
        rows, width = pool.gradients.shape
        self.pool, self.component, self.log = pool, component, log
        self.parameters = pool.parameters
        self.direction = pool.components[component]
        self.affinity = pool.affinities[:, component]
        self.stopped = BUDGET_SPENT
        self.samples: list[int] = []
        self.members = np.empty((FIRST_MEMBERS, width), dtype=np.float32)
        """(at least |S|, d) gradients of the samples taken."""
        self.sum = np.zeros(width, dtype=np.float32)
        self.square, self.along = 0.0, 0.0
        """Its squared length and its product with the component."""
        self.alignment = np.float32(nan)
        """Its cosine to the component."""
        self.reference = np.float32(-inf)
        """What consistency compares of it, of the last step or the best so far."""
        self.bound = np.float32(nan)
        """What the next step must leave of that."""
        self.lowest, self.highest = self.parameters.cosine_bounds
        """Cosines that a candidate may have to every sample taken."""
        self.compares = self.lowest > -inf or self.highest < inf
        self.tested = np.zeros(rows, dtype=np.int32)
        """How many members, from the first, a row is known to agree with. A conflict with S only grows, so
        no product is needed twice and a row in conflict is out for good; so is one too similar to a member."""
        self.blocked = np.zeros(rows, dtype=bool)
        """Whether the row is in conflict with the member after those, or too similar to it."""
        self.conflict = np.zeros(rows, dtype=np.float32)
        """Its cosine to that member."""
        self.queue = np.zeros(0, dtype=np.intp)
        """Rows a fallback may take, by descending affinity, as far as they are sorted by now."""
        self.floor = np.float32(np.inf)
        """All such rows with an affinity of at least this are in the queue."""
        self.levels: NDArray[np.float32] | None = None
        """Affinities of every so-many-th row of the pool, descending: tells where to put the floor next."""
        self.depth = SORTED_AT_ONCE // LEVEL_STRIDE
        """Place in `levels` of the next floor."""

    def extend(self, budget: int, resume: WalkTrace | None) -> int:
        """Takes up to `budget` further samples; what is left of it."""
        if budget and resume is not None:
            budget -= self._take_over(resume, budget)
        if budget and not self.samples:
            budget -= self._take_anchor()
        with one_blas_thread():
            while budget and self.stopped == BUDGET_SPENT:
                budget -= self._step()
        return budget

    def _take_over(self, old: WalkTrace, budget: int) -> int:
        taken = self.pool.status == TAKEN
        steps, all_stand = standing_steps(old, self.component, taken, self.affinity, self.parameters)
        steps = steps[:budget]
        self.log.take_over(old, steps, taken)
        for sample in old.steps.sample[steps].tolist():
            self._add(sample, self._read(sample))
        if all_stand and len(steps) < budget:
            self.stopped = int(old.stopped[self.component])
        return len(steps)

    def _take_anchor(self) -> bool:
        """Takes the free sample with the highest affinity, if any is free."""
        free = self.pool.status == FREE
        affinity = np.where(free, self.affinity, -np.inf)
        best = int(np.argmax(affinity))
        if not free[best]:
            self.stopped = NONE_FREE
            return False
        if self.pool.exact and np.count_nonzero(affinity > affinity[best] - CLOSE_PRODUCT) > 1:
            found = script_anchor(self.pool.anchor_cosines[self.component], free)
            best = best if found is None else found
        return self._take(best, self._read(best), ANCHOR)

    def _step(self) -> bool:
        """Takes one more sample, or stops the walk if none may be taken."""
        if self.parameters.knowledge_coherence and self._step_to_neighbor():
            return True
        if self._fall_back():
            return True
        self.log.withdraw_rejections()
        self.stopped = NONE_PASSES if np.any(self.pool.status == FREE) else NONE_FREE
        return False

    def _read(self, sample: int) -> Row:
        return read_rows(self.pool.gradients, np.array([sample]))[0]

    def _take(self, sample: int, gradient: Row, origin: int, previous: int = -1, cosine: float = nan) -> bool:
        before = self.alignment
        self._add(sample, gradient)
        self.log.step(
            sample,
            self.component,
            origin,
            previous=previous,
            cosine=cosine,
            affinity=self.affinity[sample],
            before=float(before),
            after=float(self.alignment),
        )
        return True

    def _add(self, sample: int, gradient: Row) -> None:
        count = len(self.samples)
        if count == len(self.members):
            self.members = np.concatenate([self.members, np.empty_like(self.members)])
        self.members[count] = gradient
        self.sum += gradient
        self.square = float(np.dot(self.sum, self.sum))
        self.along = float(np.dot(self.sum, self.direction))
        self.alignment = sum_cosine(self.sum, self.direction)
        compared = self._compared(self.alignment)
        best = self.parameters.consistency_reference == "best"
        self.reference = max(self.reference, compared) if best else compared
        self.bound = self.parameters.delta * self.reference
        self.samples.append(sample)
        self.pool.status[sample] = TAKEN

    def _step_to_neighbor(self) -> bool:
        last = self.samples[-1]
        row = self.pool.neighbors[last, : self.pool.used_neighbors]
        if row.size and row.min() < 0:
            row = row[row >= 0]
        status = self.pool.status[row]
        values = np.full(len(row), nan, dtype=np.float32)
        place, gradient = self._first_admissible(row, status, values)
        self._log_rejections(row[:place], status[:place], values[:place])
        if gradient is None:
            return False
        sample = int(row[place])
        if self.pool.cosines is None:
            cosine = float(np.dot(self.members[len(self.samples) - 1], gradient))
        else:
            cosine = float(self.pool.cosines[last, np.argmax(self.pool.neighbors[last] == sample)])
        return self._take(sample, gradient, NEIGHBOR, last, cosine)

    def _first_admissible(
        self, row: NDArray[np.integer], status: NDArray[np.uint8], values: NDArray[np.float32]
    ) -> tuple[int, Row | None]:
        """The first place in the list `row` (k,) whose sample passes, and its gradient; k and None without.

        Puts into `values` (k,) the alignment that those before it would lead to.
        """
        free = np.flatnonzero((status == FREE) & ~self.blocked[row])
        if free.size:
            gradient = self._read(int(row[free[0]]))
            if self._clearly_passes(int(row[free[0]]), gradient):
                return int(free[0]), gradient
        start, size = 0, FIRST_NEIGHBORS
        while start < len(free):
            places = free[start : start + size]
            passes, values[places], gradients = self._admissible(row[places])
            if passes.any():
                return int(places[passes.argmax()]), gradients[passes.argmax()]
            start, size = start + size, 4 * size
        return len(row), None

    def _log_rejections(
        self, rows: NDArray[np.integer], status: NDArray[np.uint8], values: NDArray[np.float32]
    ) -> None:
        """rows (r,) turned away on the way to the next step; values: the alignment they would lead to, NaN
        for those that it did not come to."""
        if not rows.size:
            return
        conflicts = (status == FREE) & np.isnan(values)
        rule = np.where(status == FREE, CONSISTENCY, status)
        rule[conflicts] = CONFLICT
        member = np.full(len(rows), -1)
        if conflicts.any():
            values[conflicts] = self.conflict[rows[conflicts]]
            rule[conflicts & (values > self.highest)] = REDUNDANT
            member[conflicts] = np.array(self.samples)[self.tested[rows[conflicts]]]
        self.log.reject(rows, rule, member, values)

    def _fall_back(self) -> bool:
        """Takes the first sample that passes of all that are free, by descending affinity."""
        start, size = 0, FIRST_SEARCHED
        while start < len(self.queue) or self._lengthen_queue():
            end = min(start + size, len(self.queue))
            most = min(len(self.queue), start + block_rows(self.pool.gradients))
            while end < most and self._equal(end - 1, end):
                end += 1  # `_first_of` wants ties in one piece
            rows = self.queue[start:end]
            rows = rows[self._in_play(rows) & self._within_reach(rows)]
            if start == 0 and rows.size and self._ahead(rows):
                gradient = self._read(int(rows[0]))
                if self._clearly_passes(int(rows[0]), gradient):
                    self._shorten_queue(0, int(rows[0]))
                    return self._take(int(rows[0]), gradient, FALLBACK)
            passes, _, gradients = self._admissible(rows)
            if passes.any():
                sample = self._first_of(rows[passes])
                self._shorten_queue(start, sample)
                return self._take(sample, gradients[np.argmax(rows == sample)], FALLBACK)
            start, size = end, min(2 * size, block_rows(self.pool.gradients))
        return False

    def _ahead(self, rows: NDArray[np.intp]) -> bool:
        """Whether the first of rows (b,), in descending affinity, shares its affinity with no other."""
        return len(rows) == 1 or bool(self.affinity[rows[0]] > self.affinity[rows[1]])

    def _equal(self, place: int, other: int) -> bool:
        return bool(self.affinity[self.queue[place]] == self.affinity[self.queue[other]])

    def _first_of(self, rows: NDArray[np.intp]) -> int:
        """The one to take of rows that pass, in descending affinity."""
        ties = rows[self.affinity[rows] == self.affinity[rows[0]]]
        if self.pool.exact and len(ties) > 1:
            ties = script_order(self.affinity, self.pool.status == FREE, ties)
        return int(ties[0])

    def _in_play(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        return (self.pool.status[rows] == FREE) & ~self.blocked[rows]

    def _lengthen_queue(self) -> bool:
        """Puts the next rows in order, if there are any: those down to the next level of affinity."""
        if self.levels is None:
            sample = self.affinity[::LEVEL_STRIDE]
            self.levels = np.sort(sample[np.isfinite(sample)])[::-1]
        ceiling = self.floor
        while self.floor > -np.inf:
            deeper = self.depth < len(self.levels)
            self.floor = self.levels[self.depth] if deeper else np.float32(-np.inf)
            self.depth *= 8
            between = (self.affinity < ceiling) & (self.affinity >= self.floor)
            rows = np.flatnonzero(between & (self.pool.status == FREE) & ~self.blocked)
            if rows.size:
                rows = rows[np.argsort(-self.affinity[rows], kind="stable")]
                self.queue = np.concatenate([self.queue, rows])
                return True
        return False

    def _shorten_queue(self, start: int, sample: int) -> None:
        """Drops `sample`, found from `start` on, and the rows before it that are out for good."""
        place = start + int(np.argmax(self.queue[start:] == sample))
        looked_at = self.queue[:place]
        self.queue = np.concatenate([looked_at[self._in_play(looked_at)], self.queue[place + 1 :]])

    def _clearly_passes(self, row: int, gradient: Row) -> bool:
        """Whether one row in play passes with room to spare; what is close is for `_admissible` to decide.

        Most steps take the first neighbour that is free, and this costs a tenth.
        """
        count, first = len(self.samples), int(self.tested[row])
        if self.compares and first < count:
            products = np.dot(self.members[first:count], gradient)
            if products.min() < self.lowest + CLOSE_PRODUCT:
                return False
            if self.highest < inf and products.max() > self.highest - CLOSE_PRODUCT:
                return False
            self.tested[row] = count
        if not self.parameters.consistency:
            return True
        own = float(np.dot(gradient, gradient))
        square = self.square + 2.0 * float(np.dot(self.sum, gradient)) + own
        if square < CANCELLED * (self.square + own):
            return False
        aligned = (self.along + float(self.affinity[row])) / sqrt(square)
        return bool(self._compared(aligned) > self.bound + CLOSE_COSINE)

    def _within_reach(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which rows (b,) may be consistent for all that their affinity tells, without reading them.

        |sum + g|^2 = |sum|^2 + 1 + 2 sum.g, and sum.g is no less than -|sum|, nor than threshold |S| if
        there is no conflict: a row that falls short of the bound even so passes in no case.
        """
        if not self.parameters.consistency or self.bound <= 0:
            return np.ones(len(rows), dtype=bool)
        product = -sqrt(self.square)
        if self.parameters.no_conflict:
            product = max(product, self.parameters.conflict_threshold * len(self.samples))
        inexact = 2 * LENGTH_TOLERANCE * (self.square + 1 + 2 * abs(product))
        shortest = sqrt(max(0.0, self.square + 1 + 2 * product - inexact))
        affinity = self.affinity[rows]
        # A row of zeros is shorter than 1; it leaves the alignment as it is.
        return (self._compared(self.along + affinity) >= self.bound * shortest) | (affinity == 0)

    def _admissible(
        self, rows: NDArray[np.integer]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]:
        """Which of the rows (b,), all in play, pass; the alignment each would lead to, NaN for those in
        conflict; and their gradients (b, d)."""
        values = np.full(len(rows), nan, dtype=np.float32)
        gradients = read_rows(self.pool.gradients, rows)
        passes = np.ones(len(rows), dtype=bool)
        if self.compares:
            self._test(rows, gradients)
            passes = ~self.blocked[rows]
        if self.parameters.consistency and passes.any():
            consistent, values[passes] = self._consistent(rows[passes], gradients[passes])
            passes[passes] = consistent
        return passes, values, gradients

    def _test(self, rows: NDArray[np.integer], gradients: NDArray[np.float32]) -> None:
        """Takes the products of rows (b,) with the members they have not met yet, until one is out of bounds."""
        count = len(self.samples)
        waiting = np.arange(len(rows))
        while waiting.size:
            tested = self.tested[rows[waiting]]
            start = int(tested.min())
            if start < count:
                stop = min(count, max(FIRST_MEMBERS, 4 * start))
                group = waiting[tested == start]
                block = gradients if len(group) == len(rows) else gradients[group]
                products = block @ self.members[start:stop].T
                close = abs(products - self.lowest) < CLOSE_PRODUCT
                if self.highest < inf:
                    close |= abs(products - self.highest) < CLOSE_PRODUCT
                for place in np.flatnonzero(close.any(axis=1)):
                    exact = np.dot(self.members[:count], block[place])
                    products[place] = exact[start:stop]
                conflicts = products < self.lowest
                if self.highest < inf:
                    conflicts |= products > self.highest
                found = conflicts.any(axis=1)
                agreed = np.where(found, conflicts.argmax(axis=1), stop - start)
                self.tested[rows[group]] += agreed
                self.blocked[rows[group[found]]] = True
                self.conflict[rows[group[found]]] = products[found, agreed[found]]
            waiting = waiting[(self.tested[rows[waiting]] < count) & ~self.blocked[rows[waiting]]]

    def _consistent(
        self, rows: NDArray[np.integer], gradients: NDArray[np.float32]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Whether the alignment with each of the rows (b,) is at least delta of what it is, and that alignment.

        |sum + g|^2 = |sum|^2 + 2 sum.g + |g|^2, so no sum of gradients is formed but where it is close.
        """
        own = np.einsum("bd,bd->b", gradients, gradients)  # 1, or 0 for a row of zeros
        squares = self.square + 2.0 * (gradients @ self.sum) + own
        aligned = (self.along + self.affinity[rows]) / np.sqrt(np.maximum(squares, 1e-20))
        aligned = aligned.astype(np.float32)
        close = abs(self._compared(aligned) - self.bound) < CLOSE_COSINE
        close |= squares < CANCELLED * (self.square + own)
        for place in np.flatnonzero(close):
            aligned[place] = sum_cosine(self.sum + gradients[place], self.direction)
        return self._compared(aligned) >= self.bound, aligned

    def _compared(self, alignment: Any) -> Any:
        """What consistency compares of an alignment, one or many."""
        return alignment if self.parameters.signed else abs(alignment)
