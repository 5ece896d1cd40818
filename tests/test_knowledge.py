"""Core knowledge beside independent numpy, and what it refuses."""

import numpy as np
import pytest

from g2is.arrays.unit import unit
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.knowledge import core_knowledge, facets, principal


def gradients(rows: int = 30, width: int = 12, seed: int = 0) -> np.ndarray:
    """Rows of different lengths around a common direction, in float32."""
    random = np.random.default_rng(seed)
    scales = random.uniform(0.5, 5, (rows, 1))
    return (scales * (random.standard_normal((rows, width)) + 0.7)).astype(np.float32)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("variance", [0.05, 0.3, 0.5, 0.9])
def test_principal_directions_are_those_of_the_covariance(center, variance):
    rows = gradients()
    knowledge = principal(rows, variance=variance, center=center)
    moved = rows - rows.mean(axis=0) * center
    energy, directions = np.linalg.eigh(moved.T.astype(np.float64) @ moved)
    energy, directions = energy[::-1] / energy.sum(), directions.T[::-1]
    assert len(knowledge) == np.sum(np.cumsum(energy) <= variance) + 1  # as many as it takes to get past it
    kept = energy[: len(knowledge)]
    np.testing.assert_allclose(knowledge.weights, kept / kept.sum(), rtol=1e-4)
    np.testing.assert_allclose(knowledge.spectrum["validation"], energy, atol=1e-6)
    along = np.sum(knowledge.components * directions[: len(knowledge)], axis=1)
    np.testing.assert_allclose(abs(along), 1, atol=1e-4)
    # The sign by which scikit-learn makes a direction unique: its largest entry is positive.
    largest = abs(knowledge.components).argmax(axis=1)
    assert np.all(knowledge.components[np.arange(len(knowledge)), largest] > 0)


def test_principal_is_scikit_learn_to_the_last_bit():
    from sklearn.decomposition import PCA

    rows = gradients(64, 128)
    pca = PCA(n_components=0.5).fit(rows)
    knowledge = principal(rows, variance=0.5)
    shares = pca.explained_variance_ratio_
    assert knowledge.weights.dtype == np.float32
    assert np.array_equal(knowledge.weights, shares / np.sum(shares))
    lengths = np.linalg.norm(pca.components_, axis=1, keepdims=True)
    assert np.array_equal(knowledge.components, pca.components_ / lengths)


def test_a_number_of_components_instead_of_a_share():
    rows = gradients(600, 12)  # a size for which scikit-learn would choose its randomised solver
    few, more = principal(rows, components=3), principal(rows, components=5)
    assert (len(few), len(more)) == (3, 5)
    np.testing.assert_array_equal(few.components, more.components[:3])
    assert few.weights.sum() == pytest.approx(1)


def test_without_centring_the_common_direction_comes_first():
    rows = gradients()
    mean = unit(rows.mean(axis=0, keepdims=True))[0]
    assert abs(principal(rows, center=False).components[0] @ mean) > 0.95
    assert abs(principal(rows, center=True).components[0] @ mean) < 0.9


@pytest.mark.parametrize("center", [True, False])
def test_orienting_turns_components_towards_the_mean(center):
    rows = gradients(seed=3)
    plain = principal(rows, variance=0.9, center=center)
    turned = principal(rows, variance=0.9, center=center, orient=True)
    assert np.all(turned.components @ rows.mean(axis=0) >= 0)
    assert np.all(turned.mean_alignment >= 0)
    assert turned.flipped.any() and not turned.flipped.all() and not plain.flipped.any()
    signs = np.where(turned.flipped, -1, 1)[:, None]
    np.testing.assert_array_equal(turned.components, plain.components * signs)


def test_unit_rows_ignore_the_lengths_of_the_gradients():
    rows = gradients()
    scaled = rows * np.linspace(0.1, 9, len(rows), dtype=np.float32)[:, None]
    a, b = principal(rows, unit_rows=True), principal(scaled, unit_rows=True)
    np.testing.assert_allclose(abs(np.sum(a.components * b.components, axis=1)), 1, atol=1e-4)
    assert len(principal(rows)) != len(principal(scaled))


