"""The gradient engine against autograd, one sample at a time and without padding."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from g2is.config import GradientConfig, LoraSettings
from g2is.lm import one_kernel
from g2is.lm.batching import batches
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.model import add_adapter, train_own_weights
from g2is.lm.projection import CountSketch, NoProjection, SharedCountSketch, make_projection
from g2is.lm.sketches import sketches_of
from g2is.lm.train import needed, sample_losses, trainable
from tests.tiny import ARCHITECTURES, adapted_model, random_samples


def sizes_of(model) -> dict[str, int]:
    return piece_sizes(trainable(model))


def autograd_gradients(model, samples) -> tuple[np.ndarray, np.ndarray]:
    """The plain loop: full logits, shifted labels, one backward pass a sample."""
    rows, losses = [], []
    for sample in samples:
        model.zero_grad()
        ids = torch.from_numpy(sample.input_ids).unsqueeze(0)
        labels = torch.where(torch.from_numpy(sample.trained), ids[0], -100)
        logits = model(input_ids=ids).logits[0]
        loss = F.cross_entropy(logits[:-1], labels[1:], ignore_index=-100)
        loss.backward()
        rows.append(torch.cat([p.grad.flatten() for p in trainable(model).values()]).numpy())
        losses.append(loss.item())
    return np.stack(rows), np.array(losses)


def engine_rows(model, samples, batch_tokens, averages=None) -> dict[str, np.ndarray]:
    engine = GradientEngine(model, NoProjection(sizes_of(model)), averages)
    out: dict[str, list] = {}
    for batch in batches([len(s) for s in samples], batch_tokens):
        sketches, losses = engine([samples[i] for i in batch])
        for kind, rows in {**sketches, "loss": losses}.items():
            out.setdefault(kind, [None] * len(samples))
            for i, row in zip(batch, rows, strict=True):
                out[kind][i] = row.numpy()
    return {kind: np.stack(rows) for kind, rows in out.items()}


def relative_error(rows: np.ndarray, reference: np.ndarray) -> float:
    return float((np.linalg.norm(rows - reference, axis=1) / np.linalg.norm(reference, axis=1)).max())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_batched_gradients_equal_a_loop_over_samples(architecture):
    samples = random_samples(9)
    reference, losses = autograd_gradients(adapted_model(architecture), samples)
    for batch_tokens in (1, 200, 10_000):  # alone, in small batches, all in one
        rows = engine_rows(adapted_model(architecture), samples, batch_tokens)
        assert relative_error(rows["sgd"], reference) < 1e-5
        np.testing.assert_allclose(rows["loss"], losses, rtol=1e-5)


def own_weights_model(architecture: str, parameters: str, seed: int = 0):
    """A random model that trains its own weights; norms are not one and biases not zero, as after training."""
    torch.manual_seed(seed)
    model = ARCHITECTURES[architecture]().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    return train_own_weights(model, parameters)


@pytest.mark.parametrize("parameters", ["all-linear", "full"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_of_a_models_own_weights_equal_a_loop_over_samples(architecture, parameters, monkeypatch):
    # Most weights come in several pieces, the last of them shorter.
    monkeypatch.setattr("g2is.lm.layers.PIECE", 700)
    samples = random_samples(5)
    samples[0].input_ids[1] = 0  # the padding token in the middle of a sample: its embedding is not trained
    reference, losses = autograd_gradients(own_weights_model(architecture, parameters), samples)
    model = own_weights_model(architecture, parameters)
    everything = sum(parameter.numel() for parameter in model.parameters())
    assert reference.shape[1] == everything if parameters == "full" else reference.shape[1] < everything
    for batch_tokens in (1, 10_000):
        rows = engine_rows(own_weights_model(architecture, parameters), samples, batch_tokens)
        assert relative_error(rows["sgd"], reference) < 1e-5
        np.testing.assert_allclose(rows["loss"], losses, rtol=1e-5)


def test_adams_rule_sees_the_sum_over_both_uses_of_tied_weights():
    samples = random_samples(4, seed=2)
    model = own_weights_model("gemma", "full")
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    g, _ = autograd_gradients(model, samples)
    v = {name: torch.full((size,), 1e-6) for name, size in sizes_of(model).items()}
    m = {name: torch.full((size,), 1e-3) for name, size in sizes_of(model).items()}
    rows = engine_rows(own_weights_model("gemma", "full"), samples, 10_000, AdamAverages(m, v))
    plain = (0.9 * 1e-3 + 0.1 * g) / np.sqrt(0.999 * 1e-6 + 0.001 * g * g + 1e-8)
    assert relative_error(rows["adam"], plain) < 1e-5


def test_no_gradient_is_larger_than_a_piece(monkeypatch):
    monkeypatch.setattr("g2is.lm.layers.PIECE", 500)
    model = own_weights_model("llama", "full")
    largest = []

    class Watching(NoProjection):
        def add(self, sketch, name, gradient):
            largest.append(gradient.shape[1])
            super().add(sketch, name, gradient)

    GradientEngine(model, Watching(sizes_of(model)))(random_samples(3))
    assert max(largest) <= 500 and sum(largest) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_every_query_key_value_and_output_projection_has_an_adapter(architecture):
    names = {name.split(".lora_")[0].split(".")[-1] for name in trainable(adapted_model(architecture))}
    assert (
        names
        == {"llama": {"q_proj", "k_proj", "v_proj", "o_proj"}, "gpt2": {"c_attn", "c_proj"}}[architecture]
    )


@pytest.mark.parametrize("epsilon", ["inside", "outside"])
def test_adam_gradients_equal_a_plain_loop(epsilon):
    samples = random_samples(5, seed=1)
    model = adapted_model("llama")
    random = torch.Generator().manual_seed(0)
    exp_avg = {n: 1e-3 * torch.randn(s, generator=random) for n, s in sizes_of(model).items()}
    exp_avg_sq = {n: 1e-6 * torch.rand(s, generator=random) for n, s in sizes_of(model).items()}
    reference, _ = autograd_gradients(model, samples)
    m = torch.cat(list(exp_avg.values())).double().numpy()
    v = torch.cat(list(exp_avg_sq.values())).double().numpy()
    plain = []
    for g in reference.astype(np.float64):
        top = 0.9 * m + 0.1 * g
        square = 0.999 * v + 0.001 * g * g
        plain.append(top / np.sqrt(square + 1e-8) if epsilon == "inside" else top / (np.sqrt(square) + 1e-8))
    averages = AdamAverages(exp_avg, exp_avg_sq, epsilon)
    rows = engine_rows(adapted_model("llama"), samples, 200, averages)
    assert relative_error(rows["adam"], np.stack(plain)) < 1e-5
    common = averages.common(NoProjection(sizes_of(model))).numpy()
    root = np.sqrt(0.999 * v + 1e-8) if epsilon == "inside" else np.sqrt(0.999 * v) + 1e-8
    np.testing.assert_allclose(common, 0.9 * m / root, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_causal_models_need_no_mask_of_padding_on_the_right(architecture, monkeypatch):
    samples = random_samples(9, seed=4)
    masks: list[torch.Tensor | None] = []

    def rows(always: bool) -> dict[str, np.ndarray]:
        model = adapted_model(architecture)
        inner = model.base_model.model
        forward = inner.forward
        inner.forward = lambda **given: (masks.append(given["attention_mask"]), forward(**given))[1]
        with monkeypatch.context() as patch:
            if always:
                patch.setattr("g2is.lm.train.needed", lambda mask, model: mask)
            return engine_rows(model, samples, 10_000)

    without, with_mask = rows(False), rows(True)
    assert masks[0] is None and masks[1].shape == (9, max(map(len, samples)))
    assert relative_error(without["sgd"], with_mask["sgd"]) < 1e-5
    np.testing.assert_allclose(without["loss"], with_mask["loss"], rtol=1e-6)


def test_a_model_that_looks_ahead_keeps_its_mask():
    model, mask = adapted_model("llama"), torch.ones(2, 3)
    assert needed(mask, model) is None
    next(m for m in model.modules() if hasattr(m, "is_causal")).is_causal = False
    assert needed(mask, model) is mask
    assert needed(mask, torch.nn.Linear(2, 2)) is mask  # nothing says that it is causal


@pytest.mark.parametrize("dtype, expected", [(torch.float32, "ieee"), (torch.bfloat16, "tf32")])
def test_products_of_a_float32_adapter_are_as_exact_as_the_weights_around_it(dtype, expected):
    torch.manual_seed(0)
    model = add_adapter(
        ARCHITECTURES["llama"]().to(dtype).requires_grad_(False), LoraSettings(rank=2, alpha=4.0), seed=0
    )
    seen = []

    class Watching(NoProjection):
        def add(self, sketch, name, gradient):
            assert gradient.dtype == torch.float32
            seen.append(torch.backends.cuda.matmul.fp32_precision)

    before = torch.backends.cuda.matmul.fp32_precision
    GradientEngine(model, Watching(sizes_of(model)))(random_samples(2))
    assert set(seen) == {expected} and torch.backends.cuda.matmul.fp32_precision == before


def to_tf32(numbers: torch.Tensor) -> torch.Tensor:
    """float32 with ten bits of fraction, rounded; for autograd the number itself."""
    bits = numbers.detach().contiguous().view(torch.int32)
    rounded = ((bits + (1 << 12)) & ~((1 << 13) - 1)).view(torch.float32)
    return numbers + (rounded - numbers).detach()


def test_tf32_changes_less_than_bfloat16_around_it(monkeypatch):
    """What a GPU does to the adapter's products, done here to what goes into them."""
    samples = random_samples(6, seed=5)

    def rows(dtype: torch.dtype, rounded: bool) -> torch.Tensor:
        torch.manual_seed(0)
        model = ARCHITECTURES["llama"]().to(dtype).requires_grad_(False)
        model = add_adapter(model, LoraSettings(rank=4, alpha=8.0), seed=0)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
        bmm, linear = torch.bmm, F.linear
        with monkeypatch.context() as patch:
            if rounded:
                patch.setattr(torch, "bmm", lambda a, b: bmm(to_tf32(a), to_tf32(b)))
                patch.setattr(
                    F,
                    "linear",
                    lambda x, w, b=None: (
                        linear(to_tf32(x), to_tf32(w), b) if w.dtype == torch.float32 else linear(x, w, b)
                    ),
                )
            return torch.from_numpy(engine_rows(model, samples, 10_000)["sgd"])

    exact, half = rows(torch.float32, False), rows(torch.bfloat16, False)
    of_half = 1 - torch.cosine_similarity(half, exact)
    of_tf32 = 1 - torch.cosine_similarity(rows(torch.bfloat16, True), half)
    assert (of_tf32 < of_half).all() and of_tf32.max() < 1e-4


