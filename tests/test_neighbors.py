import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from g2is.errors import InputError
from g2is.graph import tiles
from g2is.graph.edges import cosines_to
from g2is.graph.neighbors import block_rows, exact_neighbors
from g2is.lm.precision import float32_products


def unit_rows(count: int, dim: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(("block", "columns"), [(1024, 16384), (7, 11), (300, 64)])
def test_neighbors_are_those_of_scikit_learn(block, columns):
    rows = unit_rows(300, 16)
    lists = exact_neighbors(rows, np.ones(300, bool), neighbors=10, conflicts=5, block=block, columns=columns)
    distance, index = (
        NearestNeighbors(metric="cosine", algorithm="brute").fit(rows).kneighbors(n_neighbors=10)
    )
    np.testing.assert_array_equal(lists.neighbors, index)
    np.testing.assert_allclose(lists.cosines, 1 - distance, atol=1e-6)
    every = rows @ rows.T
    np.fill_diagonal(every, 2)
    np.testing.assert_array_equal(lists.conflicts, np.argsort(every, axis=1, kind="stable")[:, :5])
    pairs = every[~np.eye(300, dtype=bool)]
    assert lists.mean_cosine == pytest.approx(pairs.mean(), abs=1e-6)
    assert lists.conflict_share == pytest.approx((pairs < 0).mean(), abs=1e-9)


def test_a_gpu_compares_in_float32_proper_whatever_others_ask_of_it(monkeypatch):
    seen = []

    def unit(rows):
        seen.append(torch.backends.cuda.matmul.fp32_precision)
        return rows

    monkeypatch.setattr("g2is.graph.tiles.unit_tensor", unit)
    with float32_products("tf32"):
        exact_neighbors(unit_rows(30, 4), np.ones(30, bool), neighbors=3, conflicts=2)
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"
    assert set(seen) == {"ieee"}


def test_ties_go_to_the_smaller_index_and_self_is_excluded():
    rows = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)  # five copies of each of four directions
    lists = exact_neighbors(rows, np.ones(20, bool), neighbors=6, conflicts=3, block=3, columns=7)
    assert lists.neighbors[0].tolist() == [1, 2, 3, 4, 5, 6]
    assert lists.neighbors[7].tolist() == [5, 6, 8, 9, 0, 1]
    assert lists.conflicts[0].tolist() == [5, 6, 7]
    np.testing.assert_array_equal(lists.cosines[7], [1, 1, 1, 1, 0, 0])


@pytest.mark.parametrize("block, columns", [(16, 40), (50, 33), (1024, 16384)])
def test_many_ties_are_resolved_as_by_a_full_sort(block, columns):
    """Rows with four numbers of 0.5: their cosines are multiples of 1/4, without rounding, and mostly tied."""
    random = np.random.default_rng(0)
    rows = np.zeros((120, 9), np.float32)
    for row in rows:
        row[random.choice(9, 4, replace=False)] = random.choice([-0.5, 0.5], 4)
    rows[70:90] = rows[3]
    lists = exact_neighbors(
        rows, np.ones(120, bool), neighbors=25, conflicts=25, block=block, columns=columns
    )
    cosines = cosine_similarity(rows)
    for row in range(120):
        others = np.delete(np.arange(120), row)
        nearest = others[np.lexsort([others, -cosines[row, others]])][:25]
        farthest = others[np.lexsort([others, cosines[row, others]])][:25]
        assert lists.neighbors[row].tolist() == nearest.tolist()
        assert lists.conflicts[row].tolist() == farthest.tolist()
    distances, _ = NearestNeighbors(n_neighbors=25, algorithm="brute", metric="cosine").fit(rows).kneighbors()
    np.testing.assert_array_equal(lists.cosines, 1 - distances)
    off = cosines[~np.eye(120, dtype=bool)]
    assert lists.conflict_share == (off < 0).mean() and lists.mean_cosine == pytest.approx(
        off.mean(), abs=1e-7
    )


def test_rows_that_are_not_valid_are_in_no_list():
    rows = unit_rows(40, 8)
    valid = np.ones(40, bool)
    valid[[0, 7, 39]] = False
    rows[~valid] = 0
    lists = exact_neighbors(rows, valid, neighbors=36, conflicts=50, block=16, columns=9)
    assert (lists.neighbors[~valid] == -1).all() and (lists.conflicts[~valid] == -1).all()
    for row in np.flatnonzero(valid):
        others = set(np.flatnonzero(valid)) - {row}
        assert set(lists.neighbors[row]) == others == set(lists.conflicts[row])


