"""The record of a walk: every step in order, and every neighbour that was rejected, with the rule it broke.

Columns are arrays: a trace of a million steps stays small and fits any columnar file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.config import WalkParameters
from g2is.walk.rules import RULES, Rules

if TYPE_CHECKING:
    import pandas as pd

ORIGINS = ("pin", "anchor", "neighbor", "fallback")
PIN, ANCHOR, NEIGHBOR, FALLBACK = range(len(ORIGINS))

STOPS = ("budget", "rules", "pool")
"""Why the walk for a component stopped: budget used up, no free sample passes the rules, no free sample."""
BUDGET_SPENT, NONE_PASSES, NONE_FREE = range(len(STOPS))

STEP_TYPES = (np.int32, np.int32, np.uint8, np.int32, np.float32, np.float32, np.float32, np.float32)
REJECTION_TYPES = (np.int32, np.int32, np.uint8, np.int32, np.float32)


@dataclass(frozen=True, eq=False)
class Steps:
    """One entry for each of the t samples taken, in order; steps are numbered from 0.

    component: that it was taken for; -1 for a pin.
    origin: index into ORIGINS.
    previous: of a neighbour, the sample it is a neighbour of; otherwise -1.
    cosine: of a neighbour, its cosine to that sample; otherwise NaN.
    affinity: cosine of the sample to the component; NaN for a pin.
    before, after: alignment before and after the step, the cosine of the sum of the component's samples to the
    component; NaN before the first.
    """

    sample: NDArray[np.int32]
    component: NDArray[np.int32]
    origin: NDArray[np.uint8]
    previous: NDArray[np.int32]
    cosine: NDArray[np.float32]
    affinity: NDArray[np.float32]
    before: NDArray[np.float32]
    after: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.sample)

    def path(self) -> NDArray[np.int32]:
        """(t,) the previous sample of the same component; -1 for pins and anchors, where a path begins.

        Where components take turns, that is rarely the previous step.
        """
        previous = np.full(len(self), -1, np.int32)
        order = np.argsort(self.component, kind="stable")
        same = self.component[order[1:]] == self.component[order[:-1]]
        previous[order[1:][same]] = self.sample[order[:-1][same]]
        previous[(self.origin == PIN) | (self.origin == ANCHOR)] = -1
        return previous


@dataclass(frozen=True, eq=False)
class Rejections:
    """One entry for each neighbour rejected on the way to a step, in the order they were considered: nearest first or,
    with `step_to` = best, closest to the component first.

    Rejections of a fallback, which searches the whole pool, are not listed: every free sample with a higher affinity
    than the one taken broke a rule. Where a component stopped because of the rules, every free sample did. `explain`
    computes which rule it was.

    rule: index into RULES, the first that applies: taken before, left out of the walk, in conflict with a member, too
    similar to one (redundant), or consistency. member: the earliest sample of the component that it conflicts with or
    repeats; -1 for other rules. value: the cosine to that member; for consistency, the alignment it would lead to;
    otherwise NaN.
    """

    step: NDArray[np.int32]
    sample: NDArray[np.int32]
    rule: NDArray[np.uint8]
    member: NDArray[np.int32]
    value: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.sample)


@dataclass(frozen=True)
class ComponentSummary:
    """Summary of the walk for one component.

    stopped: one of STOPS. first_alignment: cosine of the sum of its samples to the component after its first step; NaN
    without samples. last_alignment: the same after its last step.
    """

    component: int
    target: str
    weight: float
    budget: int
    taken: int
    anchors: int
    fallbacks: int
    stopped: str
    first_alignment: float
    last_alignment: float


@dataclass(frozen=True, eq=False)
class WalkTrace:
    """A walk over n rows for k components, complete enough to replay and to explain it.

    rows: n, the size of the pool.
    budgets: (k,) budget of each component, before any unused budget was passed on.
    stopped: (k,) index into STOPS.
    weights: (k,) of the core knowledge.
    targets: (k,) validation target of each component.
    """

    parameters: WalkParameters
    rows: int
    steps: Steps
    rejections: Rejections
    budgets: NDArray[np.int64]
    stopped: NDArray[np.uint8]
    weights: NDArray[np.floating]
    targets: tuple[str, ...]

    @property
    def samples(self) -> NDArray[np.int64]:
        """The selection: row indices in order of choice."""
        return replay(self)

    @property
    def pinned(self) -> int:
        """How many of the samples were pinned."""
        return int(np.count_nonzero(self.steps.origin == PIN))

    @property
    def budget(self) -> int:
        """How many samples the walk was to take."""
        if self.parameters.count and self.parameters.component_budgets is None:
            return self.parameters.count
        return int(self.budgets.sum()) + self.pinned

    def reference(self, component: int, step: int) -> np.float32:
        """The alignment that consistency compares with at this step of a component: after its previous step, or the
        best so far; NaN at its first step."""
        before = self.steps.after[:step][self.steps.component[:step] == component]
        return Rules.of(self.parameters).reference_alignment(before)

    def needed(self, component: int, step: int) -> np.float32:
        """The lowest alignment that consistency allows at this step of a component; NaN if it allows any."""
        return Rules.of(self.parameters).needed(self.reference(component, step))

    def summary(self) -> tuple[ComponentSummary, ...]:
        """A summary of each component."""
        summaries = []
        for component, budget in enumerate(self.budgets):
            own = np.flatnonzero(self.steps.component == component)
            origins = self.steps.origin[own]
            summaries.append(
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
        return tuple(summaries)

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
    """Collects the steps and rejections of a walk in progress."""

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
        """Append a step; arguments are the fields of `Steps`."""
        self._steps.append((sample, component, origin, previous, cosine, affinity, before, after))

    def reject(
        self,
        sample: NDArray[np.integer],
        rule: NDArray[np.integer],
        member: NDArray[np.integer],
        value: NDArray[np.float32],
    ) -> None:
        """Append neighbours rejected before the next step; arguments are the fields of `Rejections`, (r,), r > 0."""
        self._rejections.append((np.full(len(sample), len(self._steps)), sample, rule, member, value))

    def withdraw_rejections(self) -> None:
        """Remove the rejections before a step that was not taken."""
        if self._rejections and self._rejections[-1][0][0] == len(self._steps):
            self._rejections.pop()

    def columns(self) -> tuple[Steps, Rejections]:
        """Steps and rejections so far."""
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
