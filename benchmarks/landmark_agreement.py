"""How well cosines estimated from landmarks agree with those of all gradients. Used by `benchmarks.landmarks`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.landmark_estimates import ESTIMATES, random_landmarks, rank_correlations, spread_landmarks
from g2is.arrays.unit import unit
from g2is.run.run import Run
from g2is.selectors import round_robin

BUDGETS = (0.01, 0.05)
Found = dict[str, float | str]


@dataclass(frozen=True)
class Way:
    """A way to estimate: from a feature, by one of the estimates.

    examples: whether the validation examples are landmarks as well, since their gradients are there anyway. spread:
    whether landmarks are spread over the pool by k-means of the features, or random.
    """

    feature: str
    estimate: str
    examples: bool = False
    spread: bool = True

    def __str__(self) -> str:
        more = f"{', with examples' if self.examples else ''}{'' if self.spread else ', random landmarks'}"
        return f"{self.estimate} on {self.feature}{more}"


PUBLISHED = "kernel ridge, published"
WAYS = [
    *(
        Way(feature, estimate, examples)
        for feature in ("middle", "output")
        for estimate in ESTIMATES
        for examples in (False, True)
    ),
    *(Way("tangents", "kernel ridge", examples) for examples in (False, True)),
    Way("tangents", PUBLISHED, spread=False),
    Way("middle", "kernel ridge", examples=True, spread=False),
]


@dataclass(frozen=True, eq=False)
class Goal:
    """A target, and what round robin for it needs.

    true: (n, m) cosines of the gradients of the pool to those of its validation examples. among: (m, m), of these to
    each other. groups: (m,) subtasks. rows: (m,) of the examples among those of all targets. valid: (n,) bool.
    """

    name: str
    true: NDArray[np.float64]
    among: NDArray[np.float64]
    groups: list[str]
    rows: NDArray[np.int64]
    valid: NDArray[np.bool_]

    def picks(self, cosines: NDArray[np.floating], budget: float) -> NDArray[np.int64]:
        """What round robin takes by some cosines (n, m)."""
        count = max(1, int(self.valid.sum() * budget))
        return round_robin(np.asarray(cosines, np.float32), self.groups, self.valid, count)

    def agreement(self, estimated: NDArray[np.floating], judged: NDArray[np.bool_]) -> Found:
        """How close estimates (n, m) come: rank, mean over examples of the rank correlation over the rows judged (n,);
        highest, that of each row's highest cosine; the share of picks at each budget that are those by all gradients.
        """
        some, true = np.asarray(estimated, np.float64)[judged], self.true[judged]
        found: Found = {
            "target": self.name,
            "rank": float(rank_correlations(some, true).mean()),
            "highest": float(rank_correlations(some.max(1, keepdims=True), true.max(1, keepdims=True))[0]),
        }
        for budget in BUDGETS:
            same = np.isin(self.picks(estimated, budget), self.picks(self.true, budget))
            found[f"picks {budget:.0%}"] = float(same.mean())
        return found


def goals_of(run: Run) -> list[Goal]:
    """The targets of a run, on plain gradients."""
    cosines, frame = run.regime("sgd").validation_cosines, run.validation
    gradients, found = unit(run.validation_gradients), []
    for name in dict.fromkeys(frame["target"]):
        rows = np.flatnonzero(frame["target"] == name)
        groups = frame["task"].iloc[rows].fillna("").tolist()
        mine = gradients[rows].astype(np.float64)
        true = np.asarray(cosines[:, rows], np.float64)
        found.append(Goal(name, true, mine @ mine.T, groups, rows, run.valid))
    return found


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimated cosines of every way.

    pool: features (n, f) by name. examples: those (m, f) of the validation examples of all targets. valid: (n,) bool.
    Landmarks are chosen once for all targets.
    """

    pool: dict[str, NDArray[np.float64]]
    examples: dict[str, NDArray[np.float64]]
    valid: NDArray[np.bool_]
    _chosen: dict[tuple[str, bool, float], NDArray[np.int64]] = field(default_factory=dict)

    def landmarks(self, way: Way, share: float) -> NDArray[np.int64]:
        """(l,) rows of the pool."""
        key = (way.feature, way.spread, share)
        if key not in self._chosen:
            count = round(share * int(self.valid.sum()))
            self._chosen[key] = (
                spread_landmarks(self.pool[way.feature], self.valid, count)
                if way.spread
                else random_landmarks(self.valid, count)
            )
        return self._chosen[key]

    def __call__(self, way: Way, share: float, goal: Goal) -> NDArray[np.float64]:
        """(n, m) from the true cosines of the landmarks, which keep their own. share: of the pool; 0 for the validation
        examples alone."""
        features, count = self.pool[way.feature], len(self.valid)
        rows = self.landmarks(way, share) if share else np.zeros(0, np.int64)
        known, places = goal.true[rows], rows
        if way.examples:
            features = np.concatenate([features, self.examples[way.feature][goal.rows]])
            known = np.concatenate([known, goal.among])
            places = np.concatenate([rows, count + np.arange(len(goal.rows))])
        estimated = ESTIMATES[way.estimate](features, places, known)[:count]
        estimated[rows] = goal.true[rows]
        return estimated

    def similarity(self, feature: str, goal: Goal) -> NDArray[np.float64]:
        """(n, m) cosines of features, without any gradient."""
        return self.pool[feature] @ self.examples[feature][goal.rows].T


def agreements(
    goals: Sequence[Goal], estimates: Estimates, ways: Sequence[Way], shares: Sequence[float]
) -> Iterator[Found]:
    """A row for each way, share and target, judged on all that are no landmarks."""
    for share in shares:
        for way in ways:
            judged = estimates.valid.copy()
            judged[estimates.landmarks(way, share)] = False
            for goal in goals:
                found = goal.agreement(estimates(way, share, goal), judged)
                yield {"way": str(way), "feature": way.feature, "share": share, **found}


def without_gradients(goals: Sequence[Goal], estimates: Estimates) -> Iterator[Found]:
    """The same for the pool without any gradient: cosines of features, and the validation examples as the only
    landmarks."""
    for goal in goals:
        for feature in estimates.pool:
            found = goal.agreement(estimates.similarity(feature, goal), estimates.valid)
            yield {"way": f"cosine of {feature}", "feature": feature, "share": 0.0, **found}
        alone = Way("middle", "kernel ridge", examples=True)
        found = goal.agreement(estimates(alone, 0, goal), estimates.valid)
        yield {"way": "kernel ridge on middle, examples alone", "feature": "middle", "share": 0.0, **found}


def mean_over_targets(found: pd.DataFrame) -> pd.DataFrame:
    """The mean of each row over the targets."""
    return found.drop(columns="target").groupby(["way", "feature", "share"], sort=False).mean().reset_index()
