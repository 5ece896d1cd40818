"""Approximate lists beside exact ones."""

import numpy as np
import pytest

from g2is.arrays.unit import unit
from g2is.graph import approximate
from g2is.graph.approximate import approximate_neighbors
from g2is.graph.neighbors import exact_neighbors


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(0)
    themes = random.standard_normal((9, 24))
    rows = unit(themes[random.integers(0, 9, 400)] + random.standard_normal((400, 24)))
    rows[[5, 77]] = 0
    return rows


def shared(exact, found):
    return np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in zip(exact, found, strict=True)])


def test_what_is_drawn_whole_is_exact(rows):
    """With every sample drawn, conflicts and both numbers over all pairs are those of the exact search."""
    valid = rows.any(axis=1)
    exact = exact_neighbors(rows, valid, neighbors=6, conflicts=4)
    found, recall = approximate_neighbors(rows, valid, neighbors=6, conflicts=4, given=exact.neighbors)
    assert np.array_equal(found.conflicts[valid], exact.conflicts[valid])
    assert found.conflict_cosines == pytest.approx(exact.conflict_cosines, abs=1e-6)
    assert found.cosines[valid] == pytest.approx(exact.cosines[valid], abs=1e-6)
    assert found.mean_cosine == pytest.approx(exact.mean_cosine, abs=1e-6)
    assert found.conflict_share == pytest.approx(exact.conflict_share)
    assert recall.neighbors == recall.conflicts == 1
    assert (found.conflicts[~valid] == -1).all()


def test_a_smaller_draw_says_what_it_misses(rows, monkeypatch):
    valid = rows.any(axis=1)
    exact = exact_neighbors(rows, valid, neighbors=6, conflicts=4)
    monkeypatch.setattr(approximate, "DRAWN", 100)
    monkeypatch.setattr(approximate, "CHECKED", len(rows))
    found, recall = approximate_neighbors(rows, valid, neighbors=6, conflicts=4, given=exact.neighbors)
    assert recall.conflicts == pytest.approx(shared(exact.conflicts[valid], found.conflicts[valid]))
    assert 0.1 < recall.conflicts < 0.5
    assert len(np.unique(found.conflicts[valid])) <= 100
    assert found.mean_cosine == pytest.approx(exact.mean_cosine, abs=1e-6)
    assert found.conflict_share == pytest.approx(exact.conflict_share, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float16", "int8"])
def test_descent_finds_most_neighbours_in_order(rows, kind):
    from g2is.storage.dtypes import stored_rows

    stored = stored_rows(rows, kind)
    valid = rows.any(axis=1)
    exact = exact_neighbors(stored, valid, neighbors=6, conflicts=4)
    found, recall = approximate_neighbors(stored, valid, neighbors=6, conflicts=4)
    assert shared(exact.neighbors[valid], found.neighbors[valid]) > 0.95
    assert recall.neighbors > 0.95
    assert (np.diff(found.cosines[valid], axis=1) <= 0).all()
    assert not (found.neighbors == np.arange(len(rows))[:, None]).any()
    assert not np.isin(found.neighbors[valid], np.flatnonzero(~valid)).any()
    assert (found.neighbors[~valid] == -1).all()
