"""Where a component stood just before a step of a finished walk, so that any row can be judged as it was then."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows, sum_cosine
from g2is.walk.rules import Rules, Verdicts
from g2is.walk.trace import WalkTrace


class Standing:
    """The samples that a component had before a step, and what consistency asked for at it.

    gradients: (n, d) unit rows as the walk had them; the members' are read. direction: (d,) the component.
    step: of the trace, or its length for the component's last search.
    """

    def __init__(
        self,
        trace: WalkTrace,
        component: int,
        step: int,
        gradients: NDArray[np.floating],
        direction: NDArray[np.float32],
    ) -> None:
        self.rules = Rules.of(trace.parameters)
        self.direction = direction
        self.samples = trace.steps.sample[:step][trace.steps.component[:step] == component]
        """(s,) its members, in the order they were taken."""
        self.gradients = read_rows(gradients, self.samples)
        """(s, d)"""
        self.needed = trace.needed(component, step)
        """The alignment that consistency asked for; NaN for nothing."""

    def verdicts(self, gradients: NDArray[np.float32]) -> Verdicts:
        """What the rules made of free rows with these gradients (b, d); before the anchor every row passes."""
        products = np.empty((len(gradients), len(self.samples)), dtype=np.float32)
        alignments = np.empty(len(gradients), dtype=np.float32)
        if not len(self.samples):
            return self.rules.verdict(products)
        total = self.gradients.sum(axis=0)
        # One candidate at a time, as the walk computes what is close to a bound.
        for place, gradient in enumerate(gradients):
            products[place] = np.dot(self.gradients, gradient)
            alignments[place] = sum_cosine(total + gradient, self.direction)
        return self.rules.verdict(products, alignments, self.needed)
