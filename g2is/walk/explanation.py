"""An explanation of a walk, as numbers and as text for a person.

Texts speak of instructions and directions, and count steps from 1; fields are rows, components, and steps from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

from g2is.walk.decimals import decimals

OUTRANKED_BY = {"nearest": "a nearer neighbour", "best": "a neighbour closer to the direction"}
"""What was taken in place of a neighbour that kept the rules, by `WalkParameters.step_to`."""


@dataclass(frozen=True)
class Taken:
    """The step that took a sample, with the numbers that the rules compared; NaN or None where one did not apply.

    step: its place in the trace, from 0.
    component, target: that it was taken for; None for a pin.
    origin: one of ORIGINS.
    previous, cosine: of a neighbour, the sample it is a neighbour of and its cosine to that.
    among: how many free neighbours of that the best was taken of; None where the nearest was taken.
    affinity: its cosine to the component.
    lowest_cosine, highest_cosine: to the samples taken for the component before.
    before, after: alignment of the component's samples before and after the step.
    reference: the alignment that consistency compared with: after the previous step, or the best so far.
    needed: the lowest alignment that consistency allowed.
    """

    step: int
    component: int | None
    target: str | None
    origin: str
    previous: int | None
    cosine: float
    among: int | None
    affinity: float
    lowest_cosine: float
    highest_cosine: float
    before: float
    after: float
    reference: float
    needed: float

    @property
    def neighbor(self) -> str:
        """Which neighbour of the instruction before it was, in words."""
        return "nearest neighbour" if self.among is None else f"best of its {self.among} free neighbours"

    @property
    def text(self) -> str:
        """The step in words, without the instruction."""
        if self.component is None:
            return f"taken at step {self.step + 1}: it is pinned"
        origin = {
            "anchor": "as its anchor, the free instruction closest to it",
            "neighbor": f"from instruction {self.previous} over an edge of {decimals(self.cosine, 3)}, as the "
            f"{self.neighbor} that passed the rules",
            "fallback": "as the free instruction closest to it that passed the rules, since no neighbour did",
        }[self.origin]
        text = f"taken at step {self.step + 1} for direction {self.component} ({self.target}), {origin}; "
        text += f"cosine to the direction {decimals(self.affinity, 3)}"
        if self.origin != "anchor":
            text += (
                f", lowest cosine to its instructions so far {decimals(self.lowest_cosine, 3)}, "
                f"alignment from {decimals(self.before, 3)} to {decimals(self.after, 3)}"
            )
            if not isnan(self.needed):
                text += f" where at least {decimals(self.needed, 3)} was required"
        return text


@dataclass(frozen=True)
class Verdict:
    """Why a component did not take a sample.

    affinity: its cosine to the component.
    reason: the first rule it broke (conflict, redundant, consistency); outranked if another neighbour came first; not
    reached if no step considered it; no budget if the component had none.
    step: the step that considered it; None for a component's last search, which took nothing.
    previous: the sample it was considered as a neighbour of, if it was.
    member: the earliest sample of the component that it conflicts with or repeats, if that was the reason.
    value: the cosine to that member; for consistency, the alignment it would have led to.
    needed: the bound that the value broke: a lowest value; if redundant, a highest.
    step_to: the setting of the walk.
    """

    component: int
    target: str
    affinity: float
    reason: str
    step: int | None = None
    previous: int | None = None
    member: int | None = None
    value: float = nan
    needed: float = nan
    step_to: str = "nearest"

    @property
    def text(self) -> str:
        """The same in words."""
        when = "in the last search of the pool" if self.step is None else f"at step {self.step + 1}"
        if self.previous is not None:
            when += f", as a neighbour of instruction {self.previous}"
        value = decimals(self.value, 3, unlike=self.needed)
        what = {
            "conflict": f"rejected {when}: conflicts with instruction {self.member}, cosine {value} "
            f"where at least {self.needed:g} is required",
            "redundant": f"rejected {when}: too similar to instruction {self.member}, cosine {value} "
            f"where at most {self.needed:g} is allowed",
            "consistency": f"rejected {when}: the alignment would become {value} where "
            f"at least {decimals(self.needed, 3)} is required",
            "outranked": f"considered {when}, but {OUTRANKED_BY[self.step_to]} was taken",
            "not reached": "no step considered it",
            "no budget": "the direction has no budget",
        }[self.reason]
        return f"direction {self.component} ({self.target}): {what}; cosine {decimals(self.affinity, 3)}"


@dataclass(frozen=True)
class Explanation:
    """Why a sample was taken, or why not: one of `taken`, `left_out` and `verdicts`.

    left_out: why no component could take it, for instance because it is banned. verdicts: one for each component, in
    their order.
    """

    sample: int
    taken: Taken | None
    left_out: str | None
    verdicts: tuple[Verdict, ...]

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
