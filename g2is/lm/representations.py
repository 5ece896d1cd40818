"""Representations of texts: the last hidden states of the base model, pooled over the tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from g2is.arrays.unit import unit_tensor
from g2is.config import GradientConfig
from g2is.errors import InputError
from g2is.lm.batching import for_each_batch
from g2is.lm.text import Encoded
from g2is.lm.train import needed, pad


@dataclass(frozen=True)
class Pooled:
    """Unit rows (b, h) float32 on the CPU: the mean of a sample's last hidden states, weighted or plain.

    weighted: by position i, from 1, as i / sum(i): later tokens have seen more (Muennighoff 2022; RDS+).
    """

    weighted: torch.Tensor
    mean: torch.Tensor


@torch.no_grad()
def represent(model: Any, batch: Sequence[Encoded]) -> Pooled:
    """Pool the last hidden states of the base model over all tokens of each sample, prompt included.

    model: with an adapter, which is switched off: a representation must not depend on the warm-up. The last
    hidden states are what the output layer reads, after the last normalisation.
    """
    input_ids, mask = pad(batch, model)
    kept: list[torch.Tensor] = []

    def keep(module: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        kept.append(inputs[0])
        return (inputs[0][:, :1], *inputs[1:])  # the output layer's own work is not needed

    hook = model.get_output_embeddings().register_forward_pre_hook(keep)
    try:
        with model.disable_adapter():
            model.eval()(input_ids=input_ids, attention_mask=needed(mask, model), use_cache=False)
    finally:
        hook.remove()
    hidden = kept[0].float()
    positions = mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)
    return Pooled(_pool(hidden, positions), _pool(hidden, mask))


def representations_of(
    model: Any,
    samples: Sequence[Encoded],
    config: GradientConfig,
    on_samples: Callable[[int], object] = lambda count: None,
) -> dict[str, np.ndarray]:
    """(n, h) unit rows for each pooling, in the number type of stored gradients.

    Rows are zero for samples with a problem. on_samples: called with the number of samples after each batch. Raises
    `InputError` where a batch does not fit the device's memory, or the numbers are not finite.
    """
    usable = [place for place, sample in enumerate(samples) if sample.problem is None]
    arrays: dict[str, np.ndarray] = {}

    def pool(batch: list[int]) -> None:
        pooled = represent(model, [samples[usable[place]] for place in batch])
        for name, rows in vars(pooled).items():
            if not torch.isfinite(rows).all():
                raise InputError("representations are not finite; try --dtype float32")
            array = arrays.setdefault(name, np.zeros((len(samples), rows.shape[1]), config.store_dtype))
            array[[usable[place] for place in batch]] = rows.numpy()

    for_each_batch([samples[place] for place in usable], config.batch_tokens, pool, on_samples)
    on_samples(len(samples) - len(usable))
    return arrays


def _pool(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    shares = weights.float() / weights.sum(dim=1, keepdim=True)
    return unit_tensor(torch.einsum("bth,bt->bh", hidden, shares)).cpu()
