"""Layouts of gradients: PCA as scikit-learn has it, UMAP of the run's own neighbours."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from g2is.arrays.unit import unit
from g2is.graph import layout
from g2is.graph.edges import cosines_to
from g2is.graph.layout import (
    pca_layout,
    pca_places,
    places_among,
    principal_axes,
    rows_of_axes,
    umap_layout,
)
from g2is.graph.neighbors import exact_neighbors


def clusters(count: int, dim: int, groups: int, *, spread: float = 0.3, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centers = unit(random.standard_normal((groups, dim)))
    noise = spread * unit(random.standard_normal((count, dim)))
    return unit(centers[np.arange(count) % groups] + noise)


def on_axes(rows, valid) -> np.ndarray:
    return pca_layout(rows, principal_axes(rows, valid), valid)


def laid_out(rows, valid, targets, *, neighbors=10, **options) -> np.ndarray:
    lists = exact_neighbors(rows, valid, neighbors=neighbors, conflicts=2)
    places = umap_layout(lists.neighbors, lists.cosines, valid, on_axes(rows, valid), **options)
    return np.concatenate([places, places_among(places, cosines_to(rows, valid, targets), valid)])


@pytest.mark.parametrize("dtype, dim", [(np.float32, 24), (np.float16, 24), (np.float32, 3), (np.float32, 2)])
def test_pca_is_scikit_learns_whatever_the_blocks(monkeypatch, dtype, dim):
    monkeypatch.setattr("g2is.graph.layout.block_rows", lambda rows: 37)
    random = np.random.default_rng(0)
    rows = unit(random.standard_normal((300, dim)) * np.linspace(2, 0.5, dim) + 0.3)
    targets = unit(random.standard_normal((20, dim)))
    valid = random.random(300) > 0.1
    rows[~valid] = 0
    axes = principal_axes(rows.astype(dtype), valid)
    found = np.concatenate([pca_layout(rows.astype(dtype), axes, valid), pca_places(7 * targets, axes)])
    assert found.shape == (320, 2) and found.dtype == np.float32
    pca = PCA(2, svd_solver="full").fit(rows[valid].astype(np.float64))
    expected = np.vstack([pca.transform(rows[valid]), pca.transform(targets)])
    expected *= np.sign(np.sum(expected * found[np.r_[valid, np.ones(20, bool)]], axis=0))
    np.testing.assert_allclose(found[np.r_[valid, np.ones(20, bool)]], expected, atol=5e-3)
    assert np.isnan(found[:300][~valid]).all()


def test_axes_of_a_large_pool_come_from_rows_of_all_its_parts(monkeypatch):
    random = np.random.default_rng(0)
    rows, valid = unit(random.standard_normal((1003, 8))), random.random(1003) > 0.1
    rows[~valid] = 0
    monkeypatch.setattr(layout, "MOST_ROWS", 320)
    exact, read = layout._exact, []
    monkeypatch.setattr(layout, "_exact", lambda rows, some: read.append(some) or exact(rows, some))
    axes = principal_axes(rows, valid)
    chosen = np.unique(np.concatenate(read))
    assert rows_of_axes(1003) == len(chosen) == 320
    assert rows_of_axes(320) == 320 and rows_of_axes(7) == 7
    assert np.histogram(chosen, 5, (0, 1003))[0] == pytest.approx(64, abs=layout.RUN)
    np.testing.assert_allclose(axes, principal_axes(rows[chosen], valid[chosen]), atol=1e-9)


def test_pca_of_rows_without_two_directions_is_finite():
    for rows in (np.ones((5, 1), np.float32), unit(np.ones((5, 4))), unit(np.eye(2))[[0, 1, 0]]):
        valid = np.ones(len(rows), bool)
        axes = principal_axes(rows, valid)
        for some, found in ((rows, pca_layout(rows, axes, valid)), (rows[:2], pca_places(rows[:2], axes))):
            assert found.shape == (len(some), 2) and np.isfinite(found).all()


def test_umap_keeps_neighbours_together_and_clusters_apart():
    rows = clusters(240, 32, 4)
    valid = np.ones(240, bool)
    valid[[3, 200]] = False
    rows[~valid] = 0
    found = laid_out(rows, valid, clusters(8, 32, 4, seed=0))
    assert found.shape == (248, 2) and found.dtype == np.float32
    assert np.isnan(found[:240][~valid]).all() and np.isfinite(found[240:]).all()
    places, groups = found[:240][valid], np.flatnonzero(valid) % 4
    nearest = NearestNeighbors(n_neighbors=6).fit(places).kneighbors(return_distance=False)
    assert (groups[nearest] == groups[:, None]).mean() > 0.99
    # A validation sample lies among the samples that it is like.
    around = NearestNeighbors(n_neighbors=5).fit(places).kneighbors(found[240:], return_distance=False)
    assert (groups[around] == (np.arange(8) % 4)[:, None]).mean() > 0.95


def test_layouts_are_the_same_bytes_twice_and_others_for_another_seed():
    rows, valid = clusters(90, 16, 3), np.ones(90, bool)
    first, again, other = (laid_out(rows, valid, rows[:4], seed=seed) for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(unit(np.random.default_rng(0).standard_normal((3, 8))), id="three"),
        pytest.param(unit(np.random.default_rng(0).standard_normal((2, 8))), id="two"),
        pytest.param(np.repeat(unit(np.ones((1, 8))), 30, axis=0), id="all the same"),
        pytest.param(np.repeat(np.eye(4, dtype=np.float32), 10, axis=0), id="four places, no edge between"),
    ],
)
def test_odd_pools_have_a_layout(rows):
    neighbors = min(5, len(rows) - 1)
    found = laid_out(rows, np.ones(len(rows), bool), rows[:2], neighbors=neighbors)
    assert np.isfinite(found).all()


def test_lists_made_elsewhere_may_name_the_sample_itself_or_invalid_ones_in_any_order():
    rows, valid = clusters(60, 16, 3), np.ones(60, bool)
    valid[7] = False
    rows[7] = 0
    lists = exact_neighbors(rows, valid, neighbors=9, conflicts=2)
    start = on_axes(rows, valid)
    expected = umap_layout(lists.neighbors, lists.cosines, valid, start)
    extra = np.array([[row, 7] for row in range(60)], np.int32)
    mixed = np.hstack([lists.neighbors[:, ::-1], extra])
    cosines = np.hstack([lists.cosines[:, ::-1], np.full((60, 2), 0.999, np.float32)])
    places = umap_layout(mixed, cosines, valid, start, closest=10)
    np.testing.assert_array_equal(
        places, umap_layout(lists.neighbors, lists.cosines, valid, start, closest=10)
    )
    assert np.isfinite(places[valid.nonzero()]).all() and expected.shape == places.shape


def test_a_sample_without_neighbours_keeps_a_place_among_the_others():
    rows, valid = clusters(60, 16, 3), np.ones(60, bool)
    lists = exact_neighbors(rows, valid, neighbors=9, conflicts=2)
    neighbors = lists.neighbors.copy()
    neighbors[neighbors == 5] = -1
    neighbors[5] = 5  # lists made elsewhere may name nothing but the sample itself
    places = umap_layout(neighbors, lists.cosines, valid, on_axes(rows, valid))
    assert np.isfinite(places).all()
    assert np.abs(places[5]).max() <= 2 * np.abs(np.delete(places[:60], 5, axis=0)).max()
