"""What an explanation holds, and the same in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan


@dataclass(frozen=True)
class Taken:
    """The step that took a sample, with the numbers that the rules compared; NaN or None where one did not apply."""

    step: int
    """Its place in the selection, from 0 as in the trace; `text` counts from 1, as the pages do."""
    component: int | None
    """None for a pin."""
    target: str | None
    origin: str
    """One of ORIGINS."""
    previous: int | None
    """For a neighbour, the sample whose neighbour it is."""
    cosine: float
    """Cosine between the two."""
    affinity: float
    """Its cosine to the component."""
    lowest_cosine: float
    """Its lowest cosine to the samples that the component had by then; no conflict."""
    highest_cosine: float
    """Its highest; redundancy."""
    before: float
    after: float
    """Alignment of the component's samples before and after the step."""
    reference: float
    """The alignment that consistency compared with: after the step before, or the best so far."""
    needed: float
    """The alignment that consistency asked for."""

    @property
    def text(self) -> str:
        """The step in words, without the sample."""
        if self.component is None:
            return f"taken at step {self.step + 1}: it is pinned"
        came = {
            "anchor": "as its anchor, the most similar free sample",
            "neighbor": f"as the nearest neighbour of sample {self.previous} that passed the rules "
            f"(cosine {self.cosine:.3f})",
            "fallback": "after no neighbour passed, as the most similar free sample that did",
        }[self.origin]
        text = f"taken at step {self.step + 1} for component {self.component} ({self.target}), {came}; "
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
    """Why a component did not take a sample."""

    component: int
    target: str
    affinity: float
    """Its cosine to the component."""
    reason: str
    """conflict, redundant, consistency: the first rule it broke. outranked: it was a neighbour, but a nearer one was
    taken. not reached: no step looked at it. no budget: the component had none."""
    step: int | None = None
    """When; None for a component's last search, which took nothing."""
    previous: int | None = None
    """The sample whose neighbour it was, where it was looked at as one."""
    member: int | None = None
    """conflict, redundant: the earliest sample of the component that it conflicts with or repeats."""
    value: float = nan
    """conflict, redundant: the cosine to that member. consistency: the alignment it would have led to."""
    needed: float = nan
    """The bound that the value broke: a least value, or where redundant a highest."""

    @property
    def text(self) -> str:
        """The same in words."""
        when = "in the last search of the pool" if self.step is None else f"at step {self.step + 1}"
        if self.previous is not None:
            when += f", as a neighbour of sample {self.previous}"
        what = {
            "conflict": f"rejected {when}: conflict with sample {self.member}, cosine {self.value:.3f} "
            f"where at least {self.needed:g} is needed",
            "redundant": f"rejected {when}: too similar to sample {self.member}, cosine {self.value:.3f} "
            f"where at most {self.needed:g} is allowed",
            "consistency": f"rejected {when}: the alignment would become {self.value:.3f} where "
            f"{self.needed:.3f} is needed",
            "outranked": f"looked at {when}, but a nearer one was taken",
            "not reached": "the walk never looked at it",
            "no budget": "has no budget",
        }[self.reason]
        return f"component {self.component} ({self.target}): {what}; cosine {self.affinity:.3f}"


@dataclass(frozen=True)
class Explanation:
    """Why a sample was taken, or why not: one of `taken`, `left_out` and `verdicts`."""

    sample: int
    taken: Taken | None
    left_out: str | None
    """Why no component could take it at all."""
    verdicts: tuple[Verdict, ...]
    """One for each component, in their order."""

    @property
    def text(self) -> str:
        """The same in words, a line for each component."""
        if self.taken is not None:
            return f"Sample {self.sample} was {self.taken.text}."
        if self.left_out is not None:
            return f"Sample {self.sample} was left out: {self.left_out}."
        lines = [f"Sample {self.sample} was not taken."]
        return "\n".join(
            lines + [f"{verdict.text[0].upper()}{verdict.text[1:]}." for verdict in self.verdicts]
        )
