"""Approximate lists of a build: in shards, which come in any order, survive a stop, and are the same as in one go."""

import pickle

import numpy as np
import pandas as pd
import pytest

from g2is.arrays.unit import unit
from g2is.engine.base import Item, Receipt, missing_items
from g2is.graph import approximate
from g2is.graph.approximate import LISTS, join_found
from g2is.pipeline.search_worker import SearchWorker
from g2is.run.paths import SAMPLES, array_file
from g2is.storage.files import write_array
from g2is.storage.tables import write_frame
from tests.test_approximate import approximate_neighbors

ROWS, NEIGHBORS, CONFLICTS = 700, 5, 3


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """(ROWS, 32) rows of a run in `tmp_path`, four of them without a gradient; small shards, and a scan that misses."""
    monkeypatch.setattr(approximate, "BLOCK", 16)
    monkeypatch.setattr(approximate, "SCANNED", 60)
    rows = searchable(tmp_path)
    assert (~rows.any(axis=1)).sum() == 4
    return rows


def searchable(folder) -> np.ndarray:
    random = np.random.default_rng(0)
    themes = random.standard_normal((9, 32))
    rows = unit(themes[random.integers(0, 9, ROWS)] + random.standard_normal((ROWS, 32)))
    rows[[5, 77, 78, 699]] = 0
    write_array(folder / array_file("sgd", "gradients"), rows)
    write_frame(folder / SAMPLES, pd.DataFrame({"valid": rows.any(axis=1)}))
    return rows


def worker_of(folder, **changes) -> SearchWorker:
    """A worker whose store is open."""
    sizes = {"neighbors": NEIGHBORS, "conflicts": CONFLICTS, "known": NEIGHBORS, "size": 64, **changes}
    worker = SearchWorker(folder, ("sgd",), device="cpu", **sizes)
    worker.stores[0].open()
    return worker


def prepared(worker: SearchWorker) -> int:
    """Prepares the store; the number of rows that were read for it."""
    done: list[int] = []
    worker.prepare(0, done.append)
    return sum(done)


def same(rows, worker: SearchWorker, given=None) -> None:
    """What the worker has found is what `approximate_neighbors` finds."""
    valid = rows.any(axis=1)
    sizes = {"neighbors": NEIGHBORS, "conflicts": CONFLICTS}
    expected, recall = approximate_neighbors(rows, valid, **sizes, given=given)
    blocks = [*worker.found(0)][::-1]
    found, measured = join_found(rows, np.flatnonzero(valid), worker.checked(0), blocks, given)
    for name in LISTS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.mean_cosine == expected.mean_cosine and found.conflict_share == expected.conflict_share
    assert measured == recall


def written(worker: SearchWorker, item: Item, on_rows=lambda count: None) -> Receipt:
    return worker.write(item, worker.compute(item, worker.read(item), on_rows))


def test_shards_in_any_order_are_the_lists_of_one_search(rows, tmp_path):
    worker = worker_of(tmp_path)
    assert prepared(worker) == ROWS - 4
    items, seen = missing_items(worker.stores), []
    assert len(items) == 11
    for item in items[::-1]:
        # As in another process.
        receipt = written(pickle.loads(pickle.dumps(worker)), item, seen.append)
        assert worker.stores[0].folder.joinpath(receipt.file).exists()
    assert sum(seen) == ROWS - 4
    same(rows, worker)
    assert 0.2 < approximate_neighbors(rows, rows.any(axis=1), neighbors=5, conflicts=3)[1].conflicts < 1


def test_a_stopped_search_goes_on_where_it_was(rows, tmp_path):
    first = worker_of(tmp_path)
    prepared(first)
    for item in missing_items(first.stores)[:6]:
        written(first, item)
    damaged = first.stores[0].files()[2]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    again = worker_of(tmp_path)
    assert prepared(again) == 0, "what is there whole is not made again"
    items = missing_items(again.stores)
    assert [item.shard for item in items] == [2, 6, 7, 8, 9, 10]
    for item in items:
        written(again, item)
    same(rows, again)


@pytest.mark.parametrize("name", ["index", "checked"])
def test_a_damaged_preparation_is_made_again(rows, tmp_path, name):
    worker = worker_of(tmp_path)
    prepared(worker)
    (file,) = worker.stores[0].folder.glob(f"{name}-*")
    before = file.read_bytes()
    file.write_bytes(before[:-1])
    assert prepared(worker_of(tmp_path)) == ROWS - 4
    assert file.read_bytes() == before, "the same bytes"


def test_given_neighbours_are_not_searched_for(rows, tmp_path):
    given = np.tile(np.arange(1, 8, dtype=np.int32), (ROWS, 1))
    worker = worker_of(tmp_path, neighbors=0, known=7)
    prepared(worker)
    for item in missing_items(worker.stores):
        written(worker, item)
    assert next(worker.found(0))["neighbors"].shape[1] == 0
    same(rows, worker, given)
