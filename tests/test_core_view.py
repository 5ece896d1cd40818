"""What the Core knowledge page says about components, against the definitions written out."""

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.core import (
    closest_samples,
    components_frame,
    facets_frame,
    groups_of,
    orientation,
    spectrum_of,
)
from g2is.arrays.unit import unit
from g2is.config import WalkParameters, walk_preset
from g2is.run.run import Run
from g2is.walk import ORIGINS
from tests.app.tiny_run import INVALID, VALIDATION, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("core") / "tiny")


def official(**changes):
    return walk_preset("official", **{"count": 60, "regime": "sgd", "center": False, **changes})


def by_facets(**changes):
    return WalkParameters(**{"count": 60, "regime": "sgd", "knowledge": "facets", **changes})


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("variance", [0.3, 0.5, 0.9])
def test_the_cut_is_the_first_that_passes_variance(run, center, variance):
    found = spectrum_of(run, official(variance=variance), "apples", center=center)
    rows = run.validation_gradients.astype(np.float64)
    rows = rows - rows.mean(axis=0) if center else rows
    energy = np.linalg.svd(rows, compute_uv=False) ** 2
    assert found.shares == pytest.approx(energy / energy.sum(), abs=1e-6)
    assert found.shares[: found.kept].sum() > variance >= found.shares[: found.kept - 1].sum()
    used = walks.core_knowledge(run, official(variance=variance, center=center))
    assert found.kept == len(used), "the cut drawn is the one the walk makes"


def test_facets_are_groups_that_share_out_the_examples(run):
    knowledge = walks.core_knowledge(run, by_facets())
    targets = run.validation["target"].tolist()
    groups, frame = groups_of(knowledge, targets), facets_frame(knowledge, targets)
    assert frame["examples"].tolist() == pytest.approx((knowledge.weights * VALIDATION).tolist())
    rows = unit(run.validation_gradients)
    for component in range(len(knowledge)):
        members = rows[groups == component]
        centroid = members.mean(axis=0) / np.linalg.norm(members.mean(axis=0))
        assert frame["cohesion"][component] == pytest.approx(float((members @ centroid).mean()), abs=1e-5)
        other = int(frame["nearest_facet"][component])
        assert other != component
        cosines = knowledge.components @ knowledge.components[component]
        assert np.delete(cosines, component).max() == pytest.approx(cosines[other])


def test_each_target_keeps_its_examples():
    from g2is.knowledge import core_knowledge

    rows = np.random.default_rng(0).standard_normal((12, 8))
    targets = ["a"] * 5 + ["b"] * 7
    groups = groups_of(core_knowledge(rows, by_facets(facets=2), targets), targets)
    assert set(groups[:5]) == {0} and set(groups[5:]) == {1, 2}
    alone = groups_of(core_knowledge(rows, by_facets(facets=2, targets={"b": 1.0}), targets), targets)
    assert (alone[:5] == -1).all() and set(alone[5:]) == {0, 1}


@pytest.mark.parametrize("parameters", [official(), by_facets(unspent="pass_on", delta=0.97)])
def test_every_component_has_its_numbers(run, parameters):
    trace, knowledge = walks.walk(run, parameters), walks.core_knowledge(run, parameters)
    frame = components_frame(run, parameters, knowledge, trace)
    affinities = unit(run.regime("sgd").gradients[run.valid]) @ knowledge.components.T
    assert frame["budget"].sum() == 60 and frame["taken"].sum() == len(trace.steps)
    assert frame["median"].to_numpy() == pytest.approx(np.median(affinities, axis=0), abs=1e-3)
    assert frame["highest"].to_numpy() == pytest.approx(affinities.max(axis=0), abs=1e-3)
    assert frame["positive"].to_numpy() == pytest.approx((affinities > 0).mean(axis=0), abs=0.01)
    for row in frame.itertuples():
        step = int(np.flatnonzero(trace.steps.sample == row.anchor)[0])
        assert ORIGINS[trace.steps.origin[step]] == "anchor" and trace.steps.component[step] == row.component
        first = np.flatnonzero(trace.steps.component == row.component)[0]
        assert step == first


def test_a_component_without_budget_has_no_anchor(run):
    parameters = by_facets(component_budgets=(60, 0, 0, 0))
    frame = components_frame(
        run, parameters, walks.core_knowledge(run, parameters), walks.walk(run, parameters)
    )
    assert (frame["anchor"][1:] == -1).all() and frame["anchor"][0] >= 0


def test_closest_samples_are_the_closest(run):
    parameters = by_facets()
    trace = walks.walk(run, parameters)
    found = closest_samples(run, parameters, trace, 2, 30)
    affinities = walks.affinities(run, parameters)[:, 2]
    rest = np.setdiff1d(np.flatnonzero(run.valid), found["sample"])
    assert INVALID not in found["sample"].tolist()
    assert found["cosine"].is_monotonic_decreasing and affinities[rest].max() <= found["cosine"].min()
    taken = found[found["step"] >= 0]
    assert len(taken) and (trace.steps.sample[taken["step"]] == taken["sample"]).all()
    assert not set(found["sample"][found["step"] < 0]) & set(trace.samples.tolist())


def test_the_sign_of_a_direction_is_explained(run):
    plain, oriented = walks.core_knowledge(run, official()), walks.core_knowledge(run, official(orient=True))
    away = np.flatnonzero(plain.mean_alignment < 0)
    assert len(away) and np.array_equal(np.flatnonzero(oriented.flipped), away)
    for component in range(len(plain)):
        turned = component in away
        assert ("points away from" in orientation(official(), plain, component)) == turned
        told = orientation(official(orient=True), oriented, component)
        assert ("its sign was flipped" in told) == turned and "points towards" in told
    assert "no sign to choose" in orientation(by_facets(), walks.core_knowledge(run, by_facets()), 0)
