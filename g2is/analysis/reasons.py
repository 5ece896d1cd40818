"""Why each instruction of a whole pool is not in a selection, in a word and in a short sentence.

`why_not` answers for one instruction with all numbers. Here the question is asked of every instruction at once, about
the target direction that it is closest to, so that a pool of a million takes one pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.arrays.rows import read_rows
from g2is.run.run import Run
from g2is.walk import RULES, STOPS, WalkTrace
from g2is.walk.budget import reason_left_out
from g2is.walk.decimals import decimals
from g2is.walk.explanation import OUTRANKED_BY
from g2is.walk.rules import CONFLICT, CONSISTENCY, REDUNDANT
from g2is.walk.standing import Standing
from g2is.walk.trace import FALLBACK, NEIGHBOR
from g2is.walk.why import CAME_LATER, groups_used_up

TAKEN, GONE, NO_GRADIENT, LEFT_OUT, SHARE = "taken", "removed", "no gradient", "left out", "share used up"
OUTSCORED, NO_PLACE, NOT_REACHED, NOT_CHOSEN = "outscored", "no place", "not reached", "not chosen"
REASONS = (
    TAKEN,
    GONE,
    NO_GRADIENT,
    LEFT_OUT,
    SHARE,
    *RULES[CONFLICT:],
    OUTSCORED,
    NO_PLACE,
    NOT_REACHED,
    NOT_CHOSEN,
)
"""All words there are; those of rules are from `g2is.walk`."""


@dataclass(frozen=True, eq=False)
class Reasons:
    """words: (n,) one of REASONS each. sentences: (n,) a short sentence; empty for what is taken."""

    words: NDArray[np.object_]
    sentences: NDArray[np.object_]

    def set(self, rows: NDArray[Any] | slice | int, word: str, sentence: str) -> None:
        """Give some instructions a reason."""
        self.words[rows], self.sentences[rows] = word, sentence

    def broken(self, row: int, rule: int, member: int, value: float) -> None:
        """Give an instruction the rule that it broke, with the member and the number of it."""
        sentence = {
            CONFLICT: f"conflicts with #{member} (cosine {decimals(value)})",
            REDUNDANT: f"too similar to #{member} (cosine {decimals(value)})",
            CONSISTENCY: f"would lower the alignment to {decimals(value)}",
        }[rule]
        self.set(row, RULES[rule], sentence)


def reasons_of_samples(run: Run, samples: NDArray[np.integer], method: str) -> Reasons:
    """Why a selection without a trace does not have each instruction: only what has no gradient is known."""
    found = _empty(len(run.valid))
    found.set(slice(None), NOT_CHOSEN, f"not among the {len(samples):,} of {method}")
    return _finished(run, found, samples)


def reasons_of_walk(run: Run, trace: WalkTrace) -> Reasons:
    """Why a walk over a run did not take each instruction, as seen from the direction closest to it.

    Raises `InputError` where the settings of the walk do not fit the run.
    """
    parameters = trace.parameters
    affinities = walks.affinities(run, parameters)
    closest = affinities.argmax(axis=1)
    found = _empty(len(closest))
    left_out = walks.left_out(run, parameters)
    free = ~left_out
    free[trace.samples] = False
    free[trace.rows :] = False
    for component, (name, own) in enumerate(zip(_names(run, trace), _members(trace), strict=True)):
        rows = np.flatnonzero(free & (closest == component))
        if len(rows):
            _judge(run, trace, component, own, rows, affinities[rows, component], name, found)
    quotas = run.columns.quotas(parameters.share)
    for group in (
        () if quotas is None else np.flatnonzero(groups_used_up(trace, quotas, len(trace.steps))).tolist()
    ):
        assert quotas is not None
        found.set(free & (quotas.groups == group), SHARE, f"the share of {quotas.names[group]} is used up")
    fitting, made_of = walks.fitting(run, parameters), frozenset(walks.own_rows(run, parameters).tolist())
    for row in np.flatnonzero(left_out & run.valid).tolist():
        reason = reason_left_out(
            parameters, row, sources=run.sources, valid=run.valid, fitting=fitting, own=made_of
        )
        found.set(row, LEFT_OUT, reason)
    found.set(slice(trace.rows, None), LEFT_OUT, CAME_LATER)
    return _finished(run, found, trace.samples)


def _empty(count: int) -> Reasons:
    return Reasons(np.full(count, "", object), np.full(count, "", object))


def _finished(run: Run, found: Reasons, samples: NDArray[np.integer]) -> Reasons:
    """With what has no gradient, and what is taken."""
    rows = np.flatnonzero(~run.valid)
    found.words[rows] = np.where(run.gone[rows], GONE, NO_GRADIENT)
    found.sentences[rows] = run.instructions["problem"].to_numpy()[rows]
    found.set(samples[~run.gone[samples]], TAKEN, "")
    return found


def _names(run: Run, trace: WalkTrace) -> list[str]:
    """Each direction as a sentence names it: by its validation example where it is one."""
    if not trace.parameters.facet_per_example:
        return [f"direction {component}" for component in range(len(trace.budgets))]
    examples = walks.core_knowledge(run, trace.parameters).examples
    return [f"example {example}" for example in examples.tolist()]


def _members(trace: WalkTrace) -> list[NDArray[np.intp]]:
    """The steps of each direction."""
    order = np.argsort(trace.steps.component, kind="stable")
    ends = np.searchsorted(trace.steps.component[order], np.arange(len(trace.budgets) + 1))
    return [order[ends[component] : ends[component + 1]] for component in range(len(trace.budgets))]


def _judge(
    run: Run,
    trace: WalkTrace,
    component: int,
    own: NDArray[np.intp],
    rows: NDArray[np.intp],
    affinity: NDArray[np.float32],
    name: str,
    found: Reasons,
) -> None:
    """The reasons of the free instructions closest to one direction, which took the steps `own`."""
    steps, rejections = trace.steps, trace.rejections
    stopped = STOPS[trace.stopped[component]] == "rules"
    if not len(own) and not stopped:
        found.set(rows, NO_PLACE, f"{name}, its closest, has no place within this budget")
        return
    entries = np.flatnonzero(np.isin(rejections.step, own) & (rejections.rule >= CONFLICT))
    samples, first = np.unique(rejections.sample[entries], return_index=True)
    entry_of = dict(zip(samples.tolist(), entries[first].tolist(), strict=True))
    rejected_at = np.array(
        [int(rejections.step[entry_of[row]]) if row in entry_of else len(steps) for row in rows.tolist()]
    )
    # A search of the pool considered every free instruction closer than the one it took; a last one considered all.
    searches = [(int(step), float(steps.affinity[step])) for step in own if steps.origin[step] == FALLBACK]
    if stopped:
        searches.append((len(steps) - 1, -np.inf))
    direction = walks.core_knowledge(run, trace.parameters).components[component]
    gradients = run.regime(trace.parameters.regime).gradients
    undecided = np.ones(len(rows), bool)
    for step, bound in searches:
        some = np.flatnonzero(undecided & (affinity >= bound) & (step < rejected_at))
        if not len(some):
            continue
        at = len(steps) if bound == -np.inf else step
        standing = Standing(trace, component, at, gradients, direction)
        judged = standing.verdicts(read_rows(gradients, rows[some]))
        for place in np.flatnonzero(~judged.passes).tolist():
            member = int(judged.member[place])
            other = int(standing.samples[member]) if member >= 0 else -1
            found.broken(int(rows[some[place]]), int(judged.rule[place]), other, float(judged.value[place]))
        undecided[some[~judged.passes]] = False
    listed = _neighbors_of_steps(run, trace, own)
    last = float(steps.affinity[own].min()) if len(own) else np.nan
    for place in np.flatnonzero(undecided).tolist():
        row, entry = int(rows[place]), entry_of.get(int(rows[place]))
        if entry is not None:
            member, value = int(rejections.member[entry]), float(rejections.value[entry])
            found.broken(row, int(rejections.rule[entry]), member, value)
        elif row in listed:
            found.set(
                row, OUTSCORED, f"{OUTRANKED_BY[trace.parameters.step_to]} was taken for {name}, its closest"
            )
        elif affinity[place] <= last:
            closer = f"took closer ones ({decimals(last)} and more)"
            found.set(row, OUTSCORED, f"{name}, its closest ({decimals(affinity[place])}), {closer}")
        else:
            found.set(
                row, NOT_REACHED, f"no step for {name}, its closest ({decimals(affinity[place])}), came to it"
            )


def _neighbors_of_steps(run: Run, trace: WalkTrace, own: NDArray[np.intp]) -> set[int]:
    """The instructions in the lists that the steps of a direction to neighbours went through."""
    stepped = own[trace.steps.origin[own] == NEIGHBOR]
    lists = run.regime(trace.parameters.regime).neighbors[trace.steps.previous[stepped]]
    return set(lists[:, : trace.parameters.neighbors].ravel().tolist())
