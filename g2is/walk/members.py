"""The samples taken for one component, and how every other row of the pool compares with them.

A candidate that conflicts with a member conflicts for good, and its product with the sum of the members is the sum of
its products with each. So each (candidate, member) product is computed at most once.
"""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import LENGTH_TOLERANCE, sum_cosine
from g2is.walk.pool import Row
from g2is.walk.rules import PASSES, Rules, Verdicts

FIRST_MEMBERS = 8
"""Members that a new candidate is compared with first; only if it breaks no rule is it compared with more."""

CANCELLED = 0.01
"""A sum whose squared length is below this share of that of its parts has lost digits and is computed again."""


class Members:
    """The samples taken for a component, out of n rows of d numbers.

    direction: (d,) the component. affinity: (n,) cosine of every row to it.
    """

    def __init__(self, rules: Rules, direction: Row, affinity: NDArray[np.float32]) -> None:
        self.rules, self.direction, self.affinity = rules, direction, affinity
        self.samples: list[int] = []
        self.gradients = np.empty((FIRST_MEMBERS, len(direction)), dtype=np.float32)
        """(s or more, d) their gradients."""
        self.sum = np.zeros(len(direction), dtype=np.float32)
        self.square = 0.0
        """Squared length of the sum."""
        self.along = 0.0
        """Product of the sum with the component."""
        self.alignment = np.float32(nan)
        """Cosine of the sum to the component."""
        self.reference = np.float32(nan)
        """The alignment that consistency compares with."""
        self.needed = np.float32(nan)
        """The lowest alignment that consistency allows at the next step."""
        self.tested = np.zeros(len(affinity), dtype=np.int32)
        """(n,) number of members, from the first, that each row was compared with and broke no rule."""
        self.rule = np.full(len(affinity), PASSES, dtype=np.uint8)
        """(n,) the rule that a row breaks with the next member, for good; or PASSES."""
        self.value = np.zeros(len(affinity), dtype=np.float32)
        """(n,) its cosine to that member."""

    def __len__(self) -> int:
        return len(self.samples)

    def add(self, sample: int, gradient: Row) -> None:
        """Take a sample with its gradient (d,)."""
        count = len(self.samples)
        if count == len(self.gradients):
            self.gradients = np.concatenate([self.gradients, np.empty_like(self.gradients)])
        self.gradients[count] = gradient
        self.samples.append(sample)
        self.sum += gradient
        self.square = float(np.dot(self.sum, self.sum))
        self.along = float(np.dot(self.sum, self.direction))
        self.alignment = sum_cosine(self.sum, self.direction)
        known = [self.reference, self.alignment] if count else [self.alignment]
        self.reference = self.rules.reference_alignment(known)
        self.needed = self.rules.needed(self.reference)

    def clearly_passes(self, row: int, gradient: Row) -> bool:
        """Whether a row that breaks no rule so far passes by more than rounding; `verdicts` decides the rest.

        Most steps take the first free neighbour; this costs a tenth of `verdicts`.
        """
        count, first = len(self.samples), int(self.tested[row])
        if self.rules.compare_members and first < count:
            if not self.rules.clearly_between(np.dot(self.gradients[first:count], gradient)):
                return False
            self.tested[row] = count
        if not self.rules.consistency:
            return True
        own = float(np.dot(gradient, gradient))
        square = self.square + 2.0 * float(np.dot(self.sum, gradient)) + own
        if square < CANCELLED * (self.square + own):
            return False
        alignment = (self.along + float(self.affinity[row])) / sqrt(square)
        return self.rules.clearly_consistent(alignment, self.needed)

    def may_be_consistent(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which rows (b,) may pass consistency, judged by their affinity alone, without reading gradients.

        |sum + g|^2 = |sum|^2 + 1 + 2 sum.g, where sum.g is at least -|sum|, and at least `lowest` times the number
        of members unless there is a conflict. A row below the bound even at that length cannot pass.
        """
        if not self.rules.consistency or self.needed <= 0:
            return np.ones(len(rows), dtype=bool)
        product = max(-sqrt(self.square), self.rules.lowest * len(self.samples))
        inexact = 2 * LENGTH_TOLERANCE * (self.square + 1 + 2 * abs(product))
        shortest = sqrt(max(0.0, self.square + 1 + 2 * product - inexact))
        affinity = self.affinity[rows]
        # A row of zeros is shorter than 1; it leaves the alignment as it is.
        return self.rules.consistent(self.along + affinity, self.needed * shortest) | (affinity == 0)

    def verdicts(self, rows: NDArray[np.integer], gradients: NDArray[np.float32]) -> Verdicts:
        """Judge rows (b,) with gradients (b, d), none of which breaks a rule so far."""
        rule = np.full(len(rows), PASSES, dtype=np.uint8)
        member = np.full(len(rows), -1, dtype=np.intp)
        value = np.full(len(rows), nan, dtype=np.float32)
        if self.rules.compare_members:
            self._compare(rows, gradients)
            rule = self.rule[rows]
            broken = np.flatnonzero(rule != PASSES)
            if broken.size:
                member[broken], value[broken] = self.tested[rows[broken]], self.value[rows[broken]]
        left = np.flatnonzero(rule == PASSES)
        if self.rules.consistency and left.size:
            alignments = self._alignments(rows[left], gradients[left])
            judged = self.rules.verdict(alignments=alignments, needed=self.needed)
            rule[left], value[left] = judged.rule, judged.value
        return Verdicts(rule, member, value)

    def _compare(self, rows: NDArray[np.integer], gradients: NDArray[np.float32]) -> None:
        """Compute products of rows (b,) with members they were not compared with yet, until one breaks a rule."""
        count = len(self.samples)
        waiting = np.arange(len(rows))
        while waiting.size:
            tested = self.tested[rows[waiting]]
            start = int(tested.min())
            if start < count:
                stop = min(count, max(FIRST_MEMBERS, 4 * start))
                group = waiting[tested == start]
                block = gradients if len(group) == len(rows) else gradients[group]
                products = block @ self.gradients[start:stop].T
                for place in np.flatnonzero(self.rules.close_products(products).any(axis=1)):
                    products[place] = np.dot(self.gradients[:count], block[place])[start:stop]
                judged = self.rules.verdict(products)
                here = rows[group]
                self.tested[here] += np.where(judged.passes, stop - start, judged.member)
                self.rule[here], self.value[here] = judged.rule, judged.value
            waiting = waiting[(self.tested[rows[waiting]] < count) & (self.rule[rows[waiting]] == PASSES)]

    def _alignments(self, rows: NDArray[np.integer], gradients: NDArray[np.float32]) -> NDArray[np.float32]:
        """(b,) the alignment that each of the rows (b,) with gradients (b, d) would lead to.

        |sum + g|^2 = |sum|^2 + 2 sum.g + |g|^2, so gradients are summed only where the result is close to the bound.
        """
        own = np.einsum("bd,bd->b", gradients, gradients)  # 1, or 0 for a row of zeros
        squares = self.square + 2.0 * (gradients @ self.sum) + own
        alignments = (self.along + self.affinity[rows]) / np.sqrt(np.maximum(squares, 1e-20))
        alignments = alignments.astype(np.float32)
        close = self.rules.close_alignments(alignments, self.needed)
        close |= squares < CANCELLED * (self.square + own)
        for place in np.flatnonzero(close):
            alignments[place] = sum_cosine(self.sum + gradients[place], self.direction)
        return alignments
