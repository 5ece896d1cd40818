"""int8 rows: directions as good as float16's for everything that is done with them."""

import numpy as np
import pytest

from g2is.arrays.rows import read_rows
from g2is.arrays.unit import unit
from g2is.config import walk_preset
from g2is.graph.neighbors import exact_neighbors
from g2is.storage.dtypes import stored_rows


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(0)
    themes = random.standard_normal((12, 256))
    return unit(themes[random.integers(0, 12, 600)] + 1.5 * random.standard_normal((600, 256)))


def test_a_stored_row_points_where_it_did(rows):
    some = rows.copy()
    some[3] = 0
    codes = stored_rows(some, "int8")
    assert codes.dtype == np.int8 and np.abs(codes[[0, 1, 2]]).max(axis=1).tolist() == [127] * 3
    read = read_rows(codes, slice(None))
    assert not read[3].any()
    cosines = np.einsum("nd,nd->n", read, some)
    assert np.delete(cosines, 3).min() > 0.9998
    assert np.linalg.norm(np.delete(read, 3, axis=0), axis=1) == pytest.approx(1, abs=1e-5)


def test_neighbours_are_nearly_those_of_the_rows(rows):
    valid = np.ones(len(rows), bool)
    exact, rounded = (
        exact_neighbors(array, valid, neighbors=10, conflicts=3)
        for array in (rows, stored_rows(rows, "int8"))
    )
    pairs = zip(exact.neighbors, rounded.neighbors, strict=True)
    assert np.mean([len(np.intersect1d(a, b)) / 10 for a, b in pairs]) > 0.97
    assert rounded.cosines == pytest.approx(exact.cosines, abs=5e-3)


def test_other_types_are_plain_roundings(rows):
    assert np.array_equal(stored_rows(rows, "float16"), rows.astype(np.float16))
    assert np.array_equal(stored_rows(rows, "float32"), rows)


def test_a_walk_over_codes_keeps_the_rules(tmp_path, rows):
    from g2is.knowledge import facets
    from g2is.walk import gradient_walk

    codes = stored_rows(rows, "int8")
    lists = exact_neighbors(codes, np.ones(len(codes), bool), neighbors=10, conflicts=3)
    knowledge = facets(rows[:30], count=4)
    parameters = walk_preset("recommended", facets=4, count=40)
    trace = gradient_walk(codes, lists.neighbors, lists.cosines, knowledge, parameters)
    taken = read_rows(codes, trace.samples)
    for component in range(4):
        own = taken[trace.steps.component == component]
        assert (own @ own.T).min() > -1e-6
