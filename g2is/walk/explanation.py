"""An explanation of a walk, as numbers and as text for a person.

Texts speak of instructions and directions, and count steps from 1; fields are rows, components, and steps from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan


@dataclass(frozen=True)
class Taken:
    """The step that took a sample, with the numbers that the rules compared; NaN or None where one did not apply."""

    step: int
    """Its place in the trace, from 0."""
    component: int | None
    """None for a pin."""
    target: str | None
    origin: str
    """One of ORIGINS."""
    previous: int | None
    """Neighbour only: the sample it is a neighbour of."""
    cosine: float
    """Neighbour only: its cosine to that sample."""
    affinity: float
    """Its cosine to the component."""
    lowest_cosine: float
    """No conflict: its lowest cosine to the samples taken for the component before."""
    highest_cosine: float
    """Redundancy: its highest cosine to them."""
    before: float
    """Alignment of the component's samples before the step."""
    after: float
    """The same after the step."""
    reference: float
    """Consistency: the alignment compared with, which is that after the previous step or the best so far."""
    needed: float
    """Consistency: the lowest alignment allowed."""

    @property
    def text(self) -> str:
        """The step in words, without the instruction."""
        if self.component is None:
            return f"taken at step {self.step + 1}: it is pinned"
        origin = {
            "anchor": "as its anchor, the free instruction closest to it",
            "neighbor": f"as the nearest neighbour of instruction {self.previous} that passed the rules "
            f"(cosine {self.cosine:.3f})",
            "fallback": "as the free instruction closest to it that passed the rules, since no neighbour did",
        }[self.origin]
        text = f"taken at step {self.step + 1} for direction {self.component} ({self.target}), {origin}; "
        text += f"cosine to the direction {self.affinity:.3f}"
        if self.origin != "anchor":
            text += (
                f", lowest cosine to its instructions so far {self.lowest_cosine:.3f}, "
                f"alignment from {self.before:.3f} to {self.after:.3f}"
            )
            if not isnan(self.needed):
                text += f" where at least {self.needed:.3f} was required"
        return text


@dataclass(frozen=True)
class Verdict:
    """Why a component did not take a sample."""

    component: int
    target: str
    affinity: float
    """Its cosine to the component."""
    reason: str
    """conflict, redundant, consistency: the first rule it broke. outranked: a nearer neighbour was taken instead.
    not reached: no step considered it. no budget: the component had none."""
    step: int | None = None
    """The step that considered it; None for a component's last search, which took nothing."""
    previous: int | None = None
    """The sample it was considered as a neighbour of, if it was."""
    member: int | None = None
    """conflict, redundant: the earliest sample of the component that it conflicts with or repeats."""
    value: float = nan
    """conflict, redundant: the cosine to that member. consistency: the alignment it would have led to."""
    needed: float = nan
    """The bound that the value broke: a lowest value; if redundant, a highest."""

    @property
    def text(self) -> str:
        """The same in words."""
        when = "in the last search of the pool" if self.step is None else f"at step {self.step + 1}"
        if self.previous is not None:
            when += f", as a neighbour of instruction {self.previous}"
        what = {
            "conflict": f"rejected {when}: conflicts with instruction {self.member}, cosine {self.value:.3f} "
            f"where at least {self.needed:g} is required",
            "redundant": f"rejected {when}: too similar to instruction {self.member}, cosine {self.value:.3f} "
            f"where at most {self.needed:g} is allowed",
            "consistency": f"rejected {when}: the alignment would become {self.value:.3f} where "
            f"at least {self.needed:.3f} is required",
            "outranked": f"considered {when}, but a nearer neighbour was taken",
            "not reached": "no step considered it",
            "no budget": "the direction has no budget",
        }[self.reason]
        return f"direction {self.component} ({self.target}): {what}; cosine {self.affinity:.3f}"


@dataclass(frozen=True)
class Explanation:
    """Why a sample was taken, or why not: one of `taken`, `left_out` and `verdicts`."""

    sample: int
    taken: Taken | None
    left_out: str | None
    """Why no component could take it: banned, of another source, and so on."""
    verdicts: tuple[Verdict, ...]
    """One for each component, in their order."""

    @property
    def text(self) -> str:
        """The same in words; where it was not taken, a line for each direction."""
        if self.taken is not None:
            return f"Instruction {self.sample} was {self.taken.text}."
        if self.left_out is not None:
            return f"Instruction {self.sample} was left out: {self.left_out}."
        lines = [f"Instruction {self.sample} was not taken."]
        return "\n".join(
            lines + [f"{verdict.text[0].upper()}{verdict.text[1:]}." for verdict in self.verdicts]
        )
