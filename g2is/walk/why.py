"""Why a walk took a sample, or why each component did not, computed from the trace and the gradients.

The trace holds steps and rejected neighbours. It does not hold what a search of the whole pool rejected: that is
judged again here, by the same rules, against the samples that the component had at that step.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import as_rows, open_rows, read_rows
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge
from g2is.walk.budget import Quotas, reason_left_out, rows_left_out
from g2is.walk.explanation import Explanation, Taken, Verdict
from g2is.walk.onward import free_neighbors
from g2is.walk.rules import CONFLICT, REDUNDANT, RULES, Rules
from g2is.walk.standing import Standing
from g2is.walk.trace import BUDGET_SPENT, FALLBACK, NEIGHBOR, NONE_PASSES, ORIGINS, PIN, WalkTrace

COMPARED_STEPS = 32
"""Steps whose affinities are compared to check that core knowledge is that of the walk."""

AFFINITY_TOLERANCE = 2e-3
"""Largest difference between affinities of the same core knowledge; rounding differs between machines."""
CAME_LATER = "it came to the pool after this walk"
"""Why a walk did not take an instruction that was added to its run later."""


def explain(
    trace: WalkTrace,
    sample: int,
    gradients: ArrayLike,
    neighbors: ArrayLike,
    knowledge: CoreKnowledge | None,
    *,
    sources: Sequence[str] | None = None,
    valid: ArrayLike | None = None,
    fitting: ArrayLike | None = None,
    own: Collection[int] = (),
    gone: ArrayLike | None = None,
    quotas: Quotas | None = None,
) -> Explanation:
    """Why the walk took a sample or did not; own, gone: as of `reason_left_out`, the others are those of the walk.

    knowledge: None where it is not known; of a sample that was taken it need not be. Reads the gradients of the sample
    and of those taken. Raises `InputError` for a sample outside the pool. Also for one that was not taken if
    `knowledge` is not that of the walk, for instance because an earlier version grouped facets differently: the trace
    does not hold the components.
    """
    array = as_rows(gradients) if knowledge is None else open_rows(gradients, knowledge.components.shape[1])
    if not 0 <= sample < len(array):
        raise InputError(f"sample = {sample}: the pool has instructions 0 to {len(array) - 1:,}")
    if sample >= trace.rows:
        return Explanation(sample, None, CAME_LATER, ())
    at = np.flatnonzero(trace.steps.sample == sample)
    parameters = trace.parameters
    left_out = rows_left_out(parameters, len(array), sources=sources, valid=valid, fitting=fitting)
    left_out[trace.rows :] = True
    if at.size:
        step = int(at[0])
        if quotas is not None:
            left_out |= groups_used_up(trace, quotas, step)[quotas.groups]
        taken = _taken(trace, step, array)
        return Explanation(sample, replace(taken, among=_among(trace, step, neighbors, left_out)), None, ())
    if left_out[sample]:
        reason = reason_left_out(
            parameters, sample, sources=sources, valid=valid, fitting=fitting, own=own, gone=gone
        )
        return Explanation(sample, None, reason, ())
    if quotas is not None and (reason := _share_used_up(trace, quotas, int(quotas.groups[sample]))):
        return Explanation(sample, None, reason, ())
    if knowledge is None or not walked_for(trace, knowledge, array):
        raise InputError(
            f"sample = {sample}: not taken, but the reason is unknown: the settings of this walk now give other target "
            "directions; walk again with the same settings"
        )
    verdicts = [
        _verdict(trace, component, sample, array, as_rows(neighbors), knowledge)
        for component in range(len(knowledge))
    ]
    return Explanation(sample, None, None, tuple(verdicts))


def groups_used_up(trace: WalkTrace, quotas: Quotas, step: int) -> NDArray[np.bool_]:
    """(g,) the groups whose share of the budget was used up before a step of a walk with these quotas."""
    left, own = _shares(trace, quotas)
    return np.bincount(own[:step][own[:step] >= 0], minlength=len(left)) >= left


def _shares(trace: WalkTrace, quotas: Quotas) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(g,) what components could take of each group, and (t,) the group that each step used up; -1 for a pin."""
    steps = trace.steps
    pinned = steps.origin == PIN
    left = quotas.left(trace.parameters, trace.budgets, steps.sample[pinned].astype(np.int64))
    return left, np.where(pinned, -1, quotas.groups[steps.sample])


def _share_used_up(trace: WalkTrace, quotas: Quotas, group: int) -> str:
    """When the share of a group was used up, in words; empty where it was not."""
    left, own = _shares(trace, quotas)
    quota, taken = int(left[group]), np.flatnonzero(own == group)
    if len(taken) < quota:
        return ""
    when = f"was used up at step {taken[quota - 1] + 1}" if quota else "has no room"
    return f"the share of {quotas.names[group]}, {quota:,} samples, {when}"


