"""Which neighbours a step from a sample considers, and in what order: for the walk, and to explain it afterwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from g2is.config import WalkParameters
from g2is.walk.trace import WalkTrace


def in_order(
    parameters: WalkParameters, neighbors: NDArray[np.integer], affinity: NDArray[np.floating]
) -> NDArray[np.integer]:
    """The neighbours (k,) of a sample in the order that a step considers them.

    neighbors: nearest first. affinity: (n,) cosine of every row to the component. With `step_to` = best those closest
    to the component go first, among equals the nearer one.
    """
    if parameters.step_to == "nearest":
        return neighbors
    return neighbors[np.argsort(-affinity[neighbors], kind="stable")]


def free_neighbors(
    trace: WalkTrace, step: int, neighbors: NDArray[np.integer], left_out: NDArray[np.bool_]
) -> int:
    """How many neighbours were free at a step to a neighbour, whether they passed the rules or not.

    neighbors: (n, k) of the graph. left_out: (n,) rows that no component could take at that step.
    """
    row = neighbors[int(trace.steps.previous[step]), : trace.parameters.neighbors]
    row = row[row >= 0]
    free = ~left_out[row] & ~np.isin(row, trace.steps.sample[:step])
    return int(free.sum())
