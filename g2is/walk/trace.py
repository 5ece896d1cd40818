"""What a walk leaves behind: every step in order, and every candidate a rule turned away.

Columns are arrays, so that a trace of a million steps stays small and goes to any columnar file as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.config import WalkParameters

if TYPE_CHECKING:
    import pandas as pd

ORIGINS = ("pin", "anchor", "neighbor", "fallback")
PIN, ANCHOR, NEIGHBOR, FALLBACK = range(len(ORIGINS))

RULES = ("taken", "left_out", "conflict", "consistency", "redundant")
TAKEN, LEFT_OUT, CONFLICT, CONSISTENCY, REDUNDANT = range(len(RULES))

STOPS = ("budget", "rules", "pool")
"""Why a component stopped: its budget is spent, no free sample passes the rules, no sample is free."""
BUDGET_SPENT, NONE_PASSES, NONE_FREE = range(len(STOPS))

STEP_TYPES = (np.int32, np.int32, np.uint8, np.int32, np.float32, np.float32, np.float32, np.float32)
REJECTION_TYPES = (np.int32, np.int32, np.uint8, np.int32, np.float32)


@dataclass(frozen=True, eq=False)
class Steps:
    """One entry for each sample taken, in order; a step's number is its position, from 0."""

    sample: NDArray[np.int32]
    component: NDArray[np.int32]
    """The component it was taken for; -1 for a pin, which belongs to none."""
    origin: NDArray[np.uint8]
    """Index into ORIGINS."""
    previous: NDArray[np.int32]
    """The sample it was stepped to from, where it came as a neighbour; otherwise -1."""
    cosine: NDArray[np.float32]
    """Cosine of that edge; NaN without one."""
    affinity: NDArray[np.float32]
    """Cosine of the sample to the component; NaN for a pin."""
    before: NDArray[np.float32]
    """Cosine of the sum of the component's samples to the component before the step; NaN before the first."""
    after: NDArray[np.float32]
    """The same after the step."""

    def __len__(self) -> int:
        return len(self.sample)

    def path(self) -> NDArray[np.int32]:
        """(t,) the sample that its component took before; -1 for pins and anchors, where a path begins.

        Components take turns, so it seldom is the step before.
        """
        came_from = np.full(len(self), -1, np.int32)
        order = np.argsort(self.component, kind="stable")
        same = self.component[order[1:]] == self.component[order[:-1]]
        came_from[order[1:][same]] = self.sample[order[:-1][same]]
        came_from[(self.origin == PIN) | (self.origin == ANCHOR)] = -1
        return came_from


@dataclass(frozen=True, eq=False)
class Rejections:
    """One entry for each neighbour turned away on the way to a step, in the order of the neighbour list.

    A fallback looks at the whole pool, so what it turned away is not listed: in that step every free
    sample with a higher affinity than the one taken failed a rule, and where a component stopped by the
    rules, every free sample did. `explain` works out which rule from the same gradients.
    """

    step: NDArray[np.int32]
    sample: NDArray[np.int32]
    rule: NDArray[np.uint8]
    """Index into RULES: taken before, left out of the walk, in conflict with a member or too similar to one
    (redundant), consistency; the first that applies."""
    member: NDArray[np.int32]
    """The earliest sample of the component that it conflicts with, or repeats; -1 for other rules."""
    value: NDArray[np.float32]
    """Conflict, redundant: the cosine to that member. Consistency: the alignment it would have led to. Or NaN."""

    def __len__(self) -> int:
        return len(self.sample)


@dataclass(frozen=True)
class ComponentSummary:
    """How the walk for one component went."""

    component: int
    target: str
    weight: float
    budget: int
    taken: int
    anchors: int
    fallbacks: int
    stopped: str
    """One of STOPS."""
    first_alignment: float
    last_alignment: float
    """Cosine of the sum of its samples to the component, after its first and its last step; NaN without."""


