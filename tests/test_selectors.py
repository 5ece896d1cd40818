"""Each selector beside the published rule written out plainly, and what must hold of all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from g2is import selectors
from g2is.arrays.unit import unit
from g2is.selectors import METHODS
from g2is.selectors.ranking import alternating
from g2is.selectors.tagcos import matching_pursuit

SEEDS = range(6)


@dataclass
class Pool:
    """A small pool with duplicates and rows that are not valid, and validation samples of two targets."""

    seed: int

    @cached_property
    def raw(self) -> np.ndarray:
        random = np.random.default_rng(self.seed)
        rows = random.standard_normal((90, 14)) + 0.3
        rows[40], rows[71] = rows[10], rows[10]
        return rows

    @cached_property
    def rows(self) -> np.ndarray:
        return unit(self.raw)

    @cached_property
    def valid(self) -> np.ndarray:
        valid = np.random.default_rng((self.seed, 1)).random(90) < 0.9
        valid[[10, 40]] = True
        return valid

    @cached_property
    def validation(self) -> np.ndarray:
        scale = np.random.default_rng((self.seed, 3)).uniform(0.2, 5, (11, 1))
        return (np.random.default_rng((self.seed, 2)).standard_normal((11, 14)) + 0.2) * scale

    targets = "aaaaaaabbbb"
    tasks = "xxxyyzzuuuv"

    @property
    def groups(self) -> list[tuple[str, str]]:
        return list(zip(self.targets, self.tasks, strict=True))

    @cached_property
    def cosines(self) -> np.ndarray:
        return self.rows @ unit(self.validation).T


def norm(rows: np.ndarray) -> np.ndarray:
    return np.linalg.norm(rows, axis=1)


SELECTORS: dict[str, Callable[[Pool, int], np.ndarray]] = {
    "random": lambda p, budget: selectors.random(p.valid, budget, seed=3),
    "length": lambda p, budget: selectors.length(abs(p.raw[:, 0]).round(1), p.valid, budget),
    "round_robin": lambda p, budget: selectors.round_robin(p.cosines, p.groups, p.valid, budget),
    "less": lambda p, budget: selectors.less(p.cosines, p.groups, p.valid, budget),
    "bids": lambda p, budget: selectors.bids(p.cosines, p.valid, budget),
    "tracin": lambda p, budget: selectors.tracin(
        p.cosines, norm(p.raw), norm(p.validation), p.groups, p.valid, budget
    ),
    "gist": lambda p, budget: selectors.gist(p.rows, p.validation, p.groups, p.valid, budget, rank=4),
    "rds_plus": lambda p, budget: selectors.rds_plus(
        p.rows, p.validation, ["a"] * 11, p.groups, p.valid, budget
    ),
    "rds_plus, targets": lambda p, budget: selectors.rds_plus(
        p.rows, p.validation, p.targets, p.groups, p.valid, budget
    ),
    "semantic": lambda p, budget: selectors.semantic(p.rows, p.validation, p.groups, p.valid, budget),
    "tagcos": lambda p, budget: selectors.tagcos(p.rows, p.valid, budget, clusters=7),
    "gradfiltering": lambda p, budget: selectors.gradfiltering(*abs(p.raw[:, :3].T), p.valid, budget),
}
NO_PREFIX = {"tagcos"}
"""A larger budget changes what a cluster's smaller one would take."""


@pytest.mark.parametrize("name", SELECTORS)
def test_every_selector_keeps_its_budget_and_leaves_out_what_is_not_valid(name):
    pool = Pool(0)
    most = int(pool.valid.sum())
    largest = SELECTORS[name](pool, most)
    assert sorted(largest.tolist()) == np.flatnonzero(pool.valid).tolist()
    for budget in (1, 2, 5, 23, most - 1):
        chosen = SELECTORS[name](pool, budget)
        assert chosen.dtype == np.int64 and len(chosen) == len(set(chosen.tolist())) == budget
        assert pool.valid[chosen].all()
        assert np.array_equal(chosen, SELECTORS[name](pool, budget))
        if name not in NO_PREFIX:
            assert np.array_equal(chosen, largest[:budget])


