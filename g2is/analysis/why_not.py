"""Why an instruction is in a walk or not, in one sentence with the numbers that decided it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from g2is.analysis import walks
from g2is.run.run import Run
from g2is.walk import Explanation, Rules, Verdict, WalkTrace
from g2is.walk.decimals import decimals
from g2is.walk.explanation import OUTRANKED_BY

NAMED = 3
"""Instructions named that took the places of a direction; of more, how many there are."""


@dataclass(frozen=True)
class Answer:
    """text: the sentence. step: that took it, if one did. example: the validation example closest to it, or None where
    it could not be taken at all. winners: the instructions that took the places there."""

    sample: int
    text: str
    step: int | None = None
    example: int | None = None
    winners: tuple[int, ...] = ()


def why_not(run: Run, trace: WalkTrace, sample: int) -> Answer:
    """Why a walk over a run took an instruction, or where it came closest and who took the place.

    Raises `InputError` where `g2is.walk.explain` does.
    """
    explanation = walks.explain(run, trace, sample)
    if explanation.taken is not None:
        return _taken(run, trace, explanation)
    if explanation.left_out is not None:
        return Answer(sample, f"It can never be taken: {explanation.left_out}.")
    return _not_taken(run, trace, explanation)


def _example(run: Run, trace: WalkTrace, component: int) -> int:
    return int(walks.core_knowledge(run, trace.parameters).examples[component])


def _taken(run: Run, trace: WalkTrace, explanation: Explanation) -> Answer:
    taken = explanation.taken
    assert taken is not None
    at = f"Taken at step {taken.step + 1:,}"
    if taken.component is None:
        return Answer(explanation.sample, f"{at}: it is pinned.", taken.step)
    example = _example(run, trace, taken.component)
    if taken.origin == "neighbor":
        edge = f"an edge of {decimals(taken.cosine)}"
        how = f"from #{taken.previous:,} over {edge}, the {taken.neighbor} that keeps the rules"
    else:
        how = "the nearest that was free"
        how += " and keeps the rules" if taken.origin == "fallback" else ""
    text = f"{at} for example {example} (cosine {decimals(taken.affinity)}): {how}."
    return Answer(explanation.sample, text, taken.step, example)


def _not_taken(run: Run, trace: WalkTrace, explanation: Explanation) -> Answer:
    sample, parameters = explanation.sample, trace.parameters
    verdict = max(explanation.verdicts, key=lambda verdict: verdict.affinity)
    component = verdict.component
    example = _example(run, trace, component)
    rank, of = rank_for(run, trace, sample, component)
    each = parameters.facet_per_example
    what = "example is" if each else f"direction is {component}, which stands for example"
    start = f"Its closest {what} {example}: cosine {decimals(verdict.affinity)}, {ordinal(rank)} of {of:,}."
    own = np.flatnonzero(trace.steps.component == component)
    winners = tuple(trace.steps.sample[own].tolist())
    return Answer(sample, f"{start} {places(trace, own)}{rejected(trace, verdict)}", None, example, winners)


def rank_for(run: Run, trace: WalkTrace, sample: int, component: int) -> tuple[int, int]:
    """The place of an instruction by cosine to a component among those that the walk may take, and how many these
    are."""
    allowed = ~walks.left_out(run, trace.parameters)
    column = walks.affinities(run, trace.parameters)[:, component]
    return 1 + int(np.count_nonzero(column[allowed] > column[sample])), int(allowed.sum())


def places(trace: WalkTrace, own: np.ndarray) -> str:
    """Who took the places of a direction. own: the steps for it."""
    if not len(own):
        return "There was no place for it within this budget."
    named = [
        f"#{trace.steps.sample[step]:,} ({decimals(trace.steps.affinity[step])})" for step in own[:NAMED]
    ]
    if len(own) == 1:
        return f"Its one place went to {named[0]}."
    if len(own) <= NAMED:
        return f"Its {len(own)} places went to {', '.join(named[:-1])} and {named[-1]}."
    return f"Its {len(own):,} places went to {', '.join(named)} and {len(own) - NAMED:,} more."


def rejected(trace: WalkTrace, verdict: Verdict) -> str:
    """The rule that rejected it there, as a sentence; empty where none did."""
    rules = Rules.of(trace.parameters)
    when = "in the last search" if verdict.step is None else f"at step {verdict.step + 1:,}"
    if verdict.reason == "conflict":
        cosine = f"cosine {decimals(verdict.value, unlike=rules.lowest)}, below {rules.lowest:.2g}"
        what = f"conflicts with #{verdict.member:,} ({cosine})"
    elif verdict.reason == "redundant":
        cosine = f"cosine {decimals(verdict.value, unlike=rules.highest)}, above {rules.highest:.2g}"
        what = f"is too similar to #{verdict.member:,} ({cosine})"
    elif verdict.reason == "consistency":
        value = decimals(verdict.value, unlike=verdict.needed)
        what = f"would lower the alignment to {value} where {decimals(verdict.needed)} is needed"
    elif verdict.reason == "outranked":
        return f" It was considered {when}, but {OUTRANKED_BY[trace.parameters.step_to]} was taken."
    else:
        return ""
    return f" It was rejected {when}: it {what}."


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 14th, 1,021st."""
    tens, ones = divmod(number % 100, 10)
    ending = "th" if tens == 1 else {1: "st", 2: "nd", 3: "rd"}.get(ones, "th")
    return f"{number:,}{ending}"