@dataclass(frozen=True, eq=False)
class WalkTrace:
    """A walk over n rows for k components: enough to replay it, to explain it and to resume it."""

    parameters: WalkParameters
    rows: int
    """n, the size of the pool."""
    steps: Steps
    rejections: Rejections
    budgets: NDArray[np.int64]
    """(k,) samples each component was to take, before anything was passed on."""
    stopped: NDArray[np.uint8]
    """(k,) index into STOPS."""
    weights: NDArray[np.floating]
    """(k,) of the core knowledge."""
    targets: tuple[str, ...]
    """(k,) validation target of each component."""

    @property
    def samples(self) -> NDArray[np.int64]:
        """The selection: row indices in order of choice."""
        return replay(self)

    def reference(self, component: int, step: int) -> float:
        """The alignment of which a candidate for this step of a component had to leave delta, for consistency.

        That of the component's last step before it, or the best of them; without its sign unless the parameters
        are signed. NaN where there is none.
        """
        after = self.steps.after[:step][self.steps.component[:step] == component]
        if not self.parameters.signed:
            after = abs(after)
        if not after.size:
            return math.nan
        return float(after[-1] if self.parameters.consistency_reference == "last" else after.max())

    def summary(self) -> tuple[ComponentSummary, ...]:
        """How it went, component by component."""
        found = []
        for component, budget in enumerate(self.budgets):
            own = np.flatnonzero(self.steps.component == component)
            origins = self.steps.origin[own]
            found.append(
                ComponentSummary(
                    component=component,
                    target=self.targets[component],
                    weight=float(self.weights[component]),
                    budget=int(budget),
                    taken=len(own),
                    anchors=int(np.sum(origins == ANCHOR)),
                    fallbacks=int(np.sum(origins == FALLBACK)),
                    stopped=STOPS[self.stopped[component]],
                    first_alignment=float(self.steps.after[own[0]]) if own.size else float("nan"),
                    last_alignment=float(self.steps.after[own[-1]]) if own.size else float("nan"),
                )
            )
        return tuple(found)

    def to_frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Steps and rejections as data frames, origins and rules by name."""
        import pandas as pd

        steps = pd.DataFrame({field.name: getattr(self.steps, field.name) for field in fields(Steps)})
        steps["origin"] = pd.Categorical.from_codes(self.steps.origin, categories=list(ORIGINS))
        steps.index.name = "step"
        rejections = pd.DataFrame(
            {field.name: getattr(self.rejections, field.name) for field in fields(Rejections)}
        )
        rejections["rule"] = pd.Categorical.from_codes(self.rejections.rule, categories=list(RULES))
        return steps, rejections


class TraceLog:
    """Collects a trace while the walk goes on."""

    def __init__(self) -> None:
        self._steps: list[tuple[float, ...]] = []
        self._rejections: list[tuple[NDArray[Any], ...]] = []

    def step(
        self,
        sample: int,
        component: int,
        origin: int,
        *,
        previous: int = -1,
        cosine: float = math.nan,
        affinity: float = math.nan,
        before: float = math.nan,
        after: float = math.nan,
    ) -> None:
        """The fields of `Steps`."""
        self._steps.append((sample, component, origin, previous, cosine, affinity, before, after))

    def reject(
        self,
        sample: NDArray[np.integer],
        rule: NDArray[np.integer],
        member: NDArray[np.integer],
        value: NDArray[np.float32],
    ) -> None:
        """Candidates turned away on the way to the next step; the fields of `Rejections`, (r,) each, r > 0."""
        self._rejections.append((np.full(len(sample), len(self._steps)), sample, rule, member, value))

    def withdraw_rejections(self) -> None:
        """Forgets those on the way to a step that did not come."""
        if self._rejections and self._rejections[-1][0][0] == len(self._steps):
            self._rejections.pop()

    def take_over(self, old: WalkTrace, steps: NDArray[np.intp], taken: NDArray[np.bool_]) -> None:
        """Adjacent steps of an earlier trace with their rejections. taken: (n,) rows that are taken by now."""
        if not steps.size:
            return
        entries = slice(*np.searchsorted(old.rejections.step, (steps[0], steps[-1] + 1)))
        sample, rule = old.rejections.sample[entries], old.rejections.rule[entries].copy()
        member, value = old.rejections.member[entries].copy(), old.rejections.value[entries].copy()
        steps_of = old.rejections.step[entries]
        # What a rule turned away then may have been taken meanwhile by a component that walks before.
        late = taken[sample] & (rule > LEFT_OUT)
        rule[late], member[late], value[late] = TAKEN, -1, math.nan
        if steps_of.size:
            moved = steps_of + (len(self._steps) - steps[0])
            self._rejections.append((moved, sample, rule, member, value))
        columns = [getattr(old.steps, field.name)[steps].tolist() for field in fields(Steps)]
        self._steps.extend(zip(*columns, strict=True))

    def columns(self) -> tuple[Steps, Rejections]:
        """The trace so far."""
        steps = zip(*self._steps, strict=True) if self._steps else [()] * len(STEP_TYPES)
        none: ArrayLike = ()
        rejections = (
            [np.concatenate(parts) for parts in zip(*self._rejections, strict=True)]
            if self._rejections
            else [none] * len(REJECTION_TYPES)
        )
        return (
            Steps(*map(np.array, steps, STEP_TYPES)),
            Rejections(*map(np.array, rejections, REJECTION_TYPES)),
        )


def replay(trace: WalkTrace) -> NDArray[np.int64]:
    """The selection that a trace records: row indices in order of choice."""
    return trace.steps.sample.astype(np.int64)
