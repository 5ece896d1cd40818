"""The gradient walk (Zhao et al. 2025, Algorithm 1): how many samples each component takes, and in what order.

Knows arrays only. With float32 rows and the `official` preset it takes the same samples in the same order as the
authors' published script; where a decision is close, it repeats the script's operations. One difference is on
purpose: a sample in conflict with a member stays rejected for that component. The script computes the product again
at every step, and the last bit, hence the sign of a product near zero, depends on how many it computes at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.config import WalkParameters
from g2is.knowledge import CoreKnowledge
from g2is.walk.budget import Quotas, WalkPlan, plan_walk
from g2is.walk.component import ComponentWalk
from g2is.walk.pool import Pool
from g2is.walk.rules import LEFT_OUT, TAKEN
from g2is.walk.trace import BUDGET_SPENT, PIN, TraceLog, WalkTrace


def gradient_walk(
    gradients: ArrayLike,
    neighbors: ArrayLike,
    cosines: ArrayLike | None,
    knowledge: CoreKnowledge,
    parameters: WalkParameters,
    *,
    sources: Sequence[str] | None = None,
    valid: ArrayLike | None = None,
    fitting: ArrayLike | None = None,
    quotas: Quotas | None = None,
    affinities: NDArray[np.float32] | None = None,
) -> WalkTrace:
    """Take samples for each component in order of weight, from neighbour to neighbour, within the rules.

    gradients: (n, d) unit rows, float32 or float16, memory-mapped or not; only rows that are visited are read.
    neighbors: (n, k) int, each row by descending cosine, -1 where there is none.
    cosines: (n, k) of those edges, or None to compute them for the edges taken.
    knowledge: the components, of the same d.
    sources: (n,) name of each row's source.
    valid: (n,) whether a row has a gradient.
    fitting: (n,) whether a row meets the conditions of `parameters.where`; None if there are none.
    quotas: groups of rows with their shares of the budget (`parameters.share`); None if there are none.
    affinities: (n, k) as `component_affinities` returns them, if the caller has them already.

    For a component K with S the samples taken for it, the anchor is the free sample with the highest cosine to K.
    A step goes through the neighbours of the last sample taken and takes the first free one (*knowledge coherence*)
    that has a cosine of at least `conflict_threshold` to every member of S (*no conflict*) and for which
    |cos(sum of S + g, K)| >= delta |cos(sum of S, K)| (*consistency*; signed cosines where `parameters.signed`).
    If there is none, all free samples are searched by descending cosine to K under the same two rules (a
    fallback); if none passes, the component stops. Among equal cosines the smaller index goes first or, with
    float32 rows, the one that the published script would take (`g2is.walk.script`). With knowledge coherence off,
    every step is such a search.

    Not in the paper: `max_cosine` rejects candidates too similar to a member of S (redundant); `step_to` = best goes
    through the neighbours by descending cosine to K, and so takes the best that passes, not the nearest;
    `consistency_reference` = best compares with the best alignment of S so far, since the last one may fall a
    little at every step; `order` = in_turn gives each component one sample at a time, so that components of small
    weight also get samples close to them.

    Pins come first and use up budget; they belong to no component, so no candidate is compared with them. Unused
    budget of a component stays unused (`unspent` = stop) or is passed on to the next by weight (pass_on), after the
    last one to the first again, once. With `order` = in_turn it is passed on to all components that can still take
    samples, one each.

    With quotas a row can be taken as long as its group's share of the whole budget is not used up, by whichever
    component. What a group cannot use goes to no other: the budget stays unspent.

    Raises `InputError` where arguments do not fit together.
    """
    pool = Pool(gradients, neighbors, cosines, knowledge, parameters, affinities)
    plan = plan_walk(
        parameters, knowledge, len(pool.status), sources=sources, valid=valid, fitting=fitting, quotas=quotas
    )
    log = TraceLog()
    pool.status[plan.left_out] = LEFT_OUT
    pool.status[plan.pins] = TAKEN
    if plan.groups is not None and plan.quotas is not None:
        pool.limit(plan.groups, plan.quotas)
    for pin in plan.pins.tolist():
        log.step(pin, -1, PIN)

    walk = _in_turn if parameters.order == "in_turn" else _sequential
    stopped = walk(pool, plan, log)
    steps, rejections = log.columns()
    return WalkTrace(
        parameters=parameters,
        rows=len(pool.status),
        steps=steps,
        rejections=rejections,
        budgets=plan.budgets,
        stopped=stopped,
        weights=knowledge.weights,
        targets=knowledge.targets,
    )


def _sequential(pool: Pool, plan: WalkPlan, log: TraceLog) -> NDArray[np.uint8]:
    """Walk for each component until its budget is used; returns why each stopped (k,)."""
    pass_on = pool.parameters.unspent == "pass_on"
    walks: dict[int, ComponentWalk] = {}
    stopped = np.zeros(len(plan.order), dtype=np.uint8)
    carried = 0
    for lap in range(2 if pass_on else 1):
        for component in plan.order.tolist():
            # A finished walk is kept only if it may continue: it holds three numbers for every row of the pool.
            walk = walks.pop(component, None) or ComponentWalk(pool, component, log)
            budget = carried + (int(plan.budgets[component]) if lap == 0 else 0)
            unspent = walk.extend(budget)
            stopped[component] = walk.stopped
            if pass_on:
                carried, walks[component] = unspent, walk
    return stopped


def _in_turn(pool: Pool, plan: WalkPlan, log: TraceLog) -> NDArray[np.uint8]:
    """Walk one step for each component, round and round; returns why each stopped (k,)."""
    walks = [ComponentWalk(pool, component, log) for component in range(len(plan.order))]
    left = plan.budgets.copy()

    def going(budgets: NDArray[np.int64]) -> list[int]:
        return [c for c in plan.order.tolist() if budgets[c] and walks[c].stopped == BUDGET_SPENT]

    while turn := going(left):
        for component in turn:
            left[component] -= 1 - walks[component].extend(1)
    unspent = int(left.sum()) if pool.parameters.unspent == "pass_on" else 0
    everyone = np.ones_like(left)
    while unspent and (turn := going(everyone)):
        for component in turn[:unspent]:
            unspent -= 1 - walks[component].extend(1)
    return np.array([walk.stopped for walk in walks], dtype=np.uint8)