def test_half_precision_rows_have_cosines_of_unit_rows():
    rows = unit_rows(50, 64).astype(np.float16)
    rows[1] = rows[0]
    lists = exact_neighbors(rows, np.ones(50, bool), neighbors=3, conflicts=3)
    assert lists.neighbors[0, 0] == 1
    assert lists.cosines[0, 0] == pytest.approx(1, abs=1e-6)


def test_a_pool_smaller_than_its_neighbor_lists_is_refused():
    with pytest.raises(InputError, match=r"neighbors = 10: 10 valid instructions .* --neighbors"):
        exact_neighbors(unit_rows(10, 4), np.ones(10, bool), neighbors=10, conflicts=1)


def test_cosines_to_targets():
    rows, targets = unit_rows(30, 8), 3 * unit_rows(4, 8, seed=1)
    valid = np.arange(30) != 5
    found = cosines_to(rows, valid, targets, block=7)
    expected = rows @ (targets / 3).T
    expected[5] = 0
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["float16", "int8"])
def test_rows_in_half_precision_as_on_a_gpu_have_the_lists_of_unit_rows(kind, monkeypatch):
    from g2is.storage.dtypes import stored_rows

    stored = stored_rows(unit_rows(400, 24), kind)
    valid = np.ones(400, bool)
    valid[[3, 200]] = False
    sizes = {"neighbors": 9, "conflicts": 4}
    plain = exact_neighbors(stored, valid, **sizes)
    monkeypatch.setattr(tiles, "_in_half", lambda device, dtype: True)
    found = exact_neighbors(stored, valid, **sizes, block=230, columns=37)
    np.testing.assert_allclose(found.cosines, plain.cosines, atol=1e-6)
    np.testing.assert_allclose(found.conflict_cosines, plain.conflict_cosines, atol=1e-6)
    apart = np.diff(plain.cosines, axis=1, prepend=2, append=-2)
    clear = np.minimum(-apart[:, :-1], -apart[:, 1:]) > 1e-5
    np.testing.assert_array_equal(found.neighbors[clear], plain.neighbors[clear])
    assert found.mean_cosine == pytest.approx(plain.mean_cosine, abs=1e-6)
    assert found.conflict_share == pytest.approx(plain.conflict_share, abs=1e-4)


@pytest.mark.parametrize("half", [False, True])
def test_rows_go_to_a_device_in_pieces(half, monkeypatch):
    from g2is.storage.dtypes import stored_rows

    rows, index = stored_rows(unit_rows(100, 8), "float16"), np.flatnonzero(np.arange(100) % 7)
    monkeypatch.setattr(tiles, "_in_half", lambda device, dtype: half)
    whole = tiles.held_on(rows, index, "cpu")
    monkeypatch.setattr(tiles, "TILE", 20)
    pieces = tiles.held_on(rows, index, "cpu")
    assert (pieces.inverse is None) != half
    np.testing.assert_array_equal(pieces.rows, whole.rows)
    np.testing.assert_array_equal(pieces.inverse, whole.inverse)


@pytest.mark.parametrize(
    ("dtype", "width", "expected"),
    [
        ("float16", 8192, 262_144),
        ("int8", 8192, 262_144),
        ("float32", 8192, 131_072),
        ("float16", 10**7, tiles.TILE),
    ],
)
def test_a_block_on_a_gpu_takes_four_gigabytes(dtype, width, expected):
    rows = np.broadcast_to(np.zeros(1, dtype), (10, width))
    assert block_rows("cuda", rows) == expected
    assert block_rows("cpu", rows) == 1024


def test_a_block_of_many_tiles_is_that_of_one(monkeypatch):
    rows = unit_rows(300, 16)
    valid = np.ones(300, bool)
    sizes = {"neighbors": 5, "conflicts": 3, "block": 290, "columns": 23}
    one = exact_neighbors(rows, valid, **sizes)
    for module in ("neighbors", "tiles"):
        monkeypatch.setattr(f"g2is.graph.{module}.TILE", 64)
    many = exact_neighbors(rows, valid, **sizes)
    np.testing.assert_array_equal(many.neighbors, one.neighbors)
    np.testing.assert_array_equal(many.conflicts, one.conflicts)
    assert many.conflict_share == one.conflict_share


def test_what_is_no_better_than_the_last_of_a_list_is_not_ranked(monkeypatch):
    """Every cosine is ranked in the first tile alone; after it only those above the list's last one."""
    ranked = []
    best = tiles._best
    monkeypatch.setattr(
        tiles,
        "_best",
        lambda cosines, *rest, **kind: ranked.append(cosines.numel()) or best(cosines, *rest, **kind),
    )
    rows = unit_rows(512, 16)
    exact_neighbors(rows, np.ones(512, bool), neighbors=8, conflicts=8, block=512, columns=64)
    assert sum(ranked) <= 2 * 512 * 64 * 2 < 2 * 512 * 512
