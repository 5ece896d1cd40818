"""What the base model makes of a text: its last hidden states, pooled over the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from g2is.arrays.unit import unit_tensor
from g2is.lm.text import Encoded
from g2is.lm.train import pad


@dataclass(frozen=True)
class Pooled:
    """Unit rows (b, h) float32 on the CPU: the mean of a sample's last hidden states, weighted or plain."""

    weighted: torch.Tensor
    """By position i, from 1, as i / sum(i): later tokens have seen more (Muennighoff 2022; RDS+)."""
    mean: torch.Tensor


@torch.no_grad()
def represent(model: Any, batch: Sequence[Encoded]) -> Pooled:
    """Pool the last hidden states of the base model over all tokens of each sample, prompt included.

    model: with an adapter, which is switched off: what a text means should not depend on the warm-up. The last
    hidden states are what the output layer reads, after the last normalisation.
    """
    input_ids, mask, _ = pad(batch, next(model.parameters()).device)
    kept: list[torch.Tensor] = []

    def keep(module: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        kept.append(inputs[0])
        return (inputs[0][:, :1], *inputs[1:])  # the output layer's own work is not needed

    hook = model.get_output_embeddings().register_forward_pre_hook(keep)
    try:
        with model.disable_adapter():
            model.eval()(input_ids=input_ids, attention_mask=mask, use_cache=False)
    finally:
        hook.remove()
    hidden = kept[0].float()
    positions = mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)
    return Pooled(_pool(hidden, positions), _pool(hidden, mask))


def _pool(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    shares = weights.float() / weights.sum(dim=1, keepdim=True)
    return unit_tensor(torch.einsum("bth,bt->bh", hidden, shares)).cpu()
