"""Is a validation target described well enough? Its kinds, what stands alone, what the pool lacks, what more would
change. Arrays in, facts and a sentence out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.analysis.served import HALF
from g2is.analysis.target_curve import MORE, Curve, Forecast, Subsets, forecast, learning_curve
from g2is.graph.kinds import Kinds, kinds_of

SHARE = 0.05
MOST = 1000
"""Size of the selections that are compared: this share of the pool, at most so many, and two for each example at
least, as long as that is not more than half of the pool."""


@dataclass(frozen=True, eq=False)
class TargetCheck:
    """What the gradients say of a target of m examples.

    kinds: groups of its examples. best: (m,) the highest cosine in the pool to each. lacking: examples, by their place,
    that the pool cannot serve: the closest instruction has less than half of the cosine that is usual. budget: the
    size of the selections in curve and forecast, which are None for few examples.
    """

    name: str
    kinds: Kinds
    best: NDArray[np.float32]
    lacking: NDArray[np.int64]
    budget: int
    curve: Curve | None
    forecast: Forecast | None

    @property
    def sentence(self) -> str:
        """The check in one sentence."""
        return f"{self.on_kinds}{self.on_pool}{self.on_more}."

    @property
    def on_kinds(self) -> str:
        """How many kinds have one example."""
        count, kinds, single = len(self.best), len(self.kinds), len(self.kinds.single)
        if kinds == 1:
            return f"{count:,} examples of one kind" if count > 1 else "one example"
        have = "has" if single == 1 else "have"
        return f"{single:,} of {kinds:,} kinds {have} one example"

    @property
    def on_pool(self) -> str:
        """How many examples the pool cannot serve; empty for none."""
        count = len(self.lacking)
        return f"; the pool cannot serve {count:,} example{'s' * (count > 1)}" if count else ""

    @property
    def on_more(self) -> str:
        """What further examples would probably change; empty where it is not known."""
        if (found := self.forecast) is None:
            return ""
        changed = whole_percent(found.change) if found.change >= 0.005 else "less than 1 %"
        return f"; another {found.more} examples would probably change {changed} of the selection"


def whole_percent(share: float) -> str:
    """A share as a whole number of per cent: wherever a check is shown, it rounds alike."""
    return f"{100 * share:.0f} %"


def check_target(
    name: str, gradients: ArrayLike, cosines: NDArray[np.floating], valid: NDArray[np.bool_]
) -> TargetCheck:
    """Check a target.

    gradients: (m, d) of its examples, of any length. cosines: (n, m) of the pool to them. valid: (n,) instructions that
    can be chosen for it.
    """
    subsets = Subsets.of(cosines, valid, budget_for(int(valid.sum()), cosines.shape[1]))
    first = subsets.ranked[:, 0] if subsets.budget else None
    best = np.full(cosines.shape[1], np.nan, np.float32)
    if first is not None:
        best = np.array([cosines[row, example] for example, row in enumerate(first.tolist())], np.float32)
    return TargetCheck(
        name,
        kinds_of(gradients),
        best,
        np.flatnonzero(best < HALF * np.median(best)),
        subsets.budget,
        learning_curve(subsets, cosines, valid),
        forecast(subsets),
    )


def budget_for(pool: int, examples: int) -> int:
    """The size of the selections that are compared."""
    wanted = max(min(round(SHARE * pool), MOST), 2 * (examples + min(MORE, examples)))
    return min(wanted, pool // 2)
