"""Comparing selections: overlap, composition, alignment, conflicts and coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from g2is.analysis import walks
from g2is.analysis.diagnosis import mean_pairwise_cosine
from g2is.arrays.rows import read_rows
from g2is.arrays.unit import unit
from g2is.config import RegimeName
from g2is.run.columns import Categories, Column
from g2is.run.run import Run

FEW_NUMBERS = 12
"""Numbers of a column that are compared one by one; of more, quantiles."""
PAIRED = 3000
"""Samples of a selection whose pairs are counted for the share of conflicts; a random draw of a larger selection."""


@dataclass(frozen=True)
class Profile:
    """Measures of one selection in one gradient regime; all NaN for an empty selection.

    alignment: cosine of the sum of its unit gradients to the mean unit validation gradient. mean_cosine: over all pairs
    of different samples. conflict_share: share of those pairs with a cosine below 0 (among `PAIRED` random samples of a
    larger selection). coverage: mean over validation samples of the highest cosine to a sample of the selection.
    coverage_of_pool: coverage as a share of that of the whole pool.
    """

    samples: int
    alignment: float
    mean_cosine: float
    conflict_share: float
    coverage: float
    coverage_of_pool: float


class Profiler:
    """Computes profiles of selections of a run in one regime; values of the whole pool are computed once.

    validation: rows of the validation samples to compare with; None for those of the usual targets.
    """

    def __init__(self, run: Run, regime: RegimeName, validation: np.ndarray | None = None) -> None:
        self.regime = run.regime(regime)
        if validation is None:
            validation = np.flatnonzero(run.validation["target"].isin(run.usual_targets))
        self.columns = validation
        self.target = unit(run.validation_gradients_in(regime)[self.columns]).mean(axis=0)
        # Samples without a gradient have cosine 0, so they are masked; without a copy, since the pool may be large.
        pool = walks.pool_for(run, validation)
        best = np.asarray(self.regime.validation_cosines).max(axis=0, where=pool[:, None], initial=-1)
        self.best = best[self.columns]

    def __call__(self, samples: Sequence[int] | np.ndarray) -> Profile:
        rows = np.sort(np.asarray(samples, dtype=np.int64))
        if not len(rows):
            return Profile(0, *[float("nan")] * 5)
        coverage = self.coverage(rows)
        return Profile(
            samples=len(rows),
            alignment=self.alignment(rows),
            mean_cosine=mean_pairwise_cosine(self.regime.gradients, rows),
            conflict_share=conflict_share(self.regime.gradients, rows),
            coverage=coverage,
            coverage_of_pool=coverage / float(self.best.mean()),
        )

    def alignment(self, rows: np.ndarray) -> float:
        """As in `Profile`, for one or more samples."""
        return _cosine(read_rows(self.regime.gradients, rows).sum(axis=0), self.target)

    def coverage(self, rows: np.ndarray) -> float:
        """As in `Profile`, for one or more samples."""
        return float(self.regime.validation_cosines[rows][:, self.columns].max(axis=0).mean())


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else float("nan")


def conflict_share(gradients: np.ndarray, samples: np.ndarray) -> float:
    """Share of the pairs of different samples, rows of (n, d) gradients, whose cosine is below 0."""
    if len(samples) > PAIRED:
        samples = np.random.default_rng(0).choice(samples, PAIRED, replace=False)
    count = len(samples)
    if count < 2:
        return float("nan")
    rows = read_rows(gradients, np.sort(samples))
    negative = int(np.count_nonzero(np.triu(rows @ rows.T < 0, k=1)))
    return negative / (count * (count - 1) / 2)


def memberships(selections: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """For each set of selections the number of samples that are in all of these and in no other, largest first.

    One boolean column for each selection, and `samples`; empty sets are left out.
    """
    rows = np.unique(np.concatenate([np.asarray(s, dtype=np.int64) for s in selections.values()]))
    inside = pd.DataFrame({name: np.isin(rows, samples) for name, samples in selections.items()})
    names = list(selections)
    counted = inside.value_counts(subset=names, sort=False).rename("samples").reset_index()
    return counted.sort_values("samples", ascending=False, kind="stable", ignore_index=True)


def overlaps(selections: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """One row for each pair of selections: first, second, both (samples in both), overlap (those as a share of samples
    in either)."""
    rows = []
    for (first, one), (second, other) in combinations(selections.items(), 2):
        both = len(np.intersect1d(one, other))
        either = len(one) + len(other) - both
        rows.append({"first": first, "second": second, "both": both, "overlap": both / max(1, either)})
    return pd.DataFrame(rows, columns=["first", "second", "both", "overlap"])


def shares(values: pd.Series, selections: Mapping[str, Sequence[int]], *, most: int = 12) -> pd.DataFrame:
    """The share of each value, such as a source, in the pool and in each selection.

    values: (n,) of the pool. One row for each value, the most frequent first; beyond `most` rows the rest is one row,
    `others`.
    """
    columns = {"pool": values, **{name: values.iloc[list(samples)] for name, samples in selections.items()}}
    table = pd.DataFrame({name: column.value_counts(normalize=True) for name, column in columns.items()})
    table = table.fillna(0.0)
    table = table.loc[table.max(axis=1).sort_values(ascending=False, kind="stable").index]
    if len(table) > most:
        rest = table.iloc[most - 1 :].sum().rename("others")
        table = pd.concat([table.iloc[: most - 1], rest.to_frame().T])
    return table


def column_kinds(column: Column, *, parts: int = 4) -> pd.Series:
    """(n,) the value of each sample in a column, `(none)` for none; of many numbers, the part of the pool (quantiles)
    that each lies in."""
    if isinstance(column, Categories):
        return pd.Series(np.array([*column.names, "(none)"], dtype=object)[column.numbers])
    if len(np.unique(column.values[column.known()])) <= FEW_NUMBERS:
        return pd.Series(column.texts(np.arange(len(column.values)))).fillna("(none)")
    bounds = np.unique(np.quantile(column.values[column.known()], np.linspace(0, 1, parts + 1)))
    names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(bounds)]
    part = np.clip(np.searchsorted(bounds, column.values, side="right") - 1, 0, len(names) - 1)
    return pd.Series(np.where(column.known(), np.array(names, dtype=object)[part], "(none)"))


def budget_counts(pool: int, largest: int) -> list[int]:
    """Budgets at which to compare: from 0.1 % of the pool to the largest selection, with equal ratios."""
    least = min(largest, max(2, pool // 1000))
    return sorted(set(np.geomspace(least, largest, 8).round().astype(int).tolist()))


def length_quantiles(lengths: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """One row for each selection that is not empty: its name, quantiles of its lengths, and their sum."""
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    return pd.DataFrame(
        [
            {
                "selection": name,
                **{f"{quantile:.0%}": np.quantile(values, quantile) for quantile in quantiles},
                "sum": values.sum(),
            }
            for name, values in lengths.items()
            if len(values)
        ]
    )
