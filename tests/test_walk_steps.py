"""The steps of a walk as the screen shows them: windows, candidates with runners-up, and why not."""

from dataclasses import replace

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.candidates import MOST, RUNNERS_UP, candidates_at
from g2is.analysis.steps import LISTED, WINDOW, step_views, window_start
from g2is.analysis.why_not import NAMED, ordinal, places, rejected, why_not
from g2is.config import walk_preset
from g2is.walk import ORIGINS, Verdict
from tests.app.tiny_run import INVALID, make_run

GRAPH = {"facets_by": "number", "order": "sequential", "knowledge_coherence": True}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("steps") / "tiny")


@pytest.mark.parametrize("steps", [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 5 * WINDOW + 7])
def test_the_window_holds_the_step_and_moves_by_halves(steps):
    starts = [window_start(step, steps) for step in range(steps)]
    for step, start in enumerate(starts):
        assert 0 <= start <= step < start + WINDOW
        if steps > WINDOW:
            assert start + WINDOW <= steps
            assert step - start >= min(step, WINDOW // 4) and start + WINDOW - step > min(
                steps - 1 - step, WINDOW // 4 - 1
            )
    assert len(set(starts)) <= 2 + 2 * steps // WINDOW


@pytest.mark.parametrize("changes", [{}, GRAPH, {**GRAPH, "delta": 0.97, "bans": (20, 21)}])
def test_runners_up_are_the_next_free_ones(run, changes):
    trace = walks.walk(run, walk_preset("recommended", count=40, **changes))
    affinities = walks.affinities(run, trace.parameters)
    for step, component in enumerate(trace.steps.component):
        found = candidates_at(run, trace, step)
        listed = {row.sample for row in (*found.neighbors, *found.pool)}
        gone = {INVALID, *trace.parameters.bans, *trace.samples[: step + 1].tolist(), *listed}
        searched = trace.steps.origin[step] != 2
        taken = affinities[trace.steps.sample[step], component]
        free = [
            row
            for row in range(trace.rows)
            if row not in gone and not (searched and affinities[row, component] > taken)
        ]
        free.sort(key=lambda row: (-affinities[row, component], row))
        assert [row.sample for row in found.runners_up] == free[:RUNNERS_UP]
        assert {row.verdict for row in found.runners_up} <= {"next", "conflict", "consistency"}


def test_a_runner_up_is_told_when_it_is_taken_later(run):
    trace = walks.walk(run, walk_preset("recommended", count=40))
    at = {int(sample): step for step, sample in enumerate(trace.samples)}
    later = 0
    for view in step_views(run, trace, 0):
        for row in view.considered:
            if row.verdict == "next":
                assert f"the place went to #{view.sample}" in row.why
                assert (f"taken later, at step {at.get(row.sample, -1) + 1}" in row.why) == (row.sample in at)
                later += row.sample in at
    assert later


def test_a_step_says_its_example_and_what_was_considered(run):
    trace = walks.walk(run, walk_preset("recommended", count=40, pins=(3,)))
    views = step_views(run, trace, 0)
    assert [view.sample for view in views] == trace.samples.tolist()
    assert views[0].example is None and views[0].considered == () and "pinned" in views[0].reason
    cosines = run.regime("sgd").validation_cosines
    for view in views[1:]:
        assert view.cosine == pytest.approx(float(cosines[view.sample, view.example]), abs=1e-3)
        assert [row.sample for row in view.considered if row.verdict == "chosen"] == [view.sample]
        assert len(view.considered) <= LISTED + 1 + RUNNERS_UP


def test_a_step_on_the_graph_says_its_edge_and_what_it_was_the_best_of(run):
    trace = walks.walk(run, walk_preset("graph", neighbors=10, count=60, bans=(20, 21)))
    regime, affinities = run.regime("sgd"), walks.affinities(run, trace.parameters)
    stepped = 0
    for view in step_views(run, trace, 0):
        if trace.steps.origin[view.step] != ORIGINS.index("neighbor"):
            continue
        stepped += 1
        previous, component = int(trace.steps.previous[view.step]), int(trace.steps.component[view.step])
        listed = regime.neighbors[previous, :10].tolist()
        free = [row for row in listed if row not in (20, 21, *trace.samples[: view.step])]
        edge = float(regime.cosines[previous, listed.index(view.sample)])
        assert view.reason.startswith(
            f"from #{previous} over an edge of {edge:.2f}; {view.cosine:.2f} towards example {view.example}; "
            f"best of its {len(free)} free neighbours"
        )
        ranked = sorted(free, key=lambda row: -affinities[row, component])
        place = ranked.index(view.sample)
        assert ("that passes the rules" in view.reason) == (place > 0)
        found = candidates_at(run, trace, view.step)
        assert {row.sample for row in found.neighbors} >= set(ranked[: place + 1])
        assert [row.sample for row in found.runners_up] == ranked[place + 1 :][:RUNNERS_UP]
        text = walks.explain(run, trace, view.sample).text
        assert f"from instruction {previous} over an edge of {edge:.3f}" in text
        assert f"best of its {len(free)} free neighbours" in text
        assert f"best of its {len(free)} free neighbours" in why_not(run, trace, view.sample).text
    assert stepped > 20


def test_rejected_ones_that_are_not_listed_are_counted(run):
    """Neighbours and, in a search of the pool, every free one that is closer to the direction."""
    trace = walks.walk(run, walk_preset("recommended", count=60, delta=0.97, **GRAPH))
    affinities = walks.affinities(run, trace.parameters)
    counted = 0
    for view in step_views(run, trace, 0):
        found = candidates_at(run, trace, view.step)
        if found.passed_over > MOST:
            continue
        rejected_rows = {row.sample for row in found.neighbors} - {view.sample}
        component = trace.steps.component[view.step]
        closer = np.flatnonzero(affinities[:, component] > affinities[view.sample, component])
        if trace.steps.origin[view.step] == ORIGINS.index("fallback"):
            free = np.setdiff1d(np.flatnonzero(run.valid), trace.samples[: view.step])
            rejected_rows |= set(np.intersect1d(closer, free).tolist())
        elif trace.steps.origin[view.step] == ORIGINS.index("anchor"):
            rejected_rows |= set(closer[run.valid[closer]].tolist())
        assert view.unlisted == max(0, len(rejected_rows) - LISTED)
        counted += view.unlisted > 0
    assert counted


def test_why_not_names_the_place_and_who_took_it(run):
    trace = walks.walk(run, walk_preset("recommended", count=40))
    cosines = np.asarray(run.regime("sgd").validation_cosines, np.float32)
    for sample in np.setdiff1d(np.flatnonzero(run.valid), trace.samples)[:60].tolist():
        answer = why_not(run, trace, sample)
        example = int(walks.affinities(run, trace.parameters)[sample].argmax())
        winners = trace.samples[trace.steps.component == example]
        rank = 1 + int((cosines[run.valid, example] > cosines[sample, example]).sum())
        assert answer.example == example and answer.winners == tuple(winners)
        assert f"closest example is {example}: cosine {cosines[sample, example]:.2f}, {ordinal(rank)} of" in (
            answer.text
        )
        assert all(f"#{winner}" in answer.text for winner in winners[:NAMED])


def test_why_in(run):
    trace = walks.walk(run, walk_preset("recommended", count=40, pins=(3,), bans=(4,)))
    assert why_not(run, trace, 3).text == "Taken at step 1: it is pinned."
    assert why_not(run, trace, 4).text == "It can never be taken: it is banned."
    assert why_not(run, trace, INVALID).text == "It can never be taken: it has no valid gradient."
    for step, sample in enumerate(trace.samples[1:].tolist(), start=1):
        answer = why_not(run, trace, sample)
        assert answer.step == step and answer.text.startswith(f"Taken at step {step + 1} for example ")


def test_places_that_were_taken(run):
    trace = walks.walk(run, walk_preset("recommended", count=40))
    assert "no place" in places(trace, np.array([], int))
    assert places(trace, np.array([2])).startswith(f"Its one place went to #{trace.samples[2]} (")
    assert " and " in places(trace, np.array([1, 2]))
    assert places(trace, np.arange(7)).endswith("and 4 more.")


VERDICT = Verdict(2, "apples", 0.4321, "conflict", 7, 3, 17, -0.1234, 0.0)


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (VERDICT, "at step 8: it conflicts with #17 (cosine -0.12, below 0)."),
        (replace(VERDICT, reason="redundant", needed=0.9), "too similar to #17 (cosine -0.12, above 0.9)"),
        (
            replace(VERDICT, reason="consistency", step=None),
            "in the last search: it would lower the alignment",
        ),
        (replace(VERDICT, reason="outranked"), "at step 8, but a nearer neighbour was taken"),
        (replace(VERDICT, reason="not reached"), ""),
        (replace(VERDICT, reason="no budget"), ""),
    ],
)
def test_the_rule_that_rejected_it(run, verdict, text):
    trace = walks.walk(run, walk_preset("recommended", count=5, max_cosine=0.9))
    sentence = rejected(trace, verdict)
    assert text in sentence and bool(sentence) == bool(text)


def test_ordinals():
    said = [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 1021)]
    assert said == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th", "1,021st"]
