"""Per-sample gradients of one layer's parameters, from the layer's input and the gradient at its output.

A linear layer's gradient is, for each sample, the sum over its tokens of the outer product of the two; an
embedding is a linear layer of one-hot rows. Other layers that hold parameters, norms, are small and are
differentiated by autograd. Large parameters are handled in pieces, so that the gradients of a batch for all of one
never exist at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch.func import functional_call, vjp, vmap
from transformers.pytorch_utils import Conv1D

PIECE = 1 << 22
"""Coordinates of a parameter in one piece, at most."""


def pieces(name: str, shape: Sequence[int]) -> dict[str, slice]:
    """A parameter in pieces of whole rows with at most `PIECE` coordinates (or one row): rows by name of the piece."""
    count = shape[0]
    rows = max(1, PIECE // max(1, torch.Size(shape).numel() // count))
    if rows >= count:
        return {name: slice(0, count)}
    return {f"{name}[{start}]": slice(start, min(start + rows, count)) for start in range(0, count, rows)}


def piece_sizes(parameters: dict[str, torch.nn.Parameter]) -> dict[str, int]:
    """Coordinates of each piece of some parameters, in their order."""
    return {
        piece: (rows.stop - rows.start) * (parameter.numel() // len(parameter))
        for name, parameter in parameters.items()
        for piece, rows in pieces(name, parameter.shape).items()
    }


def differentiable(module: torch.nn.Module, parameter: torch.nn.Parameter) -> bool:
    """Whether `Use` can compute the gradients of such a layer."""
    if isinstance(module, torch.nn.Embedding):
        return type(module) is torch.nn.Embedding or hasattr(module, "embed_scale")
    return type(module) in (torch.nn.Linear, Conv1D) or (parameter.dim() == 1 and not any(module.children()))


@dataclass(frozen=True)
class Use:
    """One pass of a batch through a layer.

    inputs: (b, t, ...) of the layer. delta: (b, t, ...), the gradient at its output. counts: only for the output
    layer, which sees the predicted tokens of all samples in one row (1, sum of counts, ...): tokens of each sample.
    """

    module: Any
    attribute: str
    inputs: torch.Tensor
    delta: torch.Tensor
    counts: tuple[int, ...] | None = None

    def gradient(self, rows: slice) -> torch.Tensor:
        """Gradients of some rows of the parameter, flattened: (b, p)."""
        if self.counts is not None:
            return torch.cat([use.gradient(rows) for use in self._one_by_one(self.counts)])
        module, inputs, delta = self.module, self.inputs, self.delta
        if isinstance(module, torch.nn.Embedding):
            # Gemma scales its embeddings.
            scale = torch.as_tensor(getattr(module, "embed_scale", 1.0)).to(delta)
            return torch.bmm(self._one_hot(rows), delta * scale).flatten(1)
        if type(module) not in (torch.nn.Linear, Conv1D):
            return self._by_autograd()[:, rows]
        # Latent attention (DeepSeek) gives its layers (b, 1, t, d).
        inputs, delta = inputs.flatten(1, -2), delta.flatten(1, -2)
        if self.attribute == "bias":
            return delta[..., rows].sum(1)
        if type(module) is Conv1D:
            return torch.bmm(inputs[..., rows].transpose(1, 2), delta).flatten(1)
        return torch.bmm(delta[..., rows].transpose(1, 2), inputs).flatten(1)

    def _one_by_one(self, counts: tuple[int, ...]) -> list[Use]:
        return [
            Use(self.module, self.attribute, inputs, delta)
            for inputs, delta in zip(self.inputs.split(counts, 1), self.delta.split(counts, 1), strict=True)
        ]

    def _one_hot(self, rows: slice) -> torch.Tensor:
        """(b, rows, t): 1 where a sample's token is the row; padding counts nowhere, as in autograd."""
        tokens = self.inputs.to(self.delta.device)
        hot = tokens[:, None] == torch.arange(rows.start, rows.stop, device=tokens.device)[:, None]
        if self.module.padding_idx is not None:
            hot &= tokens[:, None] != self.module.padding_idx
        return hot.to(self.delta.dtype)

    def _by_autograd(self) -> torch.Tensor:
        parameters = dict(self.module.named_parameters())
        module = copy(self.module)
        module._forward_hooks = OrderedDict()  # this pass must not be recorded

        def backward(inputs: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
            back = vjp(lambda values: functional_call(module, values, (inputs,)), parameters)[1]
            return back(delta)[0][self.attribute]

        return vmap(backward)(self.inputs, self.delta).flatten(1)
