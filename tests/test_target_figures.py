"""Figures about a walk or a selection are about its targets, not about all that the run has."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import g2is
from g2is.analysis import walks
from g2is.analysis.budget_curve import budget_curve
from g2is.analysis.candidates import candidates_at
from g2is.analysis.comparison import Profiler
from g2is.analysis.effects import effect
from g2is.analysis.resemblance import choices
from g2is.analysis.served import least_served, pool_service, served
from g2is.analysis.verdict import conflicts, verdict_table
from g2is.config import walk_preset
from g2is.pipeline.adding import target_from
from g2is.run.run import Run
from g2is.selectors.round_robin import RoundRobin
from tests.app.tiny_run import VALIDATION, make_run

ROWS = list(range(30, 35))
OWN = np.arange(VALIDATION, VALIDATION + len(ROWS))
"""Validation examples of the second target."""
SELECTIONS = {"one": [3, 50, 61], "other": [50, 70]}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("one") / "tiny", 80)


@pytest.fixture(scope="module")
def both(run, tmp_path_factory) -> Run:
    folder = shutil.copytree(run.folder, tmp_path_factory.mktemp("two") / "tiny")
    return target_from(Run.open(folder), ROWS, name="hard")


def settings(**changes):
    return walk_preset("recommended", **{"count": 8, **changes})


HARD = settings(targets={"apples": 0.0, "hard": 1.0})


def test_what_is_not_asked_about_another_target_stays_as_it_was(run, both):
    samples = walks.walk(run, settings()).samples
    assert walks.walk(both, settings()).samples.tolist() == samples.tolist()
    for ask in (
        lambda one: walks.coverage(one, settings(), samples),
        lambda one: vars(Profiler(one, "sgd")(samples)),
        lambda one: effect(one, settings(), samples, settings(count=5)),
        lambda one: budget_curve(one, walks.walk(one, settings())).to_dict(),
        lambda one: {name: rows.tolist() for name, rows in choices(one, settings(), 8).items()},
        lambda one: verdict_table(one, SELECTIONS, "sgd", None).drop(columns="loss").to_json(),
    ):
        assert ask(run) == ask(both)


def test_figures_of_another_target_are_about_it_alone(both):
    trace = walks.walk(both, HARD)
    assert walks.examples_in_use(both, HARD).tolist() == OWN.tolist()
    cosines = np.asarray(both.regime("sgd").validation_cosines, float)[:, OWN]
    closest = cosines[trace.samples].max(axis=0).mean()
    assert walks.coverage(both, HARD, trace.samples) == pytest.approx(closest, abs=1e-3)
    curve = budget_curve(both, trace)
    assert curve[curve["present"]]["coverage"].tolist() == [walks.coverage(both, HARD, trace.samples)]
    in_turn = RoundRobin(regime="sgd", fraction=None, count=8, targets=("hard",)).select(both)
    assert choices(both, HARD, 8)["round_robin"].tolist() == in_turn.tolist()
    assert not set(in_turn.tolist()) & set(ROWS)


def test_what_a_target_was_made_of_does_not_count_as_what_the_pool_has_for_it(both):
    regime = both.regime("sgd")
    samples = walks.walk(both, HARD).samples
    serving = served(pool_service(regime, walks.choosable(both, HARD), OWN), regime, samples)
    assert not set(serving.best_row.tolist()) & set(ROWS)
    assert set(serving.own_row.tolist()) <= set(samples.tolist())
    frame = least_served(both, serving)
    assert sorted(frame["example"]) == OWN.tolist()
    assert frame["text"].tolist() == both.validation["prompt"].iloc[frame["example"]].tolist()
    every = walks.choosable(both, HARD.replace(without_target_rows=False))
    assert pool_service(regime, every, OWN).best_row.tolist() == ROWS
    profile = Profiler(both, "sgd", OWN)(np.array([3, 50]))
    assert profile.coverage_of_pool > 1.1 * profile.coverage


def test_a_step_says_why_what_its_target_was_made_of_is_not_taken(both):
    considered = candidates_at(both, walks.walk(both, HARD), 0).pool
    why = {one.sample: one.why for one in considered if one.sample in ROWS}
    assert why and set(why.values()) == {"the target is made of it"}


def test_a_verdict_is_by_the_examples_it_is_asked_about(both):
    table = verdict_table(both, SELECTIONS, "sgd", None, OWN)
    assert (table[["well", "badly", "not"]].sum(axis=1) == len(OWN)).all()
    regime, samples = both.regime("sgd"), np.arange(20)
    closest = np.asarray(regime.validation_cosines)[samples][:, OWN].argmax(axis=1)
    rows = np.asarray(regime.gradients, float)[samples[samples != 7]]
    closest = closest[samples != 7]
    same = np.triu(closest[:, None] == closest, k=1)
    found = conflicts(regime, samples[samples != 7], OWN).within
    assert found == pytest.approx((rows @ rows.T < 0)[same].mean(), abs=0.02)


BY_ROWS_ALONE = {
    "app/compare/choice.py": "whether the box of selections was filled",
    "app/home/contents.py": "shown",
    "app/shared/arrivals.py": "whether another run has taken the place of one that was seen",
    "app/shared/aside.py": "the basket, which is rows of the pool",
}
"""What may be kept under `run.hash`, which stays the same when targets come and go: nothing that depends on these."""


def test_what_is_cached_is_cached_under_the_state_of_the_run():
    package = Path(g2is.__file__).parent
    found = {
        path.relative_to(package).as_posix()
        for folder in ("app", "analysis", "figures")
        for path in (package / folder).rglob("*.py")
        if re.search(r"\brun\.hash\b", path.read_text())
    }
    assert found == set(BY_ROWS_ALONE), "cache under run.state, which changes with targets and instructions"
