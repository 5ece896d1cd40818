"""The steps of a walk as a page shows them: who was considered, the example asked for, and why it went that way.

Steps and rows count from 0, as in the trace; sentences count steps from 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from g2is.analysis.candidates import Candidate, CandidateFinder, Candidates
from g2is.run.run import Run
from g2is.walk import WalkTrace
from g2is.walk.decimals import decimals
from g2is.walk.rules import CONFLICT, RULES
from g2is.walk.trace import ANCHOR, FALLBACK, NEIGHBOR

LISTED = 6
"""Rejected candidates listed for one step: those that were looked at first."""
WINDOW = 64
"""Steps described at once."""


@dataclass(frozen=True)
class StepView:
    """One step. example: the validation example closest to its direction, and the cosine of the taken one to the
    direction. considered: rejected ones, the one taken, runners-up. unlisted: how many more were rejected."""

    step: int
    sample: int
    example: int | None
    cosine: float
    reason: str
    rules: str
    considered: tuple[Candidate, ...]
    unlisted: int


def window_start(step: int, steps: int) -> int:
    """The first step of the window around `step`. It moves by halves, so that most steps stay in the same window."""
    if steps <= WINDOW:
        return 0
    half = WINDOW // 2
    return max(0, min(step // half * half - half // 2, steps - WINDOW))


def step_views(run: Run, trace: WalkTrace, start: int, count: int = WINDOW) -> list[StepView]:
    """Up to `count` steps of a walk over a run from `start` on."""
    finder = CandidateFinder(run, trace)
    return [_view(finder, step) for step in range(start, min(start + count, len(trace.steps)))]


def _view(finder: CandidateFinder, step: int) -> StepView:
    steps = finder.trace.steps
    component = int(steps.component[step])
    example = int(finder.knowledge.examples[component]) if component >= 0 else None
    candidates = finder.at(step)
    considered, unlisted = _considered(candidates, int(steps.sample[step]))
    return StepView(
        step=step,
        sample=int(steps.sample[step]),
        example=example,
        cosine=float(steps.affinity[step]),
        reason=_reason(finder.trace, step, example, candidates),
        rules=_rules(finder.trace, step),
        considered=considered,
        unlisted=unlisted,
    )


def _considered(candidates: Candidates, sample: int) -> tuple[tuple[Candidate, ...], int]:
    """The rejected that were looked at first, the one taken, and the runners-up; and how many more were rejected."""
    tried = {candidate.sample: candidate for candidate in (*candidates.pool, *candidates.neighbors)}
    # In the order they were looked at; a neighbour may be in the pool's list as well.
    order = dict.fromkeys(candidate.sample for candidate in (*candidates.neighbors, *candidates.pool))
    rejected = [tried[row] for row in order if row != sample]
    taken = [tried[sample]] if sample in tried else []
    total = len(rejected) + candidates.passed_over - max(0, len(candidates.pool) - 1)
    listed = rejected[:LISTED]
    return (*listed, *taken, *candidates.runners_up), total - len(listed)


def _reason(trace: WalkTrace, step: int, example: int | None, candidates: Candidates) -> str:
    """Where the step looked and what it found there."""
    steps = trace.steps
    origin = steps.origin[step]
    goal = (
        f"example {example}"
        if trace.parameters.facet_per_example
        else f"direction {steps.component[step]}, which stands for example {example}"
    )
    if origin == ANCHOR:
        return f"nearest free to {goal}"
    if origin == NEIGHBOR:
        edge = f"from #{steps.previous[step]:,} over an edge of {decimals(steps.cosine[step])}"
        towards = f"{decimals(steps.affinity[step])} towards {goal}"
        which = "nearest neighbour"
        if candidates.free_neighbors is not None:
            which = f"best of its {candidates.free_neighbors} free neighbours"
        rejected = any(row.verdict in RULES[CONFLICT:] for row in candidates.neighbors)
        return f"{edge}; {towards}; {which}{' that passes the rules' if rejected else ''}"
    if origin == FALLBACK:
        return f"nearest free to {goal} that passes the rules"
    return "pinned by you, for no direction"


def _rules(trace: WalkTrace, step: int) -> str:
    """What consistency compared; empty where it compared nothing."""
    steps, component = trace.steps, int(trace.steps.component[step])
    if component < 0:
        return ""
    after = f"{decimals(steps.after[step])}"
    if steps.origin[step] == ANCHOR:
        return f"alignment {after}"
    needed = trace.needed(component, step)
    sign = "" if trace.parameters.signed else ", whatever the sign"
    bound = "" if needed != needed else f"; at least {decimals(float(needed))} is needed{sign}"
    return f"alignment {decimals(steps.before[step])} → {after}{bound}"
