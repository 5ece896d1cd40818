"""Affinities from the cosines to validation examples, beside those from the rows themselves."""

from dataclasses import replace

import numpy as np
import pytest

from g2is.arrays.unit import unit
from g2is.config import walk_preset
from g2is.knowledge import affinities, affinities_by_examples, component_affinities, core_knowledge


@pytest.fixture
def given():
    """(200, 48) rows in half precision, (12, 48) validation gradients of any length, and their cosines."""
    random = np.random.default_rng(0)
    rows = unit(random.standard_normal((200, 48))).astype(np.float16)
    rows[[3, 9]] = 0
    validation = (random.standard_normal((12, 48)) * random.uniform(0.1, 30, (12, 1))).astype(np.float32)
    return rows, validation, unit(rows) @ unit(validation).T


@pytest.mark.parametrize("block", [100, 1 << 14])
@pytest.mark.parametrize("preset", ["official", "recommended"])
@pytest.mark.parametrize("targets", [["validation"] * 12, ["a", "b"] * 5 + ["b"] * 2])
def test_sums_of_cosines_are_the_products_with_the_components(given, preset, targets, block, monkeypatch):
    monkeypatch.setattr(affinities, "BLOCK", block)
    rows, validation, cosines = given
    knowledge = core_knowledge(validation, walk_preset(preset, fraction=0.1), targets)
    found = affinities_by_examples(cosines, validation, targets, knowledge)
    assert found is not None and found.dtype == np.float32 and found.T.flags.c_contiguous
    assert found == pytest.approx(component_affinities(rows, knowledge), abs=2e-6)
    assert not found[[3, 9]].any()


def test_cosines_that_are_not_known_are_left_to_the_rows(given):
    _, validation, cosines = given
    knowledge = core_knowledge(validation, walk_preset("recommended", fraction=0.1))
    cosines[:, 4] = np.nan
    assert affinities_by_examples(cosines, validation, ["validation"] * 12, knowledge) is None


def test_other_targets_change_no_bit(given):
    _, validation, cosines = given
    settings, names = walk_preset("recommended", fraction=0.1), ["a", "b"] * 6
    alone = core_knowledge(validation[::2], settings, ["a"] * 6)
    found = affinities_by_examples(cosines[:, ::2], validation[::2], ["a"] * 6, alone)
    among = affinities_by_examples(cosines, validation, names, alone)
    assert np.array_equal(found, among)


def test_components_that_are_no_sum_of_the_examples_are_left_to_the_rows(given):
    _, validation, cosines = given
    knowledge = core_knowledge(validation, walk_preset("recommended", fraction=0.1))
    assert affinities_by_examples(cosines[:, :11], validation[:11], ["validation"] * 11, knowledge) is None


def test_weights_so_large_that_rounding_would_show_are_left_to_the_rows(given):
    """The difference of two examples that differ by a thousandth weighs each a thousand times."""
    _, validation, cosines = given
    close = np.concatenate([validation, validation[:1]])
    close[-1, 0] += 1e-3 * np.linalg.norm(close[-1])
    knowledge = core_knowledge(close, walk_preset("recommended", fraction=0.1))
    difference = replace(
        knowledge, targets=("validation",), components=unit(unit(close[:1]) - unit(close[-1:]))
    )
    more = np.pad(cosines, ((0, 0), (0, 1)))
    assert affinities_by_examples(more, close, ["validation"] * 13, difference) is None
