"""Features of instructions that are cheaper than a gradient: each is a function of a model and a batch of samples.

Used by `benchmarks.landmarks`. All are of the model after the warm-up, as its gradients are, and of unit length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from g2is.arrays.unit import unit_tensor
from g2is.lm.batching import batches
from g2is.lm.text import Encoded
from g2is.lm.train import needed, pad

Feature = Callable[[Any, Sequence[Encoded]], torch.Tensor]

SIDE = 48
"""Numbers that each side of the output's gradient is projected to."""
TANGENTS = 2
STEP = 1e-3
"""Of the difference quotient, as a share of the weights' own spread."""


class _Reached(Exception):
    """The forward pass is as deep as it needs to be."""


def layers(model: Any) -> torch.nn.ModuleList:
    """The layers of the model: its longest list of modules."""
    lists = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    return max(lists, key=len)


@torch.no_grad()
def states(model: Any, batch: Sequence[Encoded], depth: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states (b, t, h) after the first `depth` layers, the others are not computed; and the mask (b, t)."""
    input_ids, mask = pad(batch, model)
    kept: list[torch.Tensor] = []

    def stop(module: Any, inputs: Any, output: Any) -> None:
        kept.append(output[0] if isinstance(output, tuple) else output)
        raise _Reached

    handle = layers(model)[depth - 1].register_forward_hook(stop)
    try:
        model.eval()(input_ids=input_ids, attention_mask=needed(mask, model), use_cache=False)
    except _Reached:
        pass
    finally:
        handle.remove()
    return kept[0].float(), mask


def predicting(batch: Sequence[Encoded], length: int) -> torch.Tensor:
    """(b, t) float32: 1 where the next token is trained."""
    marks = torch.zeros(len(batch), length)
    for row, sample in enumerate(batch):
        marks[row, np.flatnonzero(sample.trained) - 1] = 1
    return marks


def middle(model: Any, batch: Sequence[Encoded]) -> torch.Tensor:
    """(b, 2 h) the mean state after half of the layers, over all tokens and over those that predict the response."""
    hidden, mask = states(model, batch, max(1, len(layers(model)) // 2))
    weights = (mask.float(), predicting(batch, hidden.shape[1]))
    means = [torch.einsum("bth,bt->bh", hidden, w / w.sum(dim=1, keepdim=True)) for w in weights]
    return unit_tensor(torch.cat([unit_tensor(mean) for mean in means], dim=1))


@torch.no_grad()
def output(model: Any, batch: Sequence[Encoded]) -> torch.Tensor:
    """(b, SIDE^2) a sketch of the gradient of a matrix between the last hidden states and the output layer.

    It needs no backward pass: it is the sum over predicted tokens of the outer product of the last hidden state with
    the error of the probabilities, taken back through the output layer. Each side is projected by itself.
    """
    input_ids, mask = pad(batch, model)
    kept: list[torch.Tensor] = []

    def keep(module: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        kept.append(inputs[0])
        return (inputs[0][:, :1], *inputs[1:])

    layer = model.get_output_embeddings()
    handle = layer.register_forward_pre_hook(keep)
    try:
        model.eval()(input_ids=input_ids, attention_mask=needed(mask, model), use_cache=False)
    finally:
        handle.remove()
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(kept[0].shape[-1], SIDE, generator=generator) for _ in range(2))
    rows = []
    for hidden, sample in zip(kept[0], batch, strict=True):
        places = np.flatnonzero(sample.trained)
        before = hidden[torch.from_numpy(places - 1)]
        errors = torch.softmax(layer(before).float(), dim=1)
        errors[torch.arange(len(places)), torch.from_numpy(sample.input_ids[places])] -= 1
        back = errors @ layer.weight.float()
        rows.append(((before.float() @ left).T @ (back @ right)).flatten())
    return unit_tensor(torch.stack(rows))


def tangents(model: Any, batch: Sequence[Encoded]) -> torch.Tensor:
    """(b, TANGENTS h) how the state of the last token after half of the layers changes as their weights move in random
    directions, as Influence Distillation has it (arXiv 2505.19051); here by difference quotients."""
    depth, found = max(1, len(layers(model)) // 2), []
    last = torch.tensor([len(sample) - 1 for sample in batch])
    for seed in range(TANGENTS):
        ends = []
        for sign in (1, -1):
            with moved(model, depth, sign, seed):
                ends.append(states(model, batch, depth)[0][torch.arange(len(batch)), last])
        found.append(unit_tensor(ends[0] - ends[1]))
    return unit_tensor(torch.cat(found, dim=1))


@contextmanager
def moved(model: Any, depth: int, sign: int, seed: int) -> Iterator[None]:
    """The matrices of the first layers a small step along a random direction, or against it."""
    generator = torch.Generator().manual_seed(seed)
    before = {}
    for parameter in layers(model)[:depth].parameters():
        if parameter.dim() == 2 and parameter.std() > 0:
            before[parameter] = parameter.data
            direction = torch.randn(parameter.shape, generator=generator)
            parameter.data = parameter.data + sign * STEP * parameter.std() * direction
    try:
        yield
    finally:
        for parameter, values in before.items():
            parameter.data = values


def features_of(feature: Feature, model: Any, samples: Sequence[Encoded], batch_tokens: int) -> np.ndarray:
    """(n, f) float64 features of samples; zero for those with a problem."""
    usable = [place for place, sample in enumerate(samples) if sample.problem is None]
    rows: np.ndarray | None = None
    for batch in batches([len(samples[place]) for place in usable], batch_tokens):
        places = [usable[place] for place in batch]
        found = feature(model, [samples[place] for place in places]).double().numpy()
        rows = np.zeros((len(samples), found.shape[1])) if rows is None else rows
        rows[places] = found
    return np.zeros((len(samples), 0)) if rows is None else rows


FEATURES: dict[str, Feature] = {"middle": middle, "output": output, "tangents": tangents}
