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

    def cosines(self, gradient: NDArray[np.float32]) -> NDArray[np.float32]:
        """(s,) cosine of a gradient (d,) to every member."""
        return np.dot(self.gradients, gradient)

    def verdicts(self, gradients: NDArray[np.float32]) -> Verdicts:
        """What the rules made of free rows with these gradients (b, d)."""
        if not len(self.samples):
            return self.rules.verdict(np.zeros((len(gradients), 0), dtype=np.float32))
        total = self.gradients.sum(axis=0)
        alignments = [sum_cosine(total + gradient, self.direction) for gradient in gradients]
        return self.rules.verdict(
            np.array([self.cosines(gradient) for gradient in gradients]).reshape(len(gradients), -1),
            np.array(alignments, dtype=np.float32),
            self.needed,
        )
