"""The benchmark of landmarks: landmarks, estimates, features and the rule, on tiny inputs."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from benchmarks import landmark_estimates, landmark_features
from benchmarks.experiment_tables import put
from benchmarks.landmark_agreement import (
    PUBLISHED,
    WAYS,
    Estimates,
    Goal,
    Way,
    agreements,
    mean_over_targets,
    without_gradients,
)
from benchmarks.landmark_estimates import ESTIMATES, rank_correlations, spread_landmarks
from benchmarks.landmark_features import FEATURES, SIDE, features_of, middle, output, states, tangents
from benchmarks.landmark_tables import ALL, NONE, agreement_table, rule_table, verdict
from benchmarks.landmarks import best_way, with_cost
from g2is.arrays.unit import unit
from g2is.lm.train import pad, sample_losses
from tests.tiny import adapted_model, random_samples


@pytest.fixture(scope="module")
def smooth():
    """Unit features (200, 5), a smooth function of them (200, 3), and 60 landmarks."""
    random = np.random.default_rng(0)
    features = unit(random.normal(size=(200, 5))).astype(np.float64)
    values = features @ random.normal(size=(5, 3)) + 0.3 * np.sin(3 * features[:, :1])
    return features, values, np.sort(random.permutation(200)[:60])


@pytest.mark.parametrize("name", ESTIMATES)
def test_estimates_find_a_smooth_function(name, smooth):
    features, values, landmarks = smooth
    others = np.setdiff1d(np.arange(200), landmarks)
    estimated = ESTIMATES[name](features, landmarks, values[landmarks])
    assert estimated.shape == values.shape
    error = np.square(estimated - values)[others].mean() / values[others].var()
    assert error < {"nearest": 0.5, "ridge": 0.1, "kernel ridge": 0.05, PUBLISHED: 0.05}[name]


def test_the_error_of_what_is_left_out_is_that_of_fitting_without_it(smooth, monkeypatch):
    features, values, landmarks = smooth
    values = values[landmarks] - values[landmarks].mean(axis=0)
    kernel = features[landmarks] @ features[landmarks].T
    monkeypatch.setattr(landmark_estimates, "DAMPINGS", (0.1,))
    damping, error = landmark_estimates._best_damping(kernel, values)
    assert damping == pytest.approx(0.1 * np.trace(kernel) / 60)
    errors = []
    for row in range(60):
        rest = np.delete(np.arange(60), row)
        fitted = np.linalg.solve(kernel[np.ix_(rest, rest)] + damping * np.eye(59), values[rest])
        errors.append(kernel[row, rest] @ fitted - values[row])
    assert error == pytest.approx(np.square(errors).mean())


def test_landmarks_are_spread_over_the_valid_rows():
    centres = np.repeat(np.eye(3), [50, 5, 2], axis=0)
    features = centres + np.random.default_rng(0).normal(scale=0.01, size=centres.shape)
    valid = np.ones(57, bool)
    valid[56] = False
    found = spread_landmarks(features, valid, 3)
    assert found[0] < 50 <= found[1] < 55 == found[2]
    members = np.arange(50)
    middle_of = features[members].mean(axis=0)
    assert found[0] == np.linalg.norm(features[members] - middle_of, axis=1).argmin()


def test_rank_correlations_are_spearmans():
    a, b = np.random.default_rng(0).integers(0, 5, (2, 30, 4)).astype(float)
    expected = [spearmanr(a[:, i], b[:, i]).statistic for i in range(4)]
    assert rank_correlations(a, b) == pytest.approx(expected)
    assert rank_correlations(np.ones((5, 1)), b[:5, :1]) == 0


@pytest.fixture(scope="module")
def model():
    return adapted_model("llama").eval()


@pytest.mark.parametrize("name", FEATURES)
def test_features_do_not_depend_on_the_batch(name, model):
    samples = random_samples(5)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    together, alone = (features_of(FEATURES[name], model, samples, tokens) for tokens in (4096, 1))
    assert np.allclose(np.linalg.norm(together, axis=1), 1)
    # A difference of two states has fewer exact digits than the states.
    assert together == pytest.approx(alone, abs=1e-3 if name == "tangents" else 1e-5)
    assert all(torch.equal(before[name], parameter) for name, parameter in model.named_parameters())


def test_states_stop_after_the_layer(model):
    samples = random_samples(3)
    found, mask = states(model, samples, 1)
    with torch.no_grad():
        whole = model(input_ids=pad(samples, model)[0], attention_mask=mask, output_hidden_states=True)
    seen = mask.bool()  # what padding sees depends on the mask
    assert torch.allclose(found[seen], whole.hidden_states[1][seen], atol=1e-6)
    assert middle(model, samples).shape == (3, 64)


def test_the_outputs_gradient_is_autograds(model):
    samples = random_samples(3)
    inserted = torch.eye(32, requires_grad=True)
    layer = model.get_output_embeddings()
    handle = layer.register_forward_pre_hook(lambda module, inputs: (inputs[0] @ inserted,))
    try:
        losses = sample_losses(model, samples)
        gradients = [torch.autograd.grad(loss, inserted, retain_graph=True)[0] for loss in losses]
    finally:
        handle.remove()
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(32, SIDE, generator=generator) for _ in range(2))
    expected = torch.stack([(left.T @ gradient @ right).flatten() for gradient in gradients])
    assert torch.allclose(output(model, samples), torch.nn.functional.normalize(expected), atol=1e-5)


def test_tangents_do_not_depend_on_the_step_and_are_of_the_first_layers(model, monkeypatch):
    samples = random_samples(4, seed=3)
    found = tangents(model, samples)
    assert found.shape == (4, 64)
    monkeypatch.setattr(landmark_features, "STEP", landmark_features.STEP / 2)
    assert torch.allclose(tangents(model, samples), found, atol=5e-3)
    monkeypatch.setattr(landmark_features, "TANGENTS", 1)
    assert torch.allclose(tangents(model, samples), torch.nn.functional.normalize(found[:, :32]), atol=1e-2)
    last = model.get_submodule("base_model.model.model.layers.1.self_attn.q_proj.base_layer")
    monkeypatch.setattr(last.weight, "data", 5 * last.weight.data)
    assert torch.allclose(tangents(model, samples), torch.nn.functional.normalize(found[:, :32]), atol=1e-2)


@pytest.fixture(scope="module")
def known():
    """A goal whose cosines are those of one of two features."""
    random = np.random.default_rng(1)
    pool, examples = (unit(random.normal(size=(count, 6))).astype(np.float64) for count in (120, 8))
    noise = {"pool": random.normal(size=(120, 6)), "examples": random.normal(size=(8, 6))}
    valid = np.ones(120, bool)
    valid[5] = False
    goal = Goal("t", pool @ examples.T, examples @ examples.T, ["a", "b"] * 4, np.arange(8), valid)
    features = {"middle": pool, "output": noise["pool"], "tangents": noise["pool"]}
    return goal, Estimates(
        features, {"middle": examples, "output": noise["examples"], "tangents": noise["examples"]}, valid
    )


def test_agreement_is_whole_for_the_true_cosines(known):
    goal, estimates = known
    found = goal.agreement(goal.true, goal.valid)
    assert [found[name] for name in ("rank", "highest", "picks 1%", "picks 5%")] == pytest.approx([1] * 4)
    assert 5 not in goal.picks(goal.true, 1.0) and len(goal.picks(goal.true, 0.05)) == 5
    by_name = {row["way"]: row for row in without_gradients([goal], estimates)}
    assert by_name["cosine of middle"]["rank"] == pytest.approx(1)
    assert by_name["cosine of output"]["rank"] < 0.5


def test_landmarks_keep_their_own_cosines_and_examples_help(known):
    goal, estimates = known
    way = Way("middle", "ridge")
    rows = estimates.landmarks(way, 0.1)
    assert len(rows) == 12 and 5 not in rows
    estimated = estimates(way, 0.1, goal)
    assert np.array_equal(estimated[rows], goal.true[rows])
    judged = goal.valid.copy()
    judged[rows] = False
    alone, helped = (
        goal.agreement(estimates(Way("middle", "kernel ridge", examples=examples), 0.1, goal), judged)
        for examples in (False, True)
    )
    assert helped["rank"] > alone["rank"] > 0.5


def test_the_best_way_is_chosen_among_those_cheap_enough(known):
    goal, estimates = known
    found = mean_over_targets(pd.DataFrame(agreements([goal], estimates, WAYS, [0.25])))
    passes = pd.DataFrame(
        {"feature": ["gradients", "middle", "output", "tangents"], "of_gradients": [1, 0.4, 0.2, 0.2]}
    )
    priced = with_cost(found, passes)
    assert set(priced["cost"].round(3)) == {0.65, 0.45}
    assert best_way(priced, 0.25).feature == "middle"
    assert best_way(priced, 0.25, 0.5).feature in ("output", "tangents")
    assert len(agreement_table(priced).splitlines()) == 2 + len(WAYS)


@pytest.mark.parametrize(
    ("loss", "cost", "level", "better", "half"),
    [(1.0, 0.4, True, True, True), (1.3, 0.4, False, True, True), (2.0, 0.6, False, False, False)],
)
def test_the_rule(loss, cost, level, better, half):
    random = np.random.default_rng(0)
    rows = [
        {"target": "t", "task": "", "selection": name, "seed": seed, "example": example, "loss": value}
        for name, mean in (("mine", loss), (ALL, 1.0), (NONE, 2.0))
        for seed in range(3)
        for example, value in enumerate(mean + random.normal(scale=0.01, size=40))
    ]
    found = verdict(pd.DataFrame(rows), "mine", cost)
    assert (found["level"], found["better"], found["under half"]) == (level, better, half)
    words = rule_table([found]).splitlines()[-1].split(" | ")
    assert words[3] == ("yes" if level else "no") and words[6] == f"{cost:.2f}"


def test_tables_are_put_between_their_markers(tmp_path):
    document = tmp_path / "a.md"
    document.write_text(
        "before\n<!-- table x -->\nold\n<!-- end -->\nafter\n<!-- table y -->\n<!-- end -->\n"
    )
    put({"y": "new", "x": "| 1 |"}, document)
    assert document.read_text() == (
        "before\n<!-- table x -->\n| 1 |\n<!-- end -->\nafter\n<!-- table y -->\nnew\n<!-- end -->\n"
    )
