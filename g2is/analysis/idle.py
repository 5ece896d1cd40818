"""Settings of a walk that have no effect on it, and why."""

from __future__ import annotations

import numpy as np

from g2is.arrays.rows import read_rows
from g2is.run.run import Run
from g2is.walk import WalkTrace


def idle_settings(run: Run, trace: WalkTrace) -> dict[str, str]:
    """Fields of `WalkParameters` that this walk would be the same without, and the reason in words."""
    parameters = trace.parameters
    reasons: dict[str, str] = {}
    taken = np.bincount(trace.steps.component[trace.steps.component >= 0], minlength=len(trace.budgets))
    if taken.size and taken.max() <= 1:
        single = "no direction takes more than one instruction, so there is nothing to compare it with"
        rules = {
            "consistency": parameters.consistency,
            "no_conflict": parameters.no_conflict,
            "max_cosine": parameters.max_cosine is not None,
            "knowledge_coherence": parameters.knowledge_coherence,
        }
        reasons |= {name: single for name, on in rules.items() if on}
        if parameters.consistency:
            reasons["delta"] = single
    elif (
        parameters.no_conflict
        and parameters.conflict_threshold <= 0
        and run.regime(parameters.regime).conflict_share == 0
    ):
        reasons["no_conflict"] = "no two instructions of the pool conflict in these gradients"
    if parameters.facet_per_example and parameters.orient:
        reasons.setdefault("orient", "every direction is an example, which points towards itself")
    return reasons


def conflict_counts(run: Run, trace: WalkTrace) -> tuple[int, int, int]:
    """Conflicting pairs among what each direction took, among all that was taken, and all pairs.

    The rule compares within a direction alone, so instructions of different directions may conflict.
    """
    steps = trace.steps
    rows = read_rows(run.regime(trace.parameters.regime).gradients, steps.sample)
    negative = np.triu(rows @ rows.T < 0, k=1)
    same = (steps.component[:, None] == steps.component[None, :]) & (steps.component >= 0)[:, None]
    count = len(steps)
    return int(np.count_nonzero(negative & same)), int(np.count_nonzero(negative)), count * (count - 1) // 2
