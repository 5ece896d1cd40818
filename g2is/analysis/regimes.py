"""The gradient regimes of a run: their names on screen, and how their cosines and neighbours differ."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.run.run import Run

BINS = 100
"""Bins of a histogram of cosines."""

REGIME_NAMES: dict[str, str] = {
    "adam": "Adam gradients",
    "adam_without_momentum": "Adam gradients without shared momentum",
    "sgd": "Plain gradients",
    "whitened": "Whitened gradients",
}


def regime_in_words(regime: str) -> str:
    """The name of a regime within a sentence."""
    return REGIME_NAMES[regime].replace("Plain", "plain").replace("Whitened", "whitened")


@dataclass(frozen=True, eq=False)
class RegimeComparison:
    """Measurements on random samples, the same samples in every regime.

    samples: number of samples. pairs: number of pairs of them. edges: (b + 1,) of bins from -1 to 1. counts: by regime,
    (b,) pairs with a cosine in each bin. common: one row for each pair of regimes and number of nearest neighbours:
    first, second, neighbors, common (mean share of a sample's neighbours that are the same in both), by_chance (the
    same for random neighbours).
    """

    samples: int
    pairs: int
    edges: NDArray[np.float64]
    counts: dict[str, NDArray[np.int64]]
    common: pd.DataFrame


def compare_regimes(run: Run, *, samples: int = 1000, seed: int = 0) -> RegimeComparison:
    """Compare all regimes of a run on `samples` valid samples, drawn at random without replacement."""
    valid = np.flatnonzero(run.valid)
    drawn = np.random.default_rng(seed).choice(valid, min(samples, len(valid)), replace=False)
    drawn.sort()  # a memory map is read fastest in order
    edges = np.linspace(-1, 1, BINS + 1)
    counts: dict[str, NDArray[np.int64]] = {
        name: _count_pairs(read_rows(run.regime(name).gradients, drawn), edges) for name in run.regimes
    }
    return RegimeComparison(
        samples=len(drawn),
        pairs=len(drawn) * (len(drawn) - 1) // 2,
        edges=edges,
        counts=counts,
        common=_in_common(
            {name: np.asarray(run.regime(name).neighbors[drawn]) for name in run.regimes}, len(valid)
        ),
    )


def _count_pairs(rows: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Histogram (b,) of the cosines of all pairs of (s, d) unit rows."""
    cosines = (rows @ rows.T)[np.triu_indices(len(rows), k=1)]
    return np.histogram(np.clip(cosines, -1, 1), edges)[0]


def _in_common(lists: dict[str, NDArray[np.int32]], pool: int) -> pd.DataFrame:
    """The table `common` of `RegimeComparison`.

    lists: by regime, (s, k) neighbours of the same samples, nearest first. pool: number of valid samples.
    """
    rows = []
    for first, second in combinations(lists, 2):
        most = min(lists[first].shape[1], lists[second].shape[1])
        for count in dict.fromkeys((min(10, most), most)):
            here, there = lists[first][:, :count], lists[second][:, :count]
            shared = (here[:, :, None] == there[:, None, :]).any(axis=2)
            rows.append((first, second, count, float(shared.mean()), count / max(1, pool - 1)))
    return pd.DataFrame(rows, columns=["first", "second", "neighbors", "common", "by_chance"])