@pytest.mark.parametrize("name", sorted(SELECTORS.keys() - {"random", "length", "gradfiltering"}))
def test_of_twins_the_smaller_row_goes_first(name):
    pool = Pool(1)
    chosen = SELECTORS[name](pool, int(pool.valid.sum())).tolist()
    assert chosen.index(10) < chosen.index(40)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_needs_no_more_than_a_pool(method):
    """Arrays and tables that no run has written are enough."""
    arrays = Pool(0)
    regime = SimpleNamespace(gradients=arrays.rows, norms=norm(arrays.raw), validation_cosines=arrays.cosines)
    states = SimpleNamespace(samples=arrays.rows, validation=unit(arrays.validation))
    lengths = abs(arrays.raw[:, :3])
    pool = SimpleNamespace(
        name="arrays",
        valid=arrays.valid,
        instructions=pd.DataFrame({"trained_tokens": range(90), "response": ["x"] * 90}),
        validation=pd.DataFrame({"target": list(arrays.targets), "task": list(arrays.tasks)}),
        validation_gradients_in=lambda regime: arrays.validation,
        usual_targets=list(dict.fromkeys(arrays.targets)),
        target_rows=lambda targets: np.zeros(0, np.int64),
        ensemble=pd.DataFrame(lengths, columns=["early", "late", "late_variance"]),
        regime=lambda name: regime,
        representations=lambda pooling: states,
    )
    settings = {} if method == "full" else {"count": 13}
    chosen = METHODS[method](**settings).select(pool)
    assert len(set(chosen.tolist())) == len(chosen) == settings.get("count", arrays.valid.sum())
    assert arrays.valid[chosen].all()


def test_full_is_every_valid_row():
    pool = Pool(2)
    assert selectors.full(pool.valid).tolist() == [row for row in range(90) if pool.valid[row]]


def test_random_draws_evenly_and_differently():
    valid = np.ones(20, bool)
    draws = np.concatenate([selectors.random(valid, 5, seed=seed) for seed in range(2000)])
    assert np.bincount(draws, minlength=20) == pytest.approx(np.full(20, 500), abs=5 * np.sqrt(500))


# ---- the published rules, row by row ----


def highest(scores: list[float | None], budget: int) -> list[int]:
    """Rows by descending score; None is never taken."""
    known = [(-score, row) for row, score in enumerate(scores) if score is not None]
    return [row for _, row in sorted(known)[:budget]]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))


