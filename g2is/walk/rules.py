"""The rules for candidates, in one place for the walk, its trace, explanations and the app.

The members of a component are the samples taken for it so far. A candidate is judged by its cosines to the members
and by the alignment it would lead to: the cosine of the sum of their gradients and its own to the component. This
module knows numbers only, neither gradients nor a pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from g2is.config import WalkParameters

RULES = ("taken", "left_out", "conflict", "consistency", "redundant")
TAKEN, LEFT_OUT, CONFLICT, CONSISTENCY, REDUNDANT = range(len(RULES))

PASSES = 255
"""In place of an index into RULES: no rule is broken."""

CLOSE_PRODUCT = 1e-6
"""A cosine to a member nearer than this to its bound is computed again in the published script's order of operations;
float32 products are accurate to a tenth of it."""
CLOSE_COSINE = 1e-5
"""The same for alignments."""


@dataclass(frozen=True, eq=False)
class Verdicts:
    """How the rules judge b candidates; of several broken rules the first is given.

    rule: (b,) PASSES, or an index into RULES: CONFLICT, REDUNDANT or CONSISTENCY. member: (b,) place of the earliest
    member that the candidate conflicts with or repeats; -1 for other rules. value: (b,) the cosine to that member, or
    for consistency the alignment; NaN where it passes.
    """

    rule: NDArray[np.uint8]
    member: NDArray[np.intp]
    value: NDArray[np.float32]

    @property
    def passes(self) -> NDArray[np.bool_]:
        """(b,) whether no rule is broken."""
        return self.rule == PASSES


@dataclass(frozen=True)
class Rules:
    """The bounds of a walk's rules. See `WalkParameters` for the settings that they come from.

    lowest: lowest cosine to every member (no conflict); -inf where the rule is off.
    highest: highest cosine to any member (redundancy, not in the paper); inf where the rule is off.
    consistency: whether consistency is on. The other fields are its settings.
    delta: share of the reference alignment that must be kept.
    signed: whether it compares cosines with their signs or, as published, their absolute values.
    reference: whether the reference is the alignment after the last step (as published) or the best so far.
    """

    lowest: float
    highest: float
    consistency: bool
    delta: float
    signed: bool
    reference: Literal["last", "best"]

    @classmethod
    def of(cls, parameters: WalkParameters) -> Rules:
        """The rules of a walk with these settings."""
        lowest, highest = parameters.cosine_bounds
        return cls(
            lowest=lowest,
            highest=highest,
            consistency=parameters.consistency,
            delta=parameters.delta,
            signed=parameters.signed,
            reference=parameters.consistency_reference,
        )

    @property
    def compare_members(self) -> bool:
        """Whether any rule is about cosines to members."""
        return self.lowest > -inf or self.highest < inf

    def compared(self, alignments: Any) -> Any:
        """Alignments, one or many, as consistency compares them: with or without their signs."""
        return alignments if self.signed else abs(alignments)

    def reference_alignment(self, alignments: Sequence[np.float32] | NDArray[np.float32]) -> np.float32:
        """The alignment compared with, from a component's alignments (t,) after each step so far; NaN for no steps."""
        if not len(alignments):
            return np.float32(nan)
        if self.reference == "last":
            return self.compared(alignments[-1])
        return self.compared(np.asarray(alignments)).max()

    def needed(self, reference: np.float32) -> np.float32:
        """The lowest alignment allowed after the next step, given the reference; NaN where consistency is off."""
        return self.delta * reference if self.consistency else np.float32(nan)

    def consistent(self, alignments: NDArray[np.floating], needed: Any) -> NDArray[np.bool_]:
        """Which alignments (b,) reach the lowest allowed."""
        return self.compared(alignments) >= needed

    def verdict(
        self,
        products: NDArray[np.float32] | None = None,
        alignments: NDArray[np.float32] | None = None,
        needed: Any = nan,
    ) -> Verdicts:
        """Judge b candidates.

        products: (b, s) cosines to s members, in the order they were taken. alignments: (b,) that each candidate would
        lead to. needed: the lowest alignment allowed. A rule whose numbers are missing is not tested.
        """
        count = len(products) if products is not None else len(alignments) if alignments is not None else 0
        rule = np.full(count, PASSES, dtype=np.uint8)
        member = np.full(count, -1, dtype=np.intp)
        value = np.full(count, nan, dtype=np.float32)
        if products is not None and self.compare_members:
            outside = products < self.lowest
            if self.highest < inf:
                outside |= products > self.highest
            broken = np.flatnonzero(outside.any(axis=1))
            if broken.size:
                first = outside[broken].argmax(axis=1)
                cosines = products[broken, first]
                member[broken], value[broken] = first, cosines
                rule[broken] = np.where(cosines < self.lowest, CONFLICT, REDUNDANT)
        if alignments is not None and self.consistency:
            broken = np.flatnonzero((rule == PASSES) & ~self.consistent(alignments, needed))
            value[broken] = alignments[broken]
            rule[broken] = CONSISTENCY
        return Verdicts(rule, member, value)

    def close_products(self, products: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which cosines to members are so near to a bound that rounding could decide."""
        close = abs(products - self.lowest) < CLOSE_PRODUCT
        if self.highest < inf:
            close |= abs(products - self.highest) < CLOSE_PRODUCT
        return close

    def close_alignments(self, alignments: NDArray[np.float32], needed: Any) -> NDArray[np.bool_]:
        """Which alignments are so near to the lowest allowed that rounding could decide."""
        return abs(self.compared(alignments) - needed) < CLOSE_COSINE

    def clearly_between(self, products: NDArray[np.float32]) -> bool:
        """Whether all of one candidate's cosines to members (s,) are within the bounds, and none is close to one."""
        if products.min() < self.lowest + CLOSE_PRODUCT:
            return False
        return not (self.highest < inf and products.max() > self.highest - CLOSE_PRODUCT)

    def clearly_consistent(self, alignment: float, needed: np.float32) -> bool:
        """Whether one alignment is above the lowest allowed, and not close to it."""
        return bool(self.compared(alignment) > needed + CLOSE_COSINE)