def test_losses_do_not_see_the_batch_or_the_padding():
    samples = random_samples(6, seed=2)
    model = adapted_model("mistral")
    with torch.no_grad():
        together = sample_losses(model, samples)
        alone = torch.cat([sample_losses(model, [sample]) for sample in samples])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)


def test_the_output_layer_runs_only_where_a_token_is_predicted():
    samples = random_samples(4, seed=3)
    model = adapted_model("llama")
    seen = []
    model.get_output_embeddings().register_forward_hook(lambda m, i, o: seen.append(o.shape[:-1].numel()))
    sample_losses(model, samples)
    assert seen == [sum(int(sample.trained.sum()) for sample in samples)]


def test_gradients_leave_no_hooks_and_no_gradients_behind():
    model = adapted_model("llama")
    engine = GradientEngine(model, NoProjection(sizes_of(model)))
    engine(random_samples(3))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def sketches(kind: str, rows: torch.Tensor, dim: int, seed: int = 0) -> torch.Tensor:
    config = GradientConfig(projection=kind, projection_dim=dim, projection_seed=seed)
    cut = rows.shape[1] // 3
    parts = {"first": rows[:, :cut], "second": rows[:, cut:]}
    projection = make_projection(config, {n: p.shape[1] for n, p in parts.items()}, "cpu")
    sketch = torch.zeros(len(rows), dim)
    for name, part in parts.items():
        projection.add(sketch, name, part)
    return sketch


