"""Budgets of components: the rest after a step, and changing one by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from g2is.walk import WalkTrace, largest_remainder


def rebalance(budgets: Sequence[int], component: int, budget: int) -> tuple[int, ...]:
    """The budgets (k,) with that of one component set to `budget` and the others scaled to keep the sum."""
    total = sum(budgets)
    if len(budgets) == 1:
        return (total,)
    budget = max(0, min(budget, total))
    others = np.array(budgets, dtype=float)
    others[component] = 0.0
    if not others.any():
        others[:] = 1.0
        others[component] = 0.0
    shared = largest_remainder(total - budget, others / others.sum())
    shared[component] = budget
    return tuple(shared.tolist())


def budget_left(trace: WalkTrace, step: int) -> pd.DataFrame:
    """One row for each component after a step: component, taken, left, budget, spent (share of the budget)."""
    budgets, component = trace.budgets, trace.steps.component[: step + 1]
    taken = np.bincount(component[component >= 0], minlength=len(budgets))
    return pd.DataFrame(
        {
            "component": range(len(budgets)),
            "taken": taken,
            "left": np.maximum(budgets - taken, 0),
            "budget": budgets,
            "spent": taken / np.maximum(budgets, 1),
        }
    )
