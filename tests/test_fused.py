"""The kernel for GPUs: on one where there is one, else by Triton's interpreter on the CPU (see conftest)."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from g2is.config import GradientConfig
from g2is.lm import one_kernel
from g2is.lm.adam import AdamRule
from g2is.lm.folding import Folding
from g2is.lm.gradients import AdamAverages, GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.projection import CountSketch, SharedCountSketch, make_projection
from g2is.lm.sketches import ShardGradients
from g2is.lm.train import trainable
from tests.tiny import adapted_model, random_samples

pytest.importorskip("triton", reason="Triton is not installed: torch brings it where it is made for GPUs")
DEVICE = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")

from g2is.lm import fused  # noqa: E402

BETAS = (0.9, 0.999)


def made_up(count: int, size: int, dtype=torch.float32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients (count, size), and averages of a size that matters."""
    random = torch.Generator().manual_seed(size)
    gradient = 1e-3 * torch.randn(count, size, generator=random)
    m, v = 1e-3 * torch.randn(size, generator=random), 1e-7 + 1e-6 * torch.rand(size, generator=random)
    return gradient.to(DEVICE, dtype), m.to(DEVICE), v.to(DEVICE)


@pytest.mark.parametrize("epsilon", ["inside", "outside"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("count, size, dim", [(5, 700, 64), (1, 70, 256), (9, 301, 100), (2, 1, 8)])
@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
def test_one_kernel_gives_the_sketches_of_several(epsilon, dtype, count, size, dim, shared):
    sizes = {"a": size, "b": size}
    projection = SharedCountSketch(sizes, dim, 3) if shared else CountSketch(sizes, dim, 3, "cpu")
    folding = projection.folding("b", DEVICE)
    gradient, m, v = made_up(count, size, dtype)
    gradient[-1] = 0
    averages = AdamAverages({"b": m}, {"b": v}, epsilon)
    plain, adam, alone, expected, by_rule = (torch.ones(count, dim, device=DEVICE) for _ in range(5))
    added = (1e-8, 0.0) if epsilon == "inside" else (0.0, 1e-8)
    fused.fold_both(folding, gradient, AdamRule(m, v, BETAS, *added), plain, adam)
    fused.fold(folding, gradient, alone)
    folding.add(gradient, expected)
    folding.add(averages.adam_gradient("b", gradient.float()), by_rule)
    torch.testing.assert_close(plain, expected, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(adam, by_rule, rtol=1e-5, atol=1e-5 * float(by_rule.abs().max()))
    assert torch.equal(alone, plain)
    if not shared:  # and those of the pass for CPUs
        on_cpu = torch.ones(2, count, dim)
        AdamAverages({"b": m.cpu()}, {"b": v.cpu()}, epsilon).add_both(
            projection, "b", gradient.cpu(), *on_cpu
        )
        torch.testing.assert_close(plain.cpu(), on_cpu[0], rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(adam.cpu(), on_cpu[1], rtol=1e-5, atol=1e-5 * float(by_rule.abs().max()))


def test_a_sample_does_not_depend_on_its_batch_and_keeps_what_is_not_finite():
    gradient, m, v = made_up(9, 400)
    gradient[2, 5], gradient[3, 6] = torch.nan, torch.inf
    folding = CountSketch({"a": 400}, 64, 0, "cpu").folding("a", DEVICE)
    together, alone = torch.zeros(2, 9, 64, device=DEVICE), torch.zeros(2, 9, 64, device=DEVICE)
    rule = AdamRule(m, v, BETAS, 1e-8, 0.0)
    fused.fold_both(folding, gradient, rule, *together)
    for row in range(9):
        one = slice(row, row + 1)
        fused.fold_both(folding, gradient[one], rule, alone[0, one], alone[1, one])
    np.testing.assert_array_equal(together.cpu().numpy(), alone.cpu().numpy())
    finite = torch.isfinite(together).all(dim=2)
    assert finite[:, [0, 1, 4, 5, 6, 7, 8]].all() and not finite[:, [2, 3]].any()
    fused.fold(folding, gradient[:0], together[0, :0])


@pytest.mark.slow
def test_more_coordinates_than_int32_counts():
    count, size, dim = 9, 2**28, 32
    places = torch.arange(dim, dtype=torch.int32) * 8_000_001
    folding = Folding(places.to(DEVICE), torch.ones(dim, dtype=torch.int8, device=DEVICE), dim)
    gradient = torch.zeros(count, size, dtype=torch.int8, device=DEVICE)
    gradient[-1, places.long()] = torch.arange(dim, dtype=torch.int8, device=DEVICE)
    sketch = torch.zeros(count, dim, device=DEVICE)
    fused.fold(folding, gradient, sketch)
    assert sketch[-1].tolist() == [*range(dim)] and not sketch[:-1].any()


def test_a_shard_has_the_rows_of_the_other_ways_in_every_regime(monkeypatch):
    model = adapted_model("llama").to(DEVICE)
    sizes = piece_sizes(trainable(model))
    config = GradientConfig(projection_dim=96, regimes=("sgd", "adam", "adam_without_momentum"))
    random = torch.Generator().manual_seed(0)
    averages = AdamAverages(
        {name: (1e-2 * torch.randn(size, generator=random)).to(DEVICE) for name, size in sizes.items()},
        {name: (1e-3 * torch.rand(size, generator=random)).to(DEVICE) for name, size in sizes.items()},
    )
    engine = GradientEngine(model, make_projection(config, sizes, DEVICE.type), averages)
    samples, found = random_samples(3, seed=1), []
    for kernel in (fused, None):
        uses = []
        monkeypatch.setattr(
            "g2is.lm.gradients.one_kernel", lambda device, k=kernel, u=uses: (u.append(1), k)[1]
        )
        monkeypatch.setattr("g2is.lm.projection.one_kernel", lambda device, k=kernel: k)
        found.append(ShardGradients(engine, config)(samples, lambda count: None))
        assert len(uses) >= len(sizes)
    (arrays, problems), (others, no_problems) = found
    assert problems == no_problems == {}
    for name in (*config.regimes, "sgd_norms", "adam_norms", "adam_without_momentum_norms"):
        np.testing.assert_allclose(
            arrays[name].astype(np.float32), others[name].astype(np.float32), rtol=1e-3, atol=1e-3
        )


def test_a_kernel_that_is_wrong_is_not_used(monkeypatch):
    assert one_kernel._difference(fused, DEVICE) < 1e-6
    assert one_kernel._try(DEVICE) == (fused, "")
    once = fused.fold_both

    def off(folding, gradient, rule, *sketches):
        once(folding, gradient, rule._replace(exp_avg=1.01 * rule.exp_avg), *sketches)

    monkeypatch.setattr(fused, "fold_both", off)
    assert one_kernel._try(DEVICE) == (None, "Triton's kernel is 0.01 off on this device")
    monkeypatch.setattr(fused, "fold_both", lambda *given: given[-1].fill_(torch.nan))
    assert one_kernel._try(DEVICE) == (None, "Triton's kernel is nan off on this device")
    monkeypatch.setattr(fused, "_fold", SimpleNamespace())
    monkeypatch.setattr(fused, "fold_both", once)
    assert one_kernel._try(DEVICE)[1].startswith("Triton's kernel failed: TypeError: ")


@pytest.mark.parametrize("capability", [80, 90])
def test_it_compiles_for_gpus_without_one(capability):
    """To machine code: what the interpreter accepts, the compiler may not."""
    program = f"""
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from g2is.lm.fused import BUCKETS, _fold

pointers = dict(gradient="*bf16", source="*i32", sign="*i8")
pointers |= dict.fromkeys(("exp_avg", "exp_avg_sq", "plain", "adam"), "*fp32")
whole = dict.fromkeys(("count", "size", "folds", "turn"), "i32")
real = dict.fromkeys(("b1", "b2", "c1", "c2", "inside", "outside"), "fp32")
constants = dict(dim=8192, both=True, samples=8, buckets=BUCKETS)
types = pointers | whole | real | dict.fromkeys(constants, "constexpr")
kernel = compile(
    ASTSource(_fold, types, {{(list(types).index(name),): value for name, value in constants.items()}}),
    target=GPUTarget("cuda", {capability}, 32),
)
assert kernel.asm["cubin"] and "atom" not in kernel.asm["ptx"] and ".local" not in kernel.asm["ptx"]
"""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        env=environment,
    )
    assert done.returncode == 0, done.stderr
