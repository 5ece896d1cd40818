"""What a larger or smaller budget would give: coverage of the validation examples, and tokens to train."""

from __future__ import annotations

from math import ceil

import numpy as np
import pandas as pd

from g2is.analysis import walks
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge
from g2is.run.run import Run
from g2is.walk import WalkTrace

FRACTIONS = (0.005, 0.01, 0.02, 0.05, 0.1)
FLAT = 0.95
"""The curve counts as flat from the budget on that reaches this share of the coverage at the largest."""


def budget_curve(run: Run, trace: WalkTrace) -> pd.DataFrame:
    """One row a budget, those of FRACTIONS and the walk's own: fraction, count, taken, coverage, tokens, present.

    coverage: mean over the examples of the walk's targets of the highest cosine that something taken has to each.
    tokens: of all that was taken; NaN where the run does not know them. Where directions take turns, one walk with the
    largest budget gives all: its first steps are, but for the last round, those of a smaller one.
    """
    parameters = trace.parameters
    usable = int(run.valid.sum())
    counts = {max(1, int(usable * fraction)) for fraction in FRACTIONS} - {len(trace.steps)}
    floor = max(1, trace.pinned)
    counts = {count for count in counts if count >= floor}
    longest = _walk(run, parameters, max(counts, default=floor)) if parameters.order == "in_turn" else None
    rows = [_row(run, parameters, trace.samples, len(trace.steps), usable, present=True)]
    for count in counts:
        samples = longest[:count] if longest is not None else _walk(run, parameters, count)
        if samples is not None:
            rows.append(_row(run, parameters, samples, count, usable, present=False))
    return pd.DataFrame(rows).sort_values("count", ignore_index=True)


def _walk(run: Run, parameters: WalkParameters, count: int) -> np.ndarray | None:
    try:
        return walks.walk(run, parameters.replace(fraction=None, count=count, component_budgets=None)).samples
    except InputError:
        return None


def _row(
    run: Run, parameters: WalkParameters, samples: np.ndarray, count: int, usable: int, *, present: bool
) -> dict[str, object]:
    tokens = run.instructions["tokens"].to_numpy()[samples]
    return {
        "fraction": count / usable,
        "count": count,
        "taken": len(samples),
        "coverage": walks.coverage(run, parameters, samples),
        "tokens": float(tokens.sum()) if np.any(tokens > 0) else float("nan"),
        "present": present,
    }


def flattens_at(curve: pd.DataFrame) -> pd.Series:
    """The row of the smallest budget that reaches FLAT of the coverage at the largest."""
    most = curve["coverage"].iloc[-1]
    return curve[curve["coverage"] >= FLAT * most].iloc[0]


def full_by_design(trace: WalkTrace, knowledge: CoreKnowledge) -> int | None:
    """The budget from which on every example has the instruction that is closest to it of those still free, where each
    is a target direction of its own; None where directions are of several examples. Coverage tells nothing of larger
    budgets there: it counts the closest instruction of each example alone."""
    if not trace.parameters.facet_per_example:
        return None
    return ceil(round(1 / float(knowledge.weights.min()), 6)) + trace.pinned