@pytest.mark.parametrize("kind", ["countsketch", "rademacher"])
def test_sketches_keep_inner_products_in_expectation(kind):
    rows = torch.randn(2, 301, generator=torch.Generator().manual_seed(0))
    rows[1] += rows[0]
    exact = float(rows[0] @ rows[1])
    drawn = []
    for seed in range(400):
        sketch = sketches(kind, rows, 64, seed)
        drawn.append(float(sketch[0] @ sketch[1]))
    standard_error = np.std(drawn) / np.sqrt(len(drawn))
    assert abs(np.mean(drawn) - exact) < 4 * standard_error
    assert standard_error > 0  # the seeds do differ


@pytest.mark.parametrize("kind", ["countsketch", "rademacher"])
def test_sketches_keep_cosines(kind):
    random = torch.Generator().manual_seed(0)
    rows = torch.randn(60, 20_000, generator=random) + 0.5 * torch.randn(1, 20_000, generator=random)
    dim = 1024
    exact = F.normalize(rows) @ F.normalize(rows).T
    sketch = F.normalize(sketches(kind, rows, dim))
    error = (sketch @ sketch.T - exact)[~torch.eye(60, dtype=torch.bool)]
    # An ideal projection has a standard deviation of about 1/sqrt(dim) for near-orthogonal rows.
    assert float(error.square().mean().sqrt()) < 1.15 * dim**-0.5


