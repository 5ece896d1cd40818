"""Selections side by side: each number against a plain computation of what its docstring says."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from g2is.analysis import walks
from g2is.analysis.comparison import Profiler, budget_counts, conflict_share, memberships, overlaps, shares
from g2is.analysis.sensitivity import grid_table, other_axis, walk_grid, without_idle_delta
from g2is.app.compare.choice import gradients_text
from g2is.app.compare.grid import where_words
from g2is.config import walk_preset
from g2is.run.run import Run
from tests.app.tiny_run import INVALID, make_run

SELECTIONS = {"a": [1, 2, 3, 4], "b": [3, 4, 5], "c": [4, 9, 3]}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("comparison") / "tiny")


def unit(row):
    return row / np.linalg.norm(row)


def test_intersections_count_every_sample_once():
    sets = memberships(SELECTIONS)
    found = {tuple(row[name] for name in SELECTIONS): row["samples"] for _, row in sets.iterrows()}
    assert found == {
        (True, True, True): 2,  # 3, 4
        (True, False, False): 2,  # 1, 2
        (False, True, False): 1,  # 5
        (False, False, True): 1,  # 9
    }
    assert sets["samples"].is_monotonic_decreasing


def test_overlap_of_pairs():
    pairs = overlaps(SELECTIONS).set_index(["first", "second"])
    assert pairs.loc[("a", "b"), "both"] == 2
    assert pairs.loc[("a", "b"), "overlap"] == pytest.approx(2 / 5)
    assert pairs.loc[("b", "c"), "overlap"] == pytest.approx(2 / 4)


def test_a_profile_has_the_measures_that_its_docstring_defines(run):
    samples = [3, 50, 51, 120, 249, 10]
    regime = run.regime("sgd")
    rows = [unit(regime.gradients[sample].astype(np.float64)) for sample in samples]
    targets = [unit(row.astype(np.float64)) for row in run.validation_gradients]
    pairs = [float(a @ b) for a, b in combinations(rows, 2)]
    profile = Profiler(run, "sgd")(samples)
    assert profile.samples == 6
    assert profile.alignment == pytest.approx(float(unit(sum(rows)) @ unit(sum(targets))), abs=2e-3)
    assert profile.mean_cosine == pytest.approx(np.mean(pairs), abs=2e-3)
    assert profile.conflict_share == pytest.approx(np.mean([pair < 0 for pair in pairs]))
    best = [max(float(row @ target) for row in rows) for target in targets]
    assert profile.coverage == pytest.approx(np.mean(best), abs=2e-3)
    whole = Profiler(run, "sgd")(np.flatnonzero(run.valid))
    assert profile.coverage_of_pool == pytest.approx(profile.coverage / whole.coverage)
    assert whole.coverage_of_pool == pytest.approx(1)


def test_nothing_chosen_has_no_profile(run):
    profile = Profiler(run, "sgd")([])
    assert profile.samples == 0
    assert np.isnan(profile.coverage)
    assert np.isnan(conflict_share(run.regime("sgd").gradients, np.array([4])))


def test_a_target_is_measured_by_its_own_samples(run):
    rows = np.array([2])
    profile = Profiler(run, "sgd", rows)([6, 8, 30])
    cosines = run.regime("sgd").validation_cosines
    assert profile.coverage == pytest.approx(float(cosines[[6, 8, 30], 2].max()))


def test_shares_sum_to_one_and_the_rest_is_others():
    values = pd.Series(list("aaaabbbccdefgh"))
    table = shares(values, {"few": [0, 4], "none": []}, most=4)
    assert list(table.columns) == ["pool", "few", "none"]
    assert table["pool"].sum() == pytest.approx(1)
    assert table.loc["a", "few"] == 0.5
    assert list(table.index)[-1] == "others"
    assert len(table) == 4


def test_budgets_end_with_the_largest():
    assert budget_counts(12_000, 600)[-1] == 600
    assert budget_counts(12_000, 600)[0] == 12
    assert budget_counts(100, 1) == [1]


@pytest.mark.parametrize(
    "parameters",
    [walk_preset("recommended", count=30, facets=4), walk_preset("official", count=30, regime="sgd")],
    ids=["facets", "principal"],
)
def test_a_cell_of_the_grid_is_the_walk_with_its_settings(run, parameters):
    name, others = other_axis(parameters, len(run.validation))
    walked = []
    cells = walk_grid(run, parameters, deltas=(0.5, 0.9), on_walk=lambda: walked.append(1))
    assert len(cells) == len(walked) == 2 * len(others)
    here = walks.walk(run, parameters).samples
    table = grid_table(cells, name, here, Profiler(run, "sgd"))
    assert INVALID not in np.concatenate([cell.samples for cell in cells if cell.samples is not None])
    for cell, (_, row) in zip(cells, table.iterrows(), strict=True):
        alone = walks.walk(run, parameters.replace(delta=cell.delta, **{name: cell.other}))
        assert np.array_equal(cell.samples, alone.samples)
        assert row["samples"] == len(alone.samples)
        either = len(set(here) | set(alone.samples))
        assert row["overlap"] == pytest.approx(len(set(here) & set(alone.samples)) / either)


@pytest.mark.parametrize(
    "changes", [{"consistency": False}, {"count": 3, "facets": 4}], ids=["off", "one each"]
)
def test_a_delta_that_does_nothing_is_not_varied(run, changes):
    parameters = walk_preset("recommended", **{"count": 30, "facets": 4, **changes})
    others = (3, 4)
    cells = walk_grid(run, parameters, deltas=(0.5, 0.9), others=others)
    for cell in cells:
        alone = walks.walk(run, parameters.replace(delta=cell.delta, facets=cell.other))
        assert np.array_equal(cell.samples, alone.samples)
    left = without_idle_delta(cells, parameters.delta)
    assert [(cell.delta, cell.other) for cell in left] == [(0.9, other) for other in others]
    acting = walk_grid(
        run, walk_preset("recommended", count=30, facets=2), deltas=(0.5, 0.999), others=(1, 2)
    )
    assert without_idle_delta(acting, 0.8) == acting, "a run in which delta matters"


def test_the_grid_of_the_same_settings_overlaps_fully(run):
    parameters = walk_preset("recommended", count=30, facets=4, delta=0.8)
    cells = walk_grid(run, parameters, deltas=(0.8,), others=(4,))
    table = grid_table(cells, "facets", walks.walk(run, parameters).samples, Profiler(run, "sgd"))
    assert table["overlap"].tolist() == [1.0]


def test_budgets_by_hand_keep_their_sum_in_the_grid(run):
    parameters = walk_preset("recommended", component_budgets=(9, 6, 3, 2), facets=4, pins=(30,))
    for share in (None, 0.5):
        (cell,) = walk_grid(run, parameters.replace(fraction=share), deltas=(0.5,), others=(2,))
        same = walk_preset("recommended", count=21, facets=2, pins=(30,), delta=0.5)
        assert np.array_equal(cell.samples, walks.walk(run, same).samples)


def test_which_gradients_selections_were_chosen_by_is_said_where_they_differ():
    plain, adam, none = {"regime": "sgd"}, {"regime": "adam"}, {"count": 5}
    assert gradients_text({"a": plain, "b": plain, "c": none}) == ""
    said = gradients_text({"a": plain, "b": adam, "c": plain, "d": none})
    assert "By plain gradients: `a`, `c`; Adam gradients" in said and "`b`" in said and "`d`" not in said


def test_sensitivity_says_which_of_its_walks_is_the_readers():
    def said(framed=False, **changes):
        return where_words(
            walk_preset("recommended", count=5, **changes), "facets", "facets 8", framed=framed
        )

    assert "is not among them" in said(facets_by="each") and "itself" in said(facets_by="silhouette")
    assert said(facets_by="number", framed=True).endswith("framed.") and "between" in said(facets_by="number")
