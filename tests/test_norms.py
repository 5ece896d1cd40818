"""Norms by torch's own operator, as on a GPU: the same model, and the same gradients."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from g2is.config import BuildConfig, ModelConfig
from g2is.demo import MODEL
from g2is.lm import lazy
from g2is.lm.gradients import GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.lazy import LazyModel
from g2is.lm.model import inspect_model
from g2is.lm.norms import fuse_norms
from g2is.lm.projection import NoProjection
from g2is.lm.train import trainable
from tests.architectures import CONFIGURATIONS, SEEING, random_model
from tests.test_gradients import own_weights_model
from tests.tiny import adapted_model, random_samples


def gradients(model, samples) -> tuple[np.ndarray, np.ndarray]:
    engine = GradientEngine(model, NoProjection(piece_sizes(trainable(model))))
    sketches, losses = engine(samples)
    return sketches["sgd"].numpy(), losses.numpy()


def same(model, others) -> int:
    """Compare gradients of two equal models, one of them with its norms replaced; returns how many were."""
    with torch.no_grad():  # norms of one do not show
        for parameters in zip(model.parameters(), others.parameters(), strict=True):
            if parameters[0].dim() == 1 and not parameters[0].requires_grad:
                noise = 0.3 * torch.randn_like(parameters[0])
                for parameter in parameters:
                    parameter += noise
    samples, count = random_samples(4, seed=3), fuse_norms(model)
    for found, expected in zip(gradients(model, samples), gradients(others, samples), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    return count


@pytest.mark.parametrize("architecture, norms", [("llama", 5), ("qwen2", 5), ("gemma2", 0), ("gpt2", 0)])
def test_gradients_of_an_adapter_do_not_change(architecture, norms):
    assert same(adapted_model(architecture), adapted_model(architecture)) == norms


@pytest.mark.parametrize("parameters, norms", [("all-linear", 5), ("full", 0)])
def test_norms_that_are_trained_are_left_alone(parameters, norms):
    assert same(own_weights_model("llama", parameters), own_weights_model("llama", parameters)) == norms


OTHERS = {"gemma3", "gemma3_text", "gpt_neox", "qwen3_next", "falcon", "bloom", "opt", "cohere"}
"""Whose norms scale by 1 + w or subtract the mean."""


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_norms_are_known_by_what_they_compute(name):
    """Not by their names: some have a gate, others no weights."""
    model, other = random_model(name), random_model(name)
    assert (fuse_norms(model) > 0) == (name not in OTHERS) and fuse_norms(model) == 0
    tokens = torch.arange(1, 25).view(2, 12)
    given = {"input_ids": tokens} | (
        {"mm_token_type_ids": torch.zeros_like(tokens)} if name in SEEING else {}
    )
    found, expected = [], []
    for one, parts in ((model, found), (other, expected)):
        embedded = one.get_input_embeddings().weight.requires_grad_()
        logits = one(**given).logits
        logits.logsumexp(-1).sum().backward()
        parts += [logits.detach(), embedded.grad]
    for one, another in zip(found, expected, strict=True):
        torch.testing.assert_close(one, another, rtol=1e-4, atol=1e-5 * float(another.abs().max()))


def test_another_layer_of_the_same_shape_is_not_replaced():
    class Scaled(nn.Module):
        def __init__(self, eps: float = 1e-6) -> None:
            super().__init__()
            self.eps, self.weight = eps, nn.Parameter(torch.ones(8), requires_grad=False)

        def forward(self, x):
            return x * self.weight

    class LargerEpsilon(Scaled):
        def forward(self, x):
            return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 2 * self.eps)

    class Norm(Scaled):
        def forward(self, x):
            return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

    hooked = Norm()
    hooked.forward = hooked.forward  # as accelerate does
    assert fuse_norms(nn.ModuleList([Scaled(), LargerEpsilon(), hooked, Norm(), nn.RMSNorm(8)])) == 1


def test_16_bits_are_rounded_once_and_other_types_as_the_model_does():
    model, other = (adapted_model("llama").get_base_model().bfloat16() for _ in range(2))
    norm, plain = model.model.norm, other.model.norm
    assert fuse_norms(model.requires_grad_(False)) == 5
    rows = torch.randn(3, 32, dtype=torch.bfloat16)
    torch.testing.assert_close(norm(rows), plain(rows), rtol=2**-7, atol=0)
    assert norm(rows).dtype == torch.bfloat16 and torch.equal(norm(rows.float()), plain(rows.float()))


def test_a_build_does_so_on_a_gpu_alone(monkeypatch):
    config = BuildConfig(model=ModelConfig(model=str(MODEL), device="cpu")).resolve(64, None)
    card, said = inspect_model(config.model), []
    assert LazyModel(config, card, said.append).model is not None and said == ["loading the model"]
    load = lazy.load_model
    monkeypatch.setattr(lazy, "load_model", lambda settings, there: load(settings, card))
    assert LazyModel(config, replace(card, device="cuda"), said.append).model is not None
    assert said[1:] == ["loading the model", "9 norms of the model are computed by one kernel each"]
