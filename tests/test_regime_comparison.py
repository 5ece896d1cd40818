"""Regimes compared, against loops over every pair."""

from types import SimpleNamespace

import numpy as np
import pytest

from g2is.analysis.regimes import compare_regimes


@pytest.fixture
def run():
    """40 samples, 3 of them without a gradient, in two regimes of half-precision rows."""
    random = np.random.default_rng(1)
    valid = np.ones(40, dtype=bool)
    valid[[4, 17, 39]] = False
    regimes = {}
    for name in ("adam", "sgd"):
        rows = random.standard_normal((40, 6)) + (0.8 if name == "adam" else 0)
        rows = rows / np.linalg.norm(rows, axis=1)[:, None] * valid[:, None]
        cosines = np.where(valid, rows @ rows.T - 2 * np.eye(40), -9)
        neighbors = np.argsort(-cosines, axis=1)[:, :12].astype(np.int32)
        regimes[name] = SimpleNamespace(gradients=rows.astype(np.float16), neighbors=neighbors)
    return SimpleNamespace(valid=valid, regimes=tuple(regimes), regime=regimes.__getitem__)


def test_all_pairs_are_counted_once(run):
    found = compare_regimes(run)
    assert (found.samples, found.pairs) == (37, 37 * 36 // 2)
    index = np.flatnonzero(run.valid)
    for name in run.regimes:
        rows = run.regime(name).gradients.astype(np.float64)
        rows[index] /= np.linalg.norm(rows[index], axis=1)[:, None]
        cosines = [rows[i] @ rows[j] for i in index for j in index if i < j]
        assert found.counts[name].sum() == found.pairs
        below = found.counts[name][found.edges[1:] <= 0].sum()
        assert below == np.sum(np.array(cosines) < 0)


def test_neighbours_in_common_are_those_of_both_lists(run):
    found = compare_regimes(run).common
    assert found["neighbors"].tolist() == [10, 12]
    for row in found.itertuples():
        shares = [
            len(
                set(run.regime(row.first).neighbors[i, : row.neighbors])
                & set(run.regime(row.second).neighbors[i, : row.neighbors])
            )
            / row.neighbors
            for i in np.flatnonzero(run.valid)
        ]
        assert row.common == pytest.approx(np.mean(shares))
        assert row.by_chance == row.neighbors / 36


def test_a_draw_is_repeatable_and_never_of_invalid_samples(run):
    first, again = compare_regimes(run, samples=20, seed=3), compare_regimes(run, samples=20, seed=3)
    assert first.pairs == 190
    for name in run.regimes:
        assert np.array_equal(first.counts[name], again.counts[name])
        # A row of zeros would have a cosine of exactly 0 to 19 others in each draw.
        assert first.counts[name].sum() == 190
    other = compare_regimes(run, samples=20, seed=4)
    assert any(not np.array_equal(first.counts[name], other.counts[name]) for name in run.regimes)
