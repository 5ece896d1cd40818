"""Differences between selections that were fine-tuned: how large, how sure, on how many subtasks. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
import pandas as pd

SURE = 0.95
"""Confidence of the interval."""


@dataclass(frozen=True)
class Difference:
    """The mean loss of a selection less that of another, over the same test examples and seeds: below 0 it is better.

    half: half the width of its 95 % interval, for other test examples and other seeds; of one seed, for other test
    examples alone. NaN where neither can be told. better, tasks: on how many subtasks the mean is below 0, of how many.
    """

    selection: str
    other: str
    mean: float
    half: float
    better: int
    tasks: int
    seeds: int
    examples: int

    @property
    def level(self) -> bool:
        """Whether the interval holds 0: they cannot be told apart."""
        return not isfinite(self.half) or abs(self.mean) <= self.half


def difference(results: pd.DataFrame, selection: str, other: str) -> Difference | None:
    """Two selections of one evaluation; None where they share no seed and test example.

    results: rows of one evaluation as `read_evaluations` gives them. The variance of the mean is the sum of two: that
    of the examples' differences (each averaged over seeds) and that of the seeds' (each averaged over examples), with
    the degrees of freedom of Welch and Satterthwaite. What chance adds to single examples counts in both, so that the
    interval is rather too wide.
    """
    keys = ["target", "example", "seed"]
    mine, theirs = (
        results.loc[results["selection"] == name].set_index(keys)["loss"] for name in (selection, other)
    )
    pairs = (mine - theirs).dropna().unstack("seed").dropna(axis=1, how="all").dropna(axis=0)
    if pairs.empty:
        return None
    values = pairs.to_numpy(dtype=np.float64)
    tasks = results.drop_duplicates(["target", "example"]).set_index(["target", "example"])["task"]
    by_task = (
        pd.Series(values.mean(axis=1), pairs.index).groupby(tasks.reindex(pairs.index).fillna("")).mean()
    )
    return Difference(
        selection,
        other,
        float(values.mean()),
        half_width(values),
        better=int((by_task < 0).sum()),
        tasks=len(by_task),
        seeds=values.shape[1],
        examples=len(values),
    )


def half_width(values: np.ndarray) -> float:
    """Half the width of the interval around the mean of differences (examples, seeds); NaN for a single one."""
    from scipy.stats import t

    parts = [
        (float(means.var(ddof=1)) / len(means), len(means) - 1)
        for means in (values.mean(axis=1), values.mean(axis=0))
        if len(means) > 1
    ]
    variance = sum(part for part, _ in parts)
    if not parts:
        return nan
    if variance == 0:
        return 0.0
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    return float(t.ppf((1 + SURE) / 2, freedom) * np.sqrt(variance))


def sentence(found: Sequence[Difference]) -> str:
    """What the differences of one selection to others say, without its name: "is better than less-60 by 0.9 ± 0.2 (on
    12 of 12 subtasks), level with …, and worse than …"."""
    better = [one for one in found if not one.level and one.mean < 0]
    level = [one for one in found if one.level]
    worse = [one for one in found if not one.level and one.mean > 0]
    parts = []
    for words, group in (("better than", better), ("level with", level), ("worse than", worse)):
        if group:
            ordered = sorted(group, key=lambda one: -abs(one.mean))
            parts.append(f"{words} {_listed([_one(one) for one in ordered])}")
    return f"is {'; '.join(parts)}" if parts else ""


def _one(found: Difference) -> str:
    """Such as: less-60 by 0.9 ± 0.2 (on 12 of 12 subtasks)."""
    subtasks = ""
    if found.tasks > 1 and not found.level:
        count = found.better if found.mean < 0 else found.tasks - found.better
        subtasks = f" (on {count} of {found.tasks} subtasks)"
    if found.level:
        mean = f"{found.mean:+.2f}".replace("-", "−") if abs(found.mean) >= 0.005 else "0.00"
        return f"{found.other} ({mean} ± {found.half:.2f})" if isfinite(found.half) else found.other
    return f"{found.other} by {abs(found.mean):.2f} ± {found.half:.2f}{subtasks}"


def _listed(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
