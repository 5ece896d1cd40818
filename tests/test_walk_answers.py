"""What the status line of the Walk page answers, against plain recomputation on a tiny run."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from g2is.analysis import walks
from g2is.analysis.budget_curve import FLAT, FRACTIONS, budget_curve, flattens_at, full_by_design
from g2is.analysis.idle import conflicts_taken, idle_settings
from g2is.analysis.pins import pinned, places_lost
from g2is.analysis.resemblance import choices, resemblances
from g2is.analysis.served import BADLY, NOT, WELL, Served, least_served, pool_service, served
from g2is.app import shared as dom
from g2is.config import walk_preset
from g2is.selectors.less import Less
from g2is.selectors.round_robin import RoundRobin
from g2is.walk.decimals import decimals
from tests.app.tiny_run import VALIDATION, make_run

PARAMETERS = walk_preset("recommended", count=24)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("answers") / "tiny")


def walk(run, **changes):
    return walks.walk(run, walk_preset("recommended", **{"count": 24, **changes}))


def test_how_each_example_is_served(run):
    regime = run.regime("sgd")
    samples = walk(run, count=5).samples
    serving = served(pool_service(regime, run.valid, np.arange(VALIDATION)), regime, samples)
    cosines = np.asarray(regime.validation_cosines, float)
    pool = cosines[run.valid]
    usual = np.median(pool.max(axis=0))
    for example in range(VALIDATION):
        own = max(cosines[sample, example] for sample in samples)
        assert serving.own[example] == pytest.approx(own)
        assert cosines[serving.own_row[example], example] == pytest.approx(own)
        assert serving.best[example] == pytest.approx(pool[:, example].max())
        expected = NOT if own <= pool[:, example].mean() else WELL if own >= usual / 2 else BADLY
        assert serving.how[example] == expected
    assert sum(serving.count(how) for how in (WELL, BADLY, NOT)) == VALIDATION


def test_served_not_at_all_badly_and_lacking():
    serving = Served(
        examples=np.arange(4),
        best=np.array([0.8, 0.6, 0.1, 0.6]),
        best_row=np.arange(4),
        own=np.array([0.8, 0.2, 0.1, 0.0]),
        own_row=np.arange(4),
        usual=0.6,
        average=np.full(4, 0.05),
    )
    assert serving.how.tolist() == [WELL, BADLY, BADLY, NOT]
    assert serving.lacking.tolist() == [False, False, True, False]


def test_nothing_serves_no_one(run):
    pool = pool_service(run.regime("sgd"), run.valid, np.arange(VALIDATION))
    assert served(pool, run.regime("sgd"), np.zeros(0, int)).count(NOT) == VALIDATION


def test_the_worst_served_come_first_with_the_pools_best(run):
    regime = run.regime("sgd")
    serving = served(
        pool_service(regime, run.valid, np.arange(VALIDATION)), regime, walk(run, count=5).samples
    )
    frame = least_served(run, serving)
    assert serving.at_best == sum(frame["cosine"] == frame["best in pool"]) > 0
    assert frame["cosine"].is_monotonic_increasing and len(frame) == VALIDATION
    for row in frame.to_dict("records"):
        assert regime.validation_cosines[row["best instruction"], row["example"]] == pytest.approx(
            row["best in pool"]
        )
        assert row["text"] == run.validation["prompt"].iloc[row["example"]]


def test_pins_cost_the_places_that_a_walk_without_them_has(run):
    sample = int(walk(run, count=VALIDATION).samples[3])
    for changes in ({"count": VALIDATION}, {"count": 30}, {"count": 9, "facets_by": "number", "facets": 3}):
        free, held = walk(run, **changes), walk(run, **changes, pins=(sample,))
        lost = places_lost(run, held)
        assert pinned(held) == 1 and lost.tolist() == np.flatnonzero(free.budgets > held.budgets).tolist()
        assert len(lost) >= 1 and not len(places_lost(run, free)) and pinned(free) == 0
        more = walk(run, **{**changes, "count": changes["count"] + 1}, pins=(sample,))
        assert more.budgets.tolist() == free.budgets.tolist(), "a larger budget gives them back"
    on_top = walk(run, component_budgets=(1,) * VALIDATION, count=None, pins=(sample,))
    assert len(on_top.steps) == VALIDATION + 1 and not len(places_lost(run, on_top))


def test_one_direction_an_example_in_turn_resembles_round_robin(run):
    samples = walk(run, count=VALIDATION).samples
    alike = resemblances(samples, choices(run, PARAMETERS, len(samples)), int(run.valid.sum()))
    in_turn = RoundRobin(regime="sgd", fraction=None, count=VALIDATION).select(run)
    assert (alike[0].method, alike[0].size) == ("round_robin", VALIDATION)
    assert alike[0].shared == len(set(in_turn.tolist()) & set(samples.tolist())) > 0.8 * VALIDATION
    shared = {one.method: one.shared for one in alike}
    less = Less(regime="sgd", fraction=None, count=VALIDATION).select(run)
    assert shared["less"] == len(set(less.tolist()) & set(samples.tolist()))
    assert shared["random"] == pytest.approx(VALIDATION**2 / run.valid.sum())
    own = RoundRobin(regime="sgd", fraction=None, count=30).select(run)
    assert resemblances(own, choices(run, PARAMETERS, 30), 249)[0].shared == 30


@pytest.mark.parametrize("order", ["in_turn", "sequential"])
def test_the_budget_curve_is_that_of_walks(run, order):
    trace = walk(run, order=order)
    curve = budget_curve(run, trace)
    cosines = np.asarray(run.regime("sgd").validation_cosines, float)
    assert curve["count"].is_monotonic_increasing and curve["present"].sum() == 1
    assert set(curve["count"]) == {24, *(max(1, int(run.valid.sum() * fraction)) for fraction in FRACTIONS)}
    for row in curve.to_dict("records"):
        samples = trace.samples if row["present"] else walk(run, order=order, count=row["count"]).samples
        if order == "in_turn" and not row["present"]:
            samples = walk(run, order=order, count=int(curve["count"].max())).samples[: row["count"]]
        assert row["taken"] == len(samples)
        assert row["coverage"] == pytest.approx(cosines[samples].max(axis=0).mean())
        assert row["tokens"] == run.instructions["tokens"].iloc[samples].sum()


def test_it_flattens_at_the_first_that_is_nearly_the_last():
    curve = pd.DataFrame({"count": [1, 2, 3, 4], "coverage": [0.5, 0.949, 0.951, 1.0]})
    assert FLAT == 0.95 and flattens_at(curve)["count"] == 3


@pytest.mark.parametrize("changes", [{}, {"order": "sequential"}, {"pins": (30,)}])
def test_where_an_example_is_a_direction_coverage_is_full_from_one_instruction_each(run, changes):
    parameters = walk_preset("recommended", count=5, **changes)
    full = full_by_design(walks.walk(run, parameters), walks.core_knowledge(run, parameters))
    assert full == VALIDATION + len(changes.get("pins", ()))
    at, above = (walk(run, count=count, **changes) for count in (full, 3 * full))
    assert sorted(set(at.steps.component[at.steps.component >= 0])) == list(range(VALIDATION))
    assert walks.coverage(run, parameters, above.samples) == pytest.approx(
        walks.coverage(run, parameters, at.samples), rel=0.02
    )


def test_where_directions_are_of_several_examples_coverage_is_not_full_by_design(run):
    parameters = walk_preset("recommended", count=5, facets_by="number")
    assert full_by_design(walks.walk(run, parameters), walks.core_knowledge(run, parameters)) is None


def test_settings_without_effect_have_none(run):
    trace = walk(run, count=VALIDATION)
    idle = idle_settings(run, trace)
    assert {"consistency", "delta", "no_conflict"} <= set(idle)
    changed = walk(run, count=VALIDATION, consistency=False, no_conflict=False)
    assert changed.samples.tolist() == trace.samples.tolist()
    assert not {"consistency", "delta", "no_conflict"} & set(idle_settings(run, walk(run, count=40)))


def test_conflicts_within_and_across_directions(run):
    trace = walk(run, count=30)
    rows = run.regime("sgd").gradients[trace.samples].astype(float)
    within = across = pairs_within = 0
    for one in range(30):
        for other in range(one):
            same = trace.steps.component[one] == trace.steps.component[other]
            conflict = rows[one] @ rows[other] < 0
            within, pairs_within = within + (same and conflict), pairs_within + same
            across += conflict
    found = conflicts_taken(run, trace)
    assert found.within == within / pairs_within
    assert found.overall == across / (30 * 29 / 2)


def test_numbers_in_sentences_never_read_as_what_they_are_not():
    for value, shown in (
        (0.5, "0.50"),
        (-0.004, "-0.004"),
        (-0.00004, "-0.00004"),
        (0, "0.00"),
        (-0.0, "0.00"),
    ):
        assert decimals(value) == decimals(np.float32(value)) == shown
    assert decimals(-0.0004, 3) == "-0.0004" and decimals(-1e-9) == "0.00" and decimals(float("nan")) == "nan"
    beside = {0.9: "0.90", 0.901: "0.901", 0.90004: "0.90004", 0.95: "0.95", -0.001: "-0.001"}
    assert {value: decimals(value, unlike=0.9) for value in beside} == beside


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_numbers_of_the_screens_are_those_of_the_sentences():
    values = [0.5, -0.004, 0.00004, 0, -0.0, 1, -0.3]
    file = Path(dom.__file__).parent / "dom.js"
    script = f"import {{ decimals }} from {json.dumps(str(file))}; console.log(JSON.stringify({values}.map(decimals)))"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [decimals(value) for value in values]
