"""What pins cost: they use up budget first and count for no direction, so that some directions have fewer places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.run.run import Run
from g2is.walk import WalkTrace
from g2is.walk.budget import share_out
from g2is.walk.trace import PIN


def pinned(trace: WalkTrace) -> int:
    """How many instructions a walk took because they are pinned."""
    return int(np.count_nonzero(trace.steps.origin == PIN))


def places_lost(run: Run, trace: WalkTrace) -> NDArray[np.intp]:
    """The directions of a walk over a run that would have more places without its pins, ascending.

    None where each has its own budget: pins come on top of these.
    """
    if trace.parameters.component_budgets is not None:
        return np.zeros(0, np.intp)
    knowledge = walks.core_knowledge(run, trace.parameters)
    without = share_out(int(trace.budgets.sum()) + pinned(trace), knowledge, trace.parameters)
    return np.flatnonzero(without > trace.budgets)