def walked_for(trace: WalkTrace, knowledge: CoreKnowledge, gradients: NDArray[np.floating]) -> bool:
    """Whether a trace is of a walk for this core knowledge, judged by its weights and some of its affinities."""
    if trace.targets != knowledge.targets or not np.allclose(trace.weights, knowledge.weights, atol=1e-3):
        return False
    steps = np.flatnonzero(trace.steps.component >= 0)
    if not steps.size:
        return True
    some = steps[np.unique(np.linspace(0, len(steps) - 1, COMPARED_STEPS).astype(np.intp))]
    rows = read_rows(gradients, trace.steps.sample[some])
    affinities = np.einsum("td,td->t", rows, knowledge.components[trace.steps.component[some]])
    return bool(np.allclose(affinities, trace.steps.affinity[some], rtol=0, atol=AFFINITY_TOLERANCE))


def _among(trace: WalkTrace, step: int, neighbors: ArrayLike, left_out: NDArray[np.bool_]) -> int | None:
    """How many free neighbours the best was taken of; None for any other step."""
    if trace.steps.origin[step] != NEIGHBOR or trace.parameters.step_to != "best":
        return None
    return free_neighbors(trace, step, np.asarray(neighbors), left_out)


def _taken(trace: WalkTrace, step: int, gradients: NDArray[np.floating]) -> Taken:
    steps = trace.steps
    component = None if steps.origin[step] == PIN else int(steps.component[step])
    lowest = highest = reference = needed = nan
    if component is not None:
        reference, needed = float(trace.reference(component, step)), float(trace.needed(component, step))
        own = steps.sample[:step][steps.component[:step] == component]
        if own.size:
            products = read_rows(gradients, own) @ read_rows(gradients, steps.sample[[step]])[0]
            lowest, highest = float(products.min()), float(products.max())
    return Taken(
        step=step,
        component=component,
        target=None if component is None else trace.targets[component],
        origin=ORIGINS[steps.origin[step]],
        previous=int(steps.previous[step]) if steps.origin[step] == NEIGHBOR else None,
        cosine=float(steps.cosine[step]),
        among=None,
        affinity=float(steps.affinity[step]),
        lowest_cosine=lowest,
        highest_cosine=highest,
        before=float(steps.before[step]),
        after=float(steps.after[step]),
        reference=reference,
        needed=needed,
    )


def _verdict(
    trace: WalkTrace,
    component: int,
    sample: int,
    gradients: NDArray[np.floating],
    neighbors: NDArray[np.integer],
    knowledge: CoreKnowledge,
) -> Verdict:
    """What first happened to a sample that was free throughout in the walk for a component."""
    steps, rejections = trace.steps, trace.rejections
    gradient = read_rows(gradients, np.array([sample]))
    direction = knowledge.components[component]
    affinity = float(np.dot(gradient[0], direction))
    own = np.flatnonzero(steps.component == component)
    verdict = Verdict(
        component, trace.targets[component], affinity, "not reached", step_to=trace.parameters.step_to
    )
    if not own.size:
        return replace(verdict, reason="no budget") if trace.stopped[component] == BUDGET_SPENT else verdict

    entries = np.flatnonzero(rejections.sample == sample)
    entries = entries[np.isin(rejections.step[entries], own)]
    rejected_at = int(rejections.step[entries[0]]) if entries.size else len(steps)
    # A fallback considered every free sample closer than the one taken; a last search considered all.
    searches: list[int | None] = own[
        (steps.origin[own] == FALLBACK) & (steps.affinity[own] <= affinity) & (own < rejected_at)
    ].tolist()
    if trace.stopped[component] == NONE_PASSES and not entries.size:
        searches.append(None)
    for step in searches:
        standing = Standing(trace, component, len(steps) if step is None else step, gradients, direction)
        judged = standing.verdicts(gradient)
        if not judged.passes[0]:
            rule, place = int(judged.rule[0]), int(judged.member[0])
            member = int(standing.samples[place]) if place >= 0 else -1
            numbers = _numbers(trace, rule, member, float(judged.value[0]), standing.needed)
            return replace(verdict, step=step, **numbers)

    if entries.size:
        first = entries[0]
        numbers = _numbers(
            trace,
            int(rejections.rule[first]),
            int(rejections.member[first]),
            float(rejections.value[first]),
            trace.needed(component, rejected_at),
        )
        previous = int(steps.sample[own[np.searchsorted(own, rejected_at) - 1]])
        return replace(verdict, step=rejected_at, previous=previous, **numbers)
    stepped = own[steps.origin[own] == NEIGHBOR]
    lists = neighbors[steps.previous[stepped], : trace.parameters.neighbors]
    listed = stepped[(lists == sample).any(axis=1)]
    if listed.size:
        step = int(listed[0])
        return replace(verdict, reason="outranked", step=step, previous=int(steps.previous[step]))
    return verdict


def _numbers(trace: WalkTrace, rule: int, member: int, value: float, needed: np.float32) -> dict[str, Any]:
    """The fields of a `Verdict` for a broken rule. needed: the lowest alignment that consistency allowed."""
    rules = Rules.of(trace.parameters)
    bounds = {CONFLICT: rules.lowest, REDUNDANT: rules.highest}
    return {
        "reason": RULES[rule],
        "member": member if rule in bounds else None,
        "value": value,
        "needed": bounds.get(rule, float(needed)),
    }
