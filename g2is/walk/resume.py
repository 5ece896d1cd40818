"""Which steps of an earlier walk stand under a new budget or a larger delta."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from g2is.config import WalkParameters
from g2is.knowledge import CoreKnowledge
from g2is.walk.trace import ANCHOR, FALLBACK, TAKEN, WalkTrace


def resumable(old: WalkTrace, parameters: WalkParameters, knowledge: CoreKnowledge, rows: int) -> bool:
    """Whether anything of an earlier walk can stand: same pool, same rules, nothing passed on.

    A smaller delta would let through what was turned away before, so only the same or a larger one will do.
    """
    budget = {"count": 1, "fraction": None, "component_budgets": None, "delta": 1.0}
    return (
        old.rows == rows
        and old.targets == knowledge.targets
        and np.array_equal(old.weights, knowledge.weights)
        and old.parameters.replace(**budget) == parameters.replace(**budget)
        and old.parameters.delta <= parameters.delta
        and parameters.unspent == "stop"
        and parameters.order == "sequential"
    )


def standing_steps(
    old: WalkTrace,
    component: int,
    taken: NDArray[np.bool_],
    affinity: NDArray[np.float32],
    parameters: WalkParameters,
) -> tuple[NDArray[np.intp], bool]:
    """The first steps of a component that a new walk would take again, and whether it would stop there too.

    taken: (n,) rows that the new walk has taken before it comes to the component. affinity: (n,). A step
    stands while its sample is still free, no sample that is free now but was not then ranks before it, and
    the larger delta lets it pass: those that were turned away stay so.
    """
    steps = np.flatnonzero(old.steps.component == component)
    if not steps.size:
        return steps, False
    sample, origin = old.steps.sample[steps], old.steps.origin[steps]
    freed = np.zeros_like(taken)
    freed[old.steps.sample[: steps[0]]] = True
    freed &= ~taken

    falls = taken[sample]
    if freed.any():
        searched = (origin == ANCHOR) | (origin == FALLBACK)
        falls |= searched & (old.steps.affinity[steps] <= affinity[freed].max())
        met = (old.rejections.rule == TAKEN) & freed[old.rejections.sample]
        falls |= np.isin(steps, old.rejections.step[met])
    ends_alike = not freed.any()
    if parameters.consistency:
        after = old.steps.after[steps]
        if not parameters.signed:
            after = abs(after)
        reference = np.maximum.accumulate(after) if parameters.consistency_reference == "best" else after
        before = np.append(np.float32(np.nan), reference[:-1])
        falls |= (origin != ANCHOR) & ~(after >= parameters.delta * before)
        if parameters.delta > old.parameters.delta:
            # Of a negative alignment the larger delta asks for less, and may let pass what was turned away.
            falls |= before < 0
            ends_alike &= bool(reference[-1] >= 0)
    count = int(falls.argmax()) if falls.any() else len(steps)
    return steps[:count], ends_alike and count == len(steps)
