"""Near-duplicates inside the pool: found from texts and neighbour lists, and one of each kept."""

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.idle import idle_settings
from g2is.arrays.unit import unit
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.graph.duplicates import LEAST_COSINE, count_near_duplicates, near_duplicates, one_of_each
from g2is.graph.neighbors import exact_neighbors
from g2is.run.selections import select
from g2is.selectors import METHODS
from tests.app.tiny_run import make_run

FEW = {"neighbors": 10}
"""The graph of the small run keeps no more."""


def plain_groups(rows: np.ndarray, duplicate_of: np.ndarray, usable: np.ndarray) -> list[int]:
    """The first sample of each one's group, by following pairs until nothing changes."""
    group = list(range(len(rows)))
    pairs = [(a, int(b)) for a, b in enumerate(duplicate_of) if b >= 0]
    both = [(a, b) for a in range(len(rows)) for b in range(a) if usable[a] and usable[b]]
    pairs += [(a, b) for a, b in both if rows[a] @ rows[b] >= LEAST_COSINE]
    for _ in rows:
        for a, b in pairs:
            group[a] = group[b] = min(group[a], group[b])
    return group


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_chains_of_pairs_by_text_or_gradient(seed):
    random = np.random.default_rng(seed)
    rows = random.standard_normal((60, 6))
    # Chains: each a small step from one before, so that the ends are further apart than the pairs.
    for row in random.permutation(np.arange(20, 60))[:25]:
        rows[row] = rows[random.integers(0, row)] + 0.08 * random.standard_normal(6)
    rows, usable = unit(rows), random.random(60) < 0.95
    duplicate_of = np.where(random.random(60) < 0.1, random.integers(0, np.arange(1, 61)), -1)
    duplicate_of[duplicate_of == np.arange(60)] = -1
    lists = exact_neighbors(rows.astype(np.float32), usable, neighbors=30, conflicts=1)
    groups = near_duplicates(lists.neighbors, lists.cosines, duplicate_of)
    assert groups.tolist() == plain_groups(rows, duplicate_of, usable)
    assert 5 < count_near_duplicates(groups) < 50


def test_one_of_each_is_the_first_allowed_and_a_preferred_one_comes_before():
    groups = np.array([0, 0, 0, 3, 3, 5])
    allowed = np.array([False, True, True, True, True, False])
    assert np.flatnonzero(one_of_each(groups, allowed)).tolist() == [1, 3]
    assert np.flatnonzero(one_of_each(groups, allowed, (4,))).tolist() == [1, 4]
    # Both of a pair are wished for: they stay.
    assert np.flatnonzero(one_of_each(groups, allowed, (4, 3))).tolist() == [1, 3, 4]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose pool has groups: its lists say that some neighbours are near-duplicates."""
    run = make_run(tmp_path_factory.mktemp("twins") / "tiny")
    groups = np.arange(len(run.valid))
    valid = np.flatnonzero(run.valid)
    for start in range(0, len(valid), 3):
        groups[valid[start : start + 3]] = valid[start]
    run.__dict__["near_duplicates"] = groups
    return run


@pytest.mark.parametrize("preset", ["recommended", "graph"])
def test_a_walk_takes_one_of_each(run, preset):
    groups = run.near_duplicates
    without = walks.walk(run, walk_preset(preset, count=60, **FEW))
    assert len(set(groups[without.samples])) < 60
    trace = walks.walk(run, walk_preset(preset, count=60, **FEW, dedupe=True))
    assert len(trace.samples) == len(set(groups[trace.samples])) == 60
    twin = next(row for row in without.samples.tolist() if row not in trace.samples and groups[row] != row)
    assert "it is a near-duplicate of another instruction" in walks.explain(run, trace, twin).text
    # A banned first leaves its place to the second, and a pin takes it.
    first = int(np.flatnonzero(np.bincount(groups) == 3)[0])
    second, third = np.flatnonzero(groups == first)[1:].tolist()
    banned = walk_preset(preset, count=60, **FEW, dedupe=True, bans=(first,))
    assert not walks.left_out(run, banned)[second] and walks.left_out(run, banned)[third]
    pinned = walks.walk(run, walk_preset(preset, count=60, **FEW, dedupe=True, pins=(third,)))
    assert np.count_nonzero(groups[pinned.samples] == first) == 1 and third in pinned.samples


@pytest.mark.parametrize("method", ["round_robin", "tracin", "random"])
def test_a_method_takes_one_of_each(run, method):
    groups = run.near_duplicates
    samples = select(run, method, count=60, dedupe=True).samples
    assert len(set(groups[samples])) == 60 and (groups[samples] == samples).all()
    full = METHODS["full"](dedupe=True).select(run)
    assert full.tolist() == np.flatnonzero(run.valid & (groups == np.arange(len(groups)))).tolist()
    with pytest.raises(InputError, match=r"^dedupe: .* fewer than the budget"):
        select(run, method, count=int(run.valid.sum()), dedupe=True)


def test_a_pool_without_any_says_that_the_setting_does_nothing(tmp_path):
    plain = make_run(tmp_path / "tiny")
    trace = walks.walk(plain, walk_preset("recommended", count=60, dedupe=True))
    expected = not count_near_duplicates(plain.near_duplicates)
    assert ("dedupe" in idle_settings(plain, trace)) == expected