def with_torch(projection: CountSketch, name: str, gradient: torch.Tensor) -> torch.Tensor:
    """The sketch by permuting and folding, as on a GPU."""
    sketch = torch.zeros(len(gradient), projection.dim)
    projection.folding(name, gradient.device).add(gradient, sketch)
    return sketch


@pytest.mark.parametrize("epsilon", ["inside", "outside"])
@pytest.mark.parametrize("size, dim", [(5000, 64), (70, 256), (3000, 70_000)])
def test_one_pass_on_a_cpu_gives_the_sketches_of_two(epsilon, size, dim):
    random = torch.Generator().manual_seed(0)
    gradient = 1e-3 * torch.randn(5, size, generator=random)
    m, v = 1e-3 * torch.randn(size, generator=random), 1e-7 + 1e-6 * torch.rand(size, generator=random)
    projection = CountSketch({"a": size}, dim, 3, "cpu")
    averages = AdamAverages({"a": m}, {"a": v}, epsilon)
    plain, adam, alone = (torch.ones(5, dim) for _ in range(3))
    averages.add_both(projection, "a", gradient, plain, adam)
    projection.add(alone, "a", gradient)
    expected = with_torch(projection, "a", gradient)
    torch.testing.assert_close(plain - 1, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(alone, plain)
    expected = with_torch(projection, "a", averages.adam_gradient("a", gradient))
    torch.testing.assert_close(adam - 1, expected, rtol=1e-4, atol=1e-4)


def test_one_pass_does_not_depend_on_threads_and_keeps_what_is_not_finite():
    gradient = torch.randn(7, 3000, generator=torch.Generator().manual_seed(0))
    gradient[2, 5], gradient[3, 6] = torch.nan, torch.inf
    averages = AdamAverages({"a": torch.zeros(3000)}, {"a": torch.ones(3000)})
    projection = CountSketch({"a": 3000}, 512, 0, "cpu")
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            sums = torch.zeros(7, 512), torch.zeros(7, 512)
            averages.add_both(projection, "a", gradient, *sums)
            found.append(torch.stack(sums))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].numpy(), other.numpy())
    finite = torch.isfinite(found[0]).all(dim=2)
    assert finite[:, [0, 1, 4, 5, 6]].all() and not finite[:, [2, 3]].any()