def test_loadings_are_cosines():
    rows = gradients()
    for knowledge in (principal(rows), facets(rows, count=4)):
        cosines = knowledge.components @ (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T
        np.testing.assert_allclose(knowledge.loadings, cosines, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(knowledge.components, axis=1), 1, atol=1e-6)


def test_facets_find_the_groups_there_are():
    random = np.random.default_rng(1)
    centers = unit(random.standard_normal((4, 40)))
    sizes = [12, 9, 6, 5]
    truth = np.repeat(np.arange(4), sizes)
    rows = centers[truth] + 0.05 * random.standard_normal((32, 40))
    rows *= random.uniform(0.1, 10, (32, 1))  # lengths must not matter
    shuffled = random.permutation(32)
    knowledge = facets(rows[shuffled], count=4)
    np.testing.assert_allclose(knowledge.weights, np.array(sizes) / 32)
    np.testing.assert_allclose(np.sum(knowledge.components * centers, axis=1), 1, atol=0.01)
    assert np.array_equal(knowledge.loadings.argmax(axis=0), truth[shuffled])
    assert not knowledge.flipped.any() and knowledge.spectrum["validation"].size == 0


def test_facets_are_at_most_a_third_of_the_rows_and_the_same_for_a_seed():
    rows = gradients(20)
    knowledge = facets(rows, count=32, seed=5)
    assert len(knowledge) == 6
    assert np.all(np.diff(knowledge.weights) <= 0) and knowledge.weights.sum() == pytest.approx(1)
    np.testing.assert_array_equal(knowledge.components, facets(rows, count=32, seed=5).components)
    assert len(facets(rows[:1], count=32)) == 1


def test_facets_of_equal_size_come_in_the_order_of_their_rows():
    rows = np.repeat(np.eye(3, 8), 4, axis=0)[np.tile([8, 0, 4], 4) + np.repeat(np.arange(4), 3)]
    for seed in range(5):
        assert np.array_equal(facets(rows, count=3, seed=seed).components, np.eye(3, 8)[[2, 0, 1]])


def test_facets_of_degenerate_rows():
    same = facets(np.ones((9, 4)), count=3)  # all alike: empty groups have to be filled
    assert len(same) == 3 and np.allclose(same.components, 0.5)
    opposite = facets(np.array([[2.0, 0], [-2.0, 0]]), count=1)  # a group without a mean direction
    assert np.array_equal(opposite.components, [[1, 0]])
    some_zero = facets(np.concatenate([np.zeros((5, 12)), gradients(9)]), count=3)
    assert len(some_zero) == 3 and some_zero.loadings.shape == (3, 14)


def test_one_target_is_the_plain_thing():
    rows = gradients()
    direct = principal(rows, variance=0.7, orient=True)
    parameters = WalkParameters(count=1, variance=0.7, orient=True)
    for knowledge in (core_knowledge(rows, parameters), core_knowledge(rows, parameters, ["bbh"] * 30)):
        for name in ("components", "weights", "loadings", "mean_alignment", "flipped"):
            assert np.array_equal(getattr(knowledge, name), getattr(direct, name)), name
    assert set(knowledge.targets) == {"bbh"} and set(knowledge.spectrum) == {"bbh"}


def test_several_targets_stand_side_by_side():
    rows, names = gradients(), ["gsm8k"] * 20 + ["bbh"] * 10
    parameters = WalkParameters(count=1, knowledge="facets")
    knowledge = core_knowledge(rows, parameters, names)
    parts = [facets(rows[:20], count=32), facets(rows[20:], count=32)]
    assert knowledge.targets == ("gsm8k",) * 6 + ("bbh",) * 3
    np.testing.assert_array_equal(knowledge.components, np.concatenate([p.components for p in parts]))
    shares = np.concatenate([parts[0].weights * 2 / 3, parts[1].weights / 3])  # by size
    np.testing.assert_allclose(knowledge.weights, shares)
    assert knowledge.loadings.shape == (9, 30)

    given = core_knowledge(rows, parameters.replace(targets={"bbh": 3, "gsm8k": 1}), names)
    np.testing.assert_allclose(given.weights[6:].sum(), 0.75)
    alone = core_knowledge(rows, parameters.replace(targets={"bbh": 1}), names)
    assert set(alone.targets) == {"bbh"} and alone.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (gradients(1), {}, "1 row"),
        (gradients() * np.nan, {}, r"row 0 .*not finite \(30 such rows\)"),
        (np.zeros((5, 3)), {}, "every row is zero"),
        (np.ones((5, 3)), {}, "all rows are equal"),
        (np.ones(5), {}, r"shape \(5,\)"),
        (gradients(5), {"components": 5}, "components = 5: .* at most 4"),
        (gradients(), {"targets": {"math": 1}}, "no target 'math'; there are 'a', 'b'"),
        (
            gradients(),
            {"targets": {"a": -1, "b": 1}},
            r"targets\.a = -1: expected greater than or equal to 0",
        ),
        (gradients(), {"targets": {"a": 0}}, "all shares are 0"),
    ],
)
def test_refusals_say_what_is_wrong(rows, settings, message):
    names = ["a", "b"] * 15 if "targets" in settings else None
    with pytest.raises(InputError, match=message):
        core_knowledge(rows, WalkParameters(count=1, **settings), names)


def test_one_row_is_enough_without_centring():
    assert len(principal(gradients(1), center=False)) == 1


@pytest.mark.parametrize("planted", [2, 4, 7])
def test_the_silhouette_finds_the_number_of_clear_groups(planted):
    random = np.random.default_rng(planted)
    centers = np.linalg.qr(random.standard_normal((40, planted)))[0].T
    labels = np.arange(8 * planted) % planted
    rows = centers[labels] + 0.05 * random.standard_normal((len(labels), 40))
    knowledge = facets(rows, count=99, by="silhouette")
    # 7 is not among the numbers tried; 6 and 8 are.
    assert len(knowledge) in {2: {2}, 4: {4}, 7: {6, 8}}[planted]
    if planted < 7:
        assert sorted(np.argmax(knowledge.components @ centers.T, axis=1)) == list(range(planted))
        np.testing.assert_allclose(knowledge.weights, 1 / planted)
    assert len(facets(rows, count=3, by="silhouette")) <= 3


def test_the_silhouette_of_few_rows_is_one_facet():
    assert len(facets(gradients(5), count=32, by="silhouette")) == 1


def test_each_row_can_be_a_facet_of_its_own():
    rows = gradients(9)
    rows[4] = 0
    knowledge = core_knowledge(
        rows, WalkParameters(count=1, knowledge="facets", facets_by="each"), ["a"] * 5 + ["b"] * 4
    )
    kept = np.delete(np.arange(9), 4)
    np.testing.assert_allclose(knowledge.components, unit(rows[kept]), atol=1e-6)
    np.testing.assert_allclose(knowledge.weights, [5 / 9 / 4] * 4 + [4 / 9 / 4] * 4)


def test_a_direction_stands_for_an_example_of_its_own_target():
    rows = gradients(9)
    rows[4] = 0
    rows[6], rows[8] = rows[1], rows[5]  # an example of another target, and one of the same
    names = ["a"] * 5 + ["b"] * 4
    each = WalkParameters(count=1, knowledge="facets", facets_by="each")
    assert core_knowledge(rows, each, names).examples.tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    only = each.replace(targets={"b": 1.0})
    assert core_knowledge(rows, only, names).examples.tolist() == [5, 6, 7, 8]
    principal = core_knowledge(rows, WalkParameters(count=1, knowledge="principal", components=2), names)
    for component, (target, example) in enumerate(zip(principal.targets, principal.examples, strict=True)):
        own = np.flatnonzero(np.array(names) == target)
        assert example in own
        assert abs(principal.loadings[component, own]).max() == abs(principal.loadings[component, example])
