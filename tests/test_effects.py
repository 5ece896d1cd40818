"""What other values of a setting would do, before they are chosen."""

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.effects import alternatives, effect
from g2is.app.shared.labels import VALUES
from g2is.app.walk.effects import effect_words
from g2is.config import WalkParameters, walk_preset
from g2is.errors import InputError
from g2is.run.run import Run
from tests.app.tiny_run import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "tiny")


PARAMETERS = walk_preset("recommended", count=40, facets_by="number")


@pytest.mark.parametrize("name", WalkParameters.model_fields)
def test_effects_are_those_of_walking_again(run, name):
    before = walks.walk(run, PARAMETERS)
    for said, changed in alternatives(run, PARAMETERS, name, VALUES.get(name, {})).items():
        assert said and getattr(changed, name) != getattr(PARAMETERS, name)
        found = effect(run, PARAMETERS, before.samples, changed)
        after = walks.walk(run, changed).samples
        assert found.added == len(set(after.tolist()) - set(before.samples.tolist()))
        assert len(before.samples) - found.removed + found.added == len(after)
        cosines = run.regime("sgd").validation_cosines
        gained = cosines[after].max(axis=0).mean() - cosines[before.samples].max(axis=0).mean()
        assert found.coverage == pytest.approx(gained, abs=1e-6)


def test_which_values_are_tried(run):
    def tried(name, **changes):
        return list(alternatives(run, PARAMETERS.replace(**changes), name, VALUES.get(name, {})))

    assert tried("no_conflict") == ["off"] and tried("no_conflict", no_conflict=False) == ["on"]
    assert tried("delta") == ["0.7", "0.9"] and tried("delta", delta=1.0) == ["0.9"]
    assert tried("order") == ["one direction after the other (paper)"]
    assert tried("facets") == ["16", "64"]
    assert tried("max_cosine", max_cosine=0.5) == ["no limit"]
    assert tried("pins") == [] and tried("regime") == []


def test_what_is_tried_does_not_drive_the_walk_out_of_the_cache(run):
    samples = walks.walk(run, PARAMETERS).samples
    known = walks.core_knowledge(run, PARAMETERS)
    for seed in range(1, 9):
        effect(run, PARAMETERS, samples, PARAMETERS.replace(seed=seed))
    assert walks.core_knowledge(run, PARAMETERS) is known


def test_effects_in_words(run):
    samples = walks.walk(run, PARAMETERS).samples
    assert effect_words(effect(run, PARAMETERS, samples, PARAMETERS)) == "no change"
    smaller = effect(run, PARAMETERS, samples, PARAMETERS.replace(count=12))
    assert effect_words(smaller).startswith(f"−{smaller.removed} +{smaller.added}, coverage −0.")
    with pytest.raises(InputError):
        effect(run, PARAMETERS, samples, PARAMETERS.replace(pins=tuple(range(41))))
    assert np.isnan(effect(run, PARAMETERS, samples[:0], PARAMETERS).coverage)