def test_a_sketch_with_shared_permutations_keeps_inner_products_and_cosines():
    # Alike in every parameter, as gradients are that share directions: errors must not repeat from one to the next.
    random = torch.Generator().manual_seed(0)
    once = torch.randn(40, 2_000, generator=random) + 0.5 * torch.randn(1, 2_000, generator=random)
    parts = {f"p{i}": once * (1 + i / 10) for i in range(12)}
    rows = torch.cat(list(parts.values()), dim=1)
    exact = F.normalize(rows) @ F.normalize(rows).T
    off = ~torch.eye(40, dtype=torch.bool)

    def errors(make, seeds: int) -> torch.Tensor:
        found = []
        for seed in range(seeds):
            projection, sketch = make(seed), torch.zeros(40, 512)
            for name, part in parts.items():
                projection.add(sketch, name, part)
            found.append((F.normalize(sketch) @ F.normalize(sketch).T - exact)[off])
        return torch.stack(found)

    sizes = dict.fromkeys(parts, 2_000)
    shared = errors(lambda seed: SharedCountSketch(sizes, 512, seed), 30)
    own = errors(lambda seed: CountSketch(sizes, 512, seed, "cpu"), 30)
    assert float(shared.square().mean().sqrt()) < 1.1 * float(own.square().mean().sqrt())
    assert abs(float(shared.mean())) < 0.005  # no direction is favoured


def test_a_sketch_is_linear_and_seeded_by_the_name_of_the_parameter():
    config = GradientConfig(projection="countsketch", projection_dim=16)
    rows = torch.randn(3, 50)

    def project(order: list[str], name: str, value: torch.Tensor) -> torch.Tensor:
        projection = make_projection(config, dict.fromkeys(order, 50), "cpu")
        sketch = torch.zeros(3, 16)
        projection.add(sketch, name, value)
        return sketch

    a = project(["x", "y"], "x", rows)
    assert torch.equal(a, project(["y", "x"], "x", rows))
    assert not torch.equal(a, project(["x", "y"], "y", rows))
    torch.testing.assert_close(project(["x", "y"], "x", 2 * rows), 2 * a)


def test_a_count_sketch_uses_each_coordinate_once():
    # p not a multiple of d: the padding must neither drop nor repeat a coordinate.
    for size in (5, 16, 50):
        config = GradientConfig(projection="countsketch", projection_dim=16)
        projection = make_projection(config, {"x": size}, "cpu")
        sketch = torch.zeros(size, 16)
        projection.add(sketch, "x", torch.eye(size))
        assert torch.equal(sketch.abs().sum(1), torch.ones(size))
        assert sketch.abs().sum(0).max() <= -(-size // 16)


def test_sketches_come_back_in_the_order_of_the_samples_whatever_the_batches():
    samples = random_samples(9, seed=6)
    model = adapted_model("llama")
    engine = GradientEngine(model, make_projection(GradientConfig(projection_dim=64), sizes_of(model), "cpu"))
    kept, losses = sketches_of(engine, samples, 10_000)
    for batch_tokens in (1, 130):
        parts, some = sketches_of(engine, samples, batch_tokens)
        np.testing.assert_allclose(parts["sgd"], kept["sgd"], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(some, losses, rtol=1e-5)
    empty, none = sketches_of(engine, [], 100)
    assert empty["sgd"].shape == (0, 64) and none.shape == (0,)


def test_a_gpu_without_triton_takes_kernels_of_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "g2is.lm.fused", None)
    monkeypatch.delattr("g2is.lm.fused", raising=False)
    assert one_kernel._try(torch.device("cpu")) == (None, "Triton is not installed")
    assert one_kernel.described(torch.device("cpu")) == "several kernels a sketch (no CUDA device)"
    assert one_kernel.one_kernel(torch.device("cpu")) is None


def test_sketches_are_compiled_also_where_nothing_can_be_kept():
    program = """
from numba.core import caching
caching.CacheImpl._locator_classes = []
from g2is.lm import scatter
assert type(scatter._add._cache).__name__ == "NullCache"
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr
