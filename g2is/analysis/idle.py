"""Settings of a walk that have no effect on it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from g2is.analysis.comparison import PAIRED
from g2is.arrays.rows import read_rows
from g2is.graph.duplicates import count_near_duplicates
from g2is.run.run import Run
from g2is.walk import WalkTrace


def one_each(trace: WalkTrace) -> bool:
    """Whether no direction can take more than one instruction, so that the rules, which compare a candidate with those
    taken for the same direction, have nothing to compare."""
    left = int(trace.budgets.sum()) - int(np.count_nonzero(trace.steps.component >= 0))
    passed_on = left > 0 and trace.parameters.unspent == "pass_on"
    return bool(trace.budgets.size) and int(trace.budgets.max()) <= 1 and not passed_on


def idle_settings(run: Run, trace: WalkTrace) -> dict[str, str]:
    """Fields of `WalkParameters` that this walk would be the same without, and the reason in words."""
    parameters = trace.parameters
    reasons: dict[str, str] = {}
    if one_each(trace):
        single = "no direction takes more than one instruction, so there is nothing to compare it with"
        rules = {
            "consistency": parameters.consistency,
            "no_conflict": parameters.no_conflict,
            "max_cosine": parameters.max_cosine is not None,
            "knowledge_coherence": parameters.knowledge_coherence,
        }
        reasons |= {name: single for name, on in rules.items() if on}
        settings_of = {
            "consistency": ("delta", "consistency_reference"),
            "no_conflict": ("conflict_threshold",),
            "knowledge_coherence": ("neighbors", "step_to"),
        }
        for rule, settings in settings_of.items():
            reasons |= dict.fromkeys(settings if rules[rule] else (), single)
    elif (
        parameters.no_conflict
        and parameters.conflict_threshold <= 0
        and run.regime(parameters.regime).conflict_share == 0
    ):
        reasons["no_conflict"] = "no two instructions of the pool conflict in these gradients"
    if parameters.dedupe and not count_near_duplicates(run.near_duplicates):
        reasons["dedupe"] = "the pool has no near-duplicates"
    if parameters.facet_per_example and parameters.orient:
        reasons.setdefault("orient", "every direction is an example, which points towards itself")
    return reasons


def by_reason(idle: Mapping[str, str]) -> dict[str, list[str]]:
    """Each reason of `idle_settings` once, with the settings that it is about."""
    grouped: dict[str, list[str]] = {}
    for name, reason in idle.items():
        grouped.setdefault(reason, []).append(name)
    return grouped


@dataclass(frozen=True)
class Conflicts:
    """Shares of conflicting pairs among what a walk took. within: of pairs for the same direction, NaN without one,
    which the no-conflict rule keeps at 0. overall: of all pairs."""

    within: float
    overall: float


def conflicts_taken(run: Run, trace: WalkTrace) -> Conflicts:
    """How much of what a walk took conflicts; of more than `PAIRED` steps, a seeded draw."""
    steps = np.flatnonzero(trace.steps.component >= 0)
    if len(steps) > PAIRED:
        steps = np.sort(np.random.default_rng(0).choice(steps, PAIRED, replace=False))
    rows = read_rows(run.regime(trace.parameters.regime).gradients, trace.steps.sample[steps])
    component = trace.steps.component[steps]
    first, second = np.triu_indices(len(steps), k=1)
    negative = (rows @ rows.T < 0)[first, second]
    same = component[first] == component[second]
    return Conflicts(
        within=float(negative[same].mean()) if same.any() else float("nan"),
        overall=float(negative.mean()) if negative.size else float("nan"),
    )
