"""Why a sample was taken, or for each component why not, worked out from a trace and the gradients.

Steps and neighbours turned away are in the trace; what a search of the whole pool turned away is not, and is
found again here from the same rows and the samples that the component had at the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import open_rows, read_rows, sum_cosine
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge
from g2is.walk.budget import plan_walk
from g2is.walk.trace import (
    BUDGET_SPENT,
    CONFLICT,
    FALLBACK,
    NEIGHBOR,
    NONE_PASSES,
    ORIGINS,
    PIN,
    REDUNDANT,
    RULES,
    WalkTrace,
)


@dataclass(frozen=True)
class Taken:
    """The step that took a sample, with what the rules compared. NaN or None where a rule did not apply."""

    step: int
    """Its place in the selection, from 0."""
    component: int | None
    """None for a pin."""
    target: str | None
    origin: str
    """One of ORIGINS."""
    previous: int | None
    """The sample it was stepped to from."""
    cosine: float
    """Of the edge between the two."""
    affinity: float
    """Its cosine to the component."""
    lowest_cosine: float
    """Its lowest cosine to the samples that the component had by then; no conflict."""
    highest_cosine: float
    """Its highest; variety."""
    before: float
    after: float
    """Alignment of the component's samples before and after the step."""
    reference: float
    """The alignment that consistency compared with: that of the last step, or the best before it."""
    needed: float
    """What consistency asked of it."""

    @property
    def text(self) -> str:
        if self.component is None:
            return f"taken at step {self.step}: it is pinned"
        came = {
            "anchor": "as its anchor, the most similar free sample",
            "neighbor": f"as the nearest neighbour of sample {self.previous} that passed the rules "
            f"(cosine {self.cosine:.3f})",
            "fallback": "after no neighbour passed, as the most similar free sample that did",
        }[self.origin]
        text = f"taken at step {self.step} for component {self.component} ({self.target}), {came}; "
        text += f"cosine to the component {self.affinity:.3f}"
        if self.origin != "anchor":
            text += (
                f", lowest cosine to its samples {self.lowest_cosine:.3f}, "
                f"alignment from {self.before:.3f} to {self.after:.3f}"
            )
            if not isnan(self.needed):
                text += f" where {self.needed:.3f} was needed"
        return text


@dataclass(frozen=True)
class Verdict:
    """What became of a sample in the walk for one component that did not take it."""

    component: int
    target: str
    affinity: float
    """Its cosine to the component."""
    reason: str
    """conflict, redundant, consistency: the first rule that turned it away. outranked: it was a neighbour, but a nearer
    one was taken. not reached: the walk never came to it. no budget: there was no walk."""
    step: int | None = None
    """When; None for the last search of a component, which took nothing."""
    previous: int | None = None
    """The sample whose neighbour it was, where it was met as one."""
    member: int | None = None
    """conflict, redundant: the earliest sample of the component that it conflicts with, or repeats."""
    value: float = nan
    """conflict, redundant: the cosine to that member. consistency: the alignment it would have led to."""
    needed: float = nan
    """What the value would have had to reach, or where redundant, to stay within."""

    @property
    def text(self) -> str:
        when = "in the last search of the pool" if self.step is None else f"at step {self.step}"
        if self.previous is not None:
            when += f", as a neighbour of sample {self.previous}"
        what = {
            "conflict": f"turned away {when}: conflict with sample {self.member}, cosine {self.value:.3f} "
            f"where at least {self.needed:g} is needed",
            "redundant": f"turned away {when}: too similar to sample {self.member}, cosine {self.value:.3f} "
            f"where at most {self.needed:g} is allowed",
            "consistency": f"turned away {when}: alignment would become {self.value:.3f} where "
            f"{self.needed:.3f} is needed",
            "outranked": f"met {when}, but a nearer neighbour was taken",
            "not reached": "the walk never came near it",
            "no budget": "has no budget",
        }[self.reason]
        return f"component {self.component} ({self.target}): {what}; cosine {self.affinity:.3f}"


@dataclass(frozen=True)
class Explanation:
    """Why a sample was taken, or why not; `taken`, `left_out` or `verdicts`, one of them."""

    sample: int
    taken: Taken | None
    left_out: str | None
    """Why no component could take it at all."""
    verdicts: tuple[Verdict, ...]
    """One for each component, in their order."""

    @property
    def text(self) -> str:
        """The same in plain words, a line for each component."""
        if self.taken is not None:
            return f"Sample {self.sample} was {self.taken.text}."
        if self.left_out is not None:
            return f"Sample {self.sample} was left out: {self.left_out}."
        lines = [f"Sample {self.sample} was not taken."]
        return "\n".join(
            lines + [f"{verdict.text[0].upper()}{verdict.text[1:]}." for verdict in self.verdicts]
        )


def explain(
    trace: WalkTrace,
    sample: int,
    gradients: ArrayLike,
    neighbors: ArrayLike,
    knowledge: CoreKnowledge,
    *,
    sources: Sequence[str] | None = None,
    valid: ArrayLike | None = None,
) -> Explanation:
    """Why the walk took a sample or did not; the other arguments are those of the walk.

    Reads the gradients of the sample and of those taken. Raises `InputError` for a sample not in the pool.
    """
    if not 0 <= sample < trace.rows:
        raise InputError(f"sample = {sample}: the pool has samples 0 to {trace.rows - 1:,}")
    array = open_rows(gradients, knowledge.components.shape[1])
    found = np.flatnonzero(trace.steps.sample == sample)
    if found.size:
        return Explanation(sample, _taken(trace, int(found[0]), array, knowledge), None, ())
    plan = plan_walk(trace.parameters, knowledge, trace.rows, sources=sources, valid=valid)
    if plan.left_out[sample]:
        if sample in trace.parameters.bans:
            reason = "it is banned"
        elif valid is not None and not np.asarray(valid)[sample]:
            reason = "it has no valid gradient"
        elif trace.parameters.only and sample not in trace.parameters.only:
            reason = "it is not among the samples that the walk is restricted to"
        else:
            reason = f"its source is {sources[sample] if sources is not None else None!r}"
        return Explanation(sample, None, reason, ())
    verdicts = [
        _verdict(trace, component, sample, array, np.asarray(neighbors), knowledge)
        for component in range(len(knowledge))
    ]
    return Explanation(sample, None, None, tuple(verdicts))


def _taken(trace: WalkTrace, step: int, gradients: NDArray[np.floating], knowledge: CoreKnowledge) -> Taken:
    steps = trace.steps
    component = None if steps.origin[step] == PIN else int(steps.component[step])
    lowest = highest = reference = nan
    if component is not None:
        reference = trace.reference(component, step)
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
        affinity=float(steps.affinity[step]),
        lowest_cosine=lowest,
        highest_cosine=highest,
        before=float(steps.before[step]),
        after=float(steps.after[step]),
        reference=reference,
        needed=trace.parameters.delta * reference if trace.parameters.consistency else nan,
    )


def _verdict(
    trace: WalkTrace,
    component: int,
    sample: int,
    gradients: NDArray[np.floating],
    neighbors: NDArray[np.integer],
    knowledge: CoreKnowledge,
) -> Verdict:
    """The first thing that happened to a sample, free all along, in the walk for a component."""
    steps, rejections = trace.steps, trace.rejections
    gradient = read_rows(gradients, np.array([sample]))[0]
    affinity = float(np.dot(gradient, knowledge.components[component]))
    own = np.flatnonzero(steps.component == component)
    verdict = Verdict(component, trace.targets[component], affinity, "not reached")
    if not own.size:
        return replace(verdict, reason="no budget") if trace.stopped[component] == BUDGET_SPENT else verdict

    entries = np.flatnonzero(rejections.sample == sample)
    entries = entries[np.isin(rejections.step[entries], own)]
    met = int(rejections.step[entries[0]]) if entries.size else len(steps)
    # A fallback came past the sample if that ranks before what was taken; a last search past every free one.
    searches: list[int | None] = own[
        (steps.origin[own] == FALLBACK) & (steps.affinity[own] <= affinity) & (own < met)
    ].tolist()
    if trace.stopped[component] == NONE_PASSES and not entries.size:
        searches.append(None)
    for step in searches:
        until = len(steps) if step is None else step
        failed = _failed_rule(trace, component, until, gradient, gradients, knowledge)
        if failed is not None:
            return replace(verdict, step=step, **failed)

    if entries.size:
        rule, member = int(rejections.rule[entries[0]]), int(rejections.member[entries[0]])
        lowest, highest = trace.parameters.cosine_bounds
        return replace(
            verdict,
            reason=RULES[rule],
            step=met,
            previous=int(steps.sample[own[np.searchsorted(own, met) - 1]]),
            member=member if rule in (CONFLICT, REDUNDANT) else None,
            value=float(rejections.value[entries[0]]),
            needed={CONFLICT: lowest, REDUNDANT: highest}.get(rule, _needed(trace, component, met)),
        )
    stepped = own[steps.origin[own] == NEIGHBOR]
    lists = neighbors[steps.previous[stepped], : trace.parameters.neighbors]
    listed = stepped[(lists == sample).any(axis=1)]
    if listed.size:
        step = int(listed[0])
        return replace(verdict, reason="outranked", step=step, previous=int(steps.previous[step]))
    return verdict


def _failed_rule(
    trace: WalkTrace,
    component: int,
    until: int,
    gradient: NDArray[np.float32],
    gradients: NDArray[np.floating],
    knowledge: CoreKnowledge,
) -> dict[str, Any] | None:
    """The fields of a `Verdict` for the first rule that a gradient fails beside the samples that a component
    took before the step `until`, if any."""
    parameters = trace.parameters
    members = trace.steps.sample[:until][trace.steps.component[:until] == component]
    rows = read_rows(gradients, members)
    products = rows @ gradient
    lowest, highest = parameters.cosine_bounds
    outside = np.flatnonzero((products < lowest) | (products > highest))
    if outside.size:
        conflict = products[outside[0]] < lowest
        return {
            "reason": "conflict" if conflict else "redundant",
            "member": int(members[outside[0]]),
            "value": float(products[outside[0]]),
            "needed": lowest if conflict else highest,
        }
    value = sum_cosine(rows.sum(axis=0) + gradient, knowledge.components[component])
    needed = _needed(trace, component, until)
    if parameters.consistency and not (value if parameters.signed else abs(value)) >= needed:
        return {"reason": "consistency", "value": float(value), "needed": needed}
    return None


def _needed(trace: WalkTrace, component: int, step: int) -> float:
    """The alignment that consistency asked for at a step of a component."""
    return trace.parameters.delta * trace.reference(component, step)
