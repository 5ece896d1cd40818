"""Walks over a run: what is kept between them, for whom, and for how long."""

import gc
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest

import g2is.knowledge
from g2is.analysis import walks
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.run.run import Run
from tests.app.tiny_run import POOL, make_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("walks") / "tiny").folder


@pytest.fixture
def run(folder) -> Run:
    """The run, open anew, so that nothing is kept of it."""
    return Run.open(folder)


def one_facet(seed: int = 0):
    return walk_preset("recommended", facets_by="number", facets=1, seed=seed, count=3)


@pytest.mark.parametrize(("most", "kept"), [(2**30, 4), (2 * 4 * POOL, 2), (1, 1)])
def test_affinities_are_kept_within_bounds(run, monkeypatch, most, kept):
    monkeypatch.setattr(walks, "BYTES_KEPT", most)
    for seed in range(6):
        settings = one_facet(seed)
        assert walks.affinities(run, settings).shape == (POOL, 1)
        assert walks.affinities(run, settings) is walks.affinities(run, settings)
    assert len(walks._kept[run].entries) == kept


def test_sessions_that_ask_at_the_same_time_wait_for_one_computation(run, monkeypatch):
    prepare, calls, asked = walks._prepare, [], threading.Barrier(8)

    def counted(*arguments):
        calls.append(arguments)
        return prepare(*arguments)

    monkeypatch.setattr(walks, "_prepare", counted)
    results = []

    def ask() -> None:
        asked.wait(30)
        results.append(walks.core_knowledge(run, one_facet()))

    sessions = [threading.Thread(target=ask) for _ in range(8)]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    assert len(calls) == 1 and len(results) == 8
    assert all(result is results[0] for result in results)


def test_what_failed_is_not_kept(run):
    wrong = walk_preset("official", regime="sgd", count=3, components=99)
    for _ in range(2):
        with pytest.raises(InputError, match="components = 99"):
            walks.walk(run, wrong)
    assert not walks._kept[run].entries
    assert len(walks.walk(run, walk_preset("recommended", count=3)).samples) == 3


def test_it_is_released_with_the_run(folder):
    run = Run.open(folder)
    kept = weakref.ref(walks.affinities(run, one_facet()))
    assert kept() is not None
    del run
    gc.collect()
    assert kept() is None


def test_walks_and_explanations_are_those_of_the_arrays(run):
    from g2is.walk import explain, gradient_walk

    settings = walk_preset("recommended", facets=4, count=20, delta=0.95)
    regime, knowledge = run.regime("sgd"), walks.core_knowledge(run, settings)
    trace = gradient_walk(
        regime.gradients, regime.neighbors, regime.cosines, knowledge, settings, valid=run.valid
    )
    assert np.array_equal(walks.walk(run, settings).samples, trace.samples)
    sample = int(np.setdiff1d(np.flatnonzero(run.valid), trace.samples)[0])
    direct = explain(trace, sample, regime.gradients, regime.neighbors, knowledge, valid=run.valid)
    assert walks.explain(run, trace, sample).text == direct.text


@pytest.mark.parametrize(
    ("dtype", "approximate_from", "rows_read"),
    [(np.float16, POOL + 1, False), (np.float32, POOL + 1, True), (np.float32, POOL, False)],
)
def test_affinities_are_of_the_rows_only_where_those_are_as_the_script_has_them(
    run, monkeypatch, dtype, approximate_from, rows_read
):
    """Otherwise they are sums of the cosines to validation examples, for which no row is read."""
    regime = run.regime("sgd")
    monkeypatch.setattr(walks, "APPROXIMATE_FROM", approximate_from)
    monkeypatch.setattr(
        Run, "regime", lambda self, name: replace(regime, gradients=regime.gradients.astype(dtype))
    )
    computed, read = g2is.knowledge.component_affinities, []
    monkeypatch.setattr(
        "g2is.knowledge.component_affinities", lambda *given: read.append(given) or computed(*given)
    )
    found = walks.affinities(run, one_facet())
    assert bool(read) == rows_read
    assert found == pytest.approx(
        computed(regime.gradients, walks.core_knowledge(run, one_facet())), abs=1e-3
    )
