"""The state of a component before a step of a finished walk, to judge any row as the walk would have done."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows, sum_cosine
from g2is.walk.rules import Rules, Verdicts
from g2is.walk.trace import WalkTrace


class Standing:
    """The samples taken for a component before a step, and the lowest alignment that consistency allowed at it.

    gradients: (n, d) unit rows of the pool; those of the members are read. direction: (d,) the component. step: a step
    of the trace, or its length for the component's last search.
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
        """(s, d) their gradients."""
        self.needed = trace.needed(component, step)
        """The lowest alignment that consistency allowed; NaN if any."""

    def verdicts(self, gradients: NDArray[np.float32]) -> Verdicts:
        """Judge free rows with these gradients (b, d); before the anchor every row passes."""
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