@pytest.mark.parametrize("seed", SEEDS)
def test_less_is_the_mean_within_a_subtask_and_the_most_over_all(seed):
    pool = Pool(seed)
    scores: list[float | None] = []
    for row in range(90):
        by_task: dict[tuple[str, str], list[float]] = {}
        for example, group in enumerate(pool.groups):
            by_task.setdefault(group, []).append(cosine(pool.raw[row], pool.validation[example]))
        scores.append(max(sum(all_) / len(all_) for all_ in by_task.values()) if pool.valid[row] else None)
    # The twins' scores here may differ in the last bit; which goes first is tested above.
    found = selectors.less(pool.cosines, pool.groups, pool.valid, 30).tolist()
    assert [10 if r == 40 else r for r in found] == [10 if r == 40 else r for r in highest(scores, 30)]
    assert found == selectors.semantic(pool.rows, pool.validation, pool.groups, pool.valid, 30).tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_tracin_is_the_mean_product_within_a_subtask_and_the_most_over_all(seed):
    pool = Pool(seed)
    scores: list[float | None] = []
    for row in range(90):
        by_task: dict[tuple[str, str], list[float]] = {}
        for example, group in enumerate(pool.groups):
            by_task.setdefault(group, []).append(float(pool.raw[row] @ pool.validation[example]))
        scores.append(max(sum(all_) / len(all_) for all_ in by_task.values()) if pool.valid[row] else None)
    found = SELECTORS["tracin"](pool, 30).tolist()
    assert [10 if r == 40 else r for r in found] == [10 if r == 40 else r for r in highest(scores, 30)]
    assert found != selectors.less(pool.cosines, pool.groups, pool.valid, 30).tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_bids_takes_what_rises_furthest_above_the_selection_for_any_example(seed):
    pool = Pool(seed)
    cosines = pool.cosines.astype(float)
    scores = (cosines - cosines[pool.valid].mean(axis=0)) / cosines[pool.valid].std(axis=0)
    chosen: list[int] = []
    for _ in range(40):
        means = [sum(scores[row][j] for row in chosen) / max(1, len(chosen)) for j in range(11)]
        free = [row for row in range(90) if pool.valid[row] and row not in chosen]
        gain = {
            row: max(score - mean for score, mean in zip(scores[row], means, strict=True)) for row in free
        }
        best = max(gain.values())
        chosen.append(min(row for row in free if gain[row] >= best - 1e-9))
    assert SELECTORS["bids"](pool, 40).tolist() == chosen


