"""Approximate lists beside exact ones."""

import numpy as np
import pytest

from g2is.arrays.unit import unit
from g2is.config import GraphConfig
from g2is.config.graph import APPROXIMATE_FROM
from g2is.graph import approximate, checked
from g2is.graph.approximate import Fold, Search, in_blocks, join_found, prepare
from g2is.graph.checked import Recall
from g2is.graph.neighbors import NeighborLists, exact_neighbors

SIZES = {"neighbors": 6, "conflicts": 4}


def approximate_neighbors(
    rows: np.ndarray,
    valid: np.ndarray,
    *,
    neighbors: int,
    conflicts: int,
    given: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[NeighborLists, Recall]:
    """Approximate versions of the lists of `exact_neighbors`, in one go as a build makes them in parts, and their
    recall. given: neighbours that are known already."""
    index = np.flatnonzero(valid)
    known = neighbors if given is None else given.shape[1]
    file, checked = prepare(rows, index, neighbors=known, conflicts=conflicts, seed=seed)
    search = Search(rows, index, file, seed)
    sought = neighbors if given is None else 0
    blocks = [search(mine, neighbors=sought, conflicts=conflicts) for mine in in_blocks(search.order)]
    return join_found(rows, index, checked, blocks, given)


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(0)
    themes = random.standard_normal((9, 24))
    rows = unit(themes[random.integers(0, 9, 400)] + random.standard_normal((400, 24)))
    rows[[5, 77]] = 0
    return rows


def shared(exact, found):
    return np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in zip(exact, found, strict=True)])


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("block", [16, 256])
def test_with_every_row_scanned_the_lists_are_exact(rows, given, block, monkeypatch):
    """So are both numbers over all pairs, with every row among those checked or nearly so."""
    monkeypatch.setattr(approximate, "BLOCK", block)
    valid = rows.any(axis=1)
    exact = exact_neighbors(rows, valid, **SIZES)
    found, recall = approximate_neighbors(rows, valid, **SIZES, given=exact.neighbors if given else None)
    assert np.array_equal(found.neighbors, exact.neighbors)
    assert np.array_equal(found.conflicts, exact.conflicts)
    assert found.conflict_cosines == pytest.approx(exact.conflict_cosines, abs=1e-6)
    assert found.cosines == pytest.approx(exact.cosines, abs=1e-6)
    assert found.mean_cosine == pytest.approx(exact.mean_cosine, abs=1e-6)
    assert found.conflict_share == pytest.approx(exact.conflict_share, abs=0.02)
    assert recall.neighbors == recall.conflicts == 1
    assert (found.conflicts[~valid] == -1).all() and (found.neighbors[~valid] == -1).all()


def test_a_smaller_scan_says_what_it_misses(rows, monkeypatch):
    valid = rows.any(axis=1)
    exact = exact_neighbors(rows, valid, **SIZES)
    monkeypatch.setattr(approximate, "BLOCK", 16)
    monkeypatch.setattr(approximate, "SCANNED", 60)
    monkeypatch.setattr(checked, "CHECKED", len(rows))
    found, recall = approximate_neighbors(rows, valid, **SIZES)
    assert recall.neighbors == pytest.approx(shared(exact.neighbors[valid], found.neighbors[valid]))
    assert recall.conflicts == pytest.approx(shared(exact.conflicts[valid], found.conflicts[valid]))
    assert 0.2 < recall.conflicts < 1 and 0.2 < recall.neighbors < 1
    assert found.mean_cosine == pytest.approx(exact.mean_cosine, abs=1e-6)
    assert found.conflict_share == pytest.approx(exact.conflict_share)


def test_candidates_of_folded_rows_are_ranked_again_at_full_width(monkeypatch):
    """Folded to a quarter, the search alone would take other neighbours; among its candidates are the right ones."""
    random = np.random.default_rng(1)
    rows = unit(np.repeat(random.standard_normal((30, 256)), 20, axis=0) + random.standard_normal((600, 256)))
    valid = np.ones(len(rows), bool)
    exact = exact_neighbors(rows, valid, **SIZES)
    monkeypatch.setattr(approximate, "FOLDED", 64)
    monkeypatch.setattr(approximate, "CANDIDATES", SIZES["neighbors"])
    few, _ = approximate_neighbors(rows, valid, neighbors=3, conflicts=2)
    monkeypatch.setattr(approximate, "CANDIDATES", 200)
    found, recall = approximate_neighbors(rows, valid, **SIZES)
    assert shared(exact.neighbors[:, :3], few.neighbors) < 0.9 < shared(exact.neighbors, found.neighbors)
    assert recall.neighbors == pytest.approx(shared(exact.neighbors, found.neighbors), abs=0.05)
    assert found.cosines[:, 0] == pytest.approx(exact.cosines[:, 0], abs=0.05)


@pytest.mark.parametrize("width", [4096, 5000])
def test_a_fold_keeps_cosines_as_a_count_sketch_of_its_width(width):
    """Noise of at most one over the root of 1,024, also of rows whose coordinates all have one sign."""
    random = np.random.default_rng(2)
    rows = unit(np.abs(random.standard_normal((200, width))) * (random.random((200, width)) < 0.3))
    folded = Fold(width, 0)(rows)
    assert folded.shape == (200, approximate.FOLDED)
    error = (folded @ folded.T - rows @ rows.T)[~np.eye(200, dtype=bool)]
    assert abs(error.mean()) < 0.01 and error.std() < 1.1 / approximate.FOLDED**0.5


def test_the_same_seed_gives_the_same_lists(rows, monkeypatch):
    monkeypatch.setattr(approximate, "BLOCK", 16)
    monkeypatch.setattr(approximate, "SCANNED", 60)
    valid = rows.any(axis=1)
    one, other = (approximate_neighbors(rows, valid, **SIZES)[0] for _ in range(2))
    assert np.array_equal(one.neighbors, other.neighbors) and np.array_equal(one.conflicts, other.conflicts)


@pytest.mark.parametrize("kind", ["float16", "int8"])
def test_stored_rows_have_their_neighbours_in_order(rows, kind):
    from g2is.storage.dtypes import stored_rows

    stored = stored_rows(rows, kind)
    valid = rows.any(axis=1)
    exact = exact_neighbors(stored, valid, **SIZES)
    found, recall = approximate_neighbors(stored, valid, **SIZES)
    assert shared(exact.neighbors[valid], found.neighbors[valid]) > 0.99 < recall.neighbors
    assert (np.diff(found.cosines[valid], axis=1) <= 0).all()
    assert not (found.neighbors == np.arange(len(rows))[:, None]).any()


def test_the_search_is_chosen_by_size_and_device():
    few, many = APPROXIMATE_FROM - 1, APPROXIMATE_FROM
    assert GraphConfig().is_exact(few, "cpu") and GraphConfig().is_exact(many, "cuda")
    assert not GraphConfig().is_exact(many, "cpu")
    assert GraphConfig(neighbor_search="exact").is_exact(many, "cpu")
    assert not GraphConfig(neighbor_search="approximate").is_exact(few, "cuda")