def test_bids_serves_every_example_where_the_sum_would_serve_one():
    """Cosines to the first example are all ten times those to the second, and one row is good for the second alone."""
    cosines = np.array([[0.9, 0.0], [0.8, 0.01], [0.7, 0.0], [0.1, 0.09], [0.2, 0.0]])
    assert set(selectors.bids(cosines, np.ones(5, bool), 2).tolist()) == {0, 3}
    assert 3 not in selectors.less(cosines, ["a", "b"], np.ones(5, bool), 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_validation_sample_in_turn_takes_its_best_free_row(seed):
    pool = Pool(seed)
    turns = [0, 3, 5, 7, 10, 1, 4, 6, 8, 2, 9]  # x y z u v, x y z u, x u
    assert alternating(pool.groups).tolist() == turns
    chosen: list[int] = []
    while len(chosen) < 37:
        for example in turns:
            if len(chosen) < 37:
                free = [row for row in range(90) if pool.valid[row] and row not in chosen]
                chosen.append(max(free, key=lambda row: (pool.cosines[row, example], -row)))
    assert selectors.round_robin(pool.cosines, pool.groups, pool.valid, 37).tolist() == chosen
    one = selectors.rds_plus(pool.rows, pool.validation, ["t"] * 11, pool.groups, pool.valid, 37)
    assert one.tolist() == chosen


@pytest.mark.parametrize("seed", SEEDS)
def test_rds_plus_over_targets_takes_turns_by_the_closest_validation_sample(seed):
    pool = Pool(seed)
    chosen: list[int] = []
    for turn in range(41):
        examples = range(7) if turn % 2 == 0 else range(7, 11)
        free = [row for row in range(90) if pool.valid[row] and row not in chosen]
        chosen.append(max(free, key=lambda row: (max(pool.cosines[row, e] for e in examples), -row)))
    found = selectors.rds_plus(pool.rows, pool.validation, pool.targets, pool.groups, pool.valid, 41)
    assert found.tolist() == chosen


@pytest.mark.parametrize("rank", [1, 4, 9, 50])
@pytest.mark.parametrize("seed", SEEDS)
def test_gist_is_the_cosine_inside_the_validation_subspace(seed, rank):
    pool = Pool(seed)
    _, _, right = np.linalg.svd(pool.validation, full_matrices=False)
    inside = right[:rank]
    means = [
        inside @ np.mean([v for v, g in zip(pool.validation, pool.groups, strict=True) if g == group], axis=0)
        for group in dict.fromkeys(pool.groups)
    ]
    scores = [
        max(round(cosine(inside @ pool.rows[row], mean), 5) for mean in means) if pool.valid[row] else None
        for row in range(90)
    ]
    found = selectors.gist(pool.rows, pool.validation, pool.groups, pool.valid, 30, rank=rank)
    # With rank 1 all scores are 1 or -1; others may swap where five digits are equal.
    expected = [scores[row] for row in highest(scores, 30)]
    assert [scores[row] for row in found] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradfiltering_is_the_relative_drop_over_the_late_variance(seed):
    random = np.random.default_rng(seed)
    late = random.uniform(0.5, 3, (4, 90))
    early = random.uniform(0.5, 6, (4, 90))
    pool = Pool(seed)
    scores: list[float | None] = []
    for row in range(90):
        start, end = sum(early[:, row]) / 4, sum(late[:, row]) / 4
        variance = sum((value - end) ** 2 for value in late[:, row]) / 4
        scores.append((start - end) / start / variance if pool.valid[row] else None)
    found = selectors.gradfiltering(early.mean(axis=0), late.mean(axis=0), late.var(axis=0), pool.valid, 30)
    assert found.tolist() == highest(scores, 30)


# ---- matching pursuit ----


def plain_pursuit(rows: np.ndarray, goal: np.ndarray, most: int) -> list[int]:
    """The rule as TAGCOS's script has it, with normal equations solved as least squares."""
    chosen: list[int] = []
    residual = goal.copy()
    for _ in range(most):
        if np.sqrt(residual @ residual) / np.sqrt(goal @ goal) < 1e-4:
            return chosen
        products = [row @ residual for row in rows]
        best = products.index(max(products))
        if best in chosen or products[best] <= 0:
            return chosen
        chosen = [*chosen, best]
        weights = None
        while chosen and (weights is None or min(weights) < 0):
            if weights is not None:
                chosen = [c for c, w in zip(chosen, weights, strict=True) if w != min(weights)]
            stacked = np.vstack([rows[chosen].T, np.eye(len(chosen))])
            weights = np.linalg.lstsq(stacked, np.append(goal, np.zeros(len(chosen))), rcond=None)[0]
        if best not in chosen:
            return chosen
        residual = goal - sum(w * rows[c] for w, c in zip(weights, chosen, strict=True))
    return chosen


@pytest.mark.parametrize("seed", range(20))
def test_matching_pursuit_follows_the_rule(seed):
    random = np.random.default_rng(seed)
    rows = unit(random.standard_normal((12, 5)) + 0.4).astype(float)
    for goal in (rows.mean(axis=0), 40 * rows.mean(axis=0), 300 * random.standard_normal(5)):
        for most in (1, 3, 12):
            assert matching_pursuit(rows, goal, most) == plain_pursuit(rows, goal, most)


def test_matching_pursuit_takes_the_parts_of_a_sum_and_none_that_point_away():
    rows = np.eye(4)
    assert matching_pursuit(rows, np.array([5.0, 0, 9, -7]), 4) == [2, 0]
    assert matching_pursuit(rows, -np.ones(4), 4) == []


def test_tagcos_shares_its_budget_out_by_the_size_of_clusters():
    random = np.random.default_rng(0)
    centers = unit(random.standard_normal((3, 30)))
    labels = np.repeat([0, 1, 2], [10, 60, 30])[random.permutation(100)]
    rows = unit(centers[labels] + 0.02 * random.standard_normal((100, 30)))
    chosen = selectors.tagcos(rows, np.ones(100, bool), 10, clusters=3)
    assert np.bincount(labels[chosen]).tolist() == [1, 6, 3]
    assert labels[chosen].tolist() == [1, 2, 0, 1, 2, 1, 2, 1, 1, 1]
    for cluster in range(3):
        members = np.flatnonzero(labels == cluster)
        mean = rows[members].astype(float).mean(axis=0)
        first = next(row for row in chosen if labels[row] == cluster)
        assert first == members[np.argmax(rows[members] @ mean)]
