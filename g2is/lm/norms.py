"""Root-mean-square norms by torch's own operator, which is one kernel on a GPU.

Models of transformers write out the formula, which a GPU takes some ten kernels for, each of which reads and writes all
activations. What is replaced are layers that compute just that, whatever their name, and whose weights are frozen:
gradients of trained ones are taken by `torch.func`.
"""

from __future__ import annotations

from copy import deepcopy
from inspect import signature
from types import MethodType
from typing import Any

import torch
from torch.nn import functional as F

EXACT = 1e-5
"""Share by which both may differ in float32."""


def fuse_norms(model: torch.nn.Module) -> int:
    """Replace the norms of a model that can be; returns how many."""
    known: dict[tuple[Any, ...], bool] = {}
    count = 0
    for module in model.modules():
        if not _may_be(module):
            continue
        kind = type(module), module.weight.shape, _epsilon(module)
        if kind not in known:
            known[kind] = _is_norm(module)
        if known[kind]:
            module.forward = MethodType(_forward, module)
            count += 1
    return count


def _may_be(module: Any) -> bool:
    """Whether it is worth a trial: a layer with a frozen row of weights and a small number, and nothing else."""
    weight = module._parameters.get("weight")
    return (
        type(module).__module__.partition(".")[0] != "torch"
        and len(module._parameters) == 1
        and weight is not None
        and weight.dim() == 1
        and not (weight.requires_grad or module._modules or module._buffers)
        and "forward" not in vars(module)  # accelerate's, where a model lies on several devices
        and isinstance(_epsilon(module), float)
        and len(signature(type(module).forward).parameters)
        == 2  # some are given a gate, or a residual, as well
    )


def _epsilon(module: Any) -> Any:
    return getattr(module, "variance_epsilon", getattr(module, "eps", None))


def _is_norm(module: Any) -> bool:
    """Whether a layer computes this norm and its gradient: tried in float32 on numbers that are small like epsilon."""
    random = torch.Generator().manual_seed(0)
    copy = deepcopy(module).to("cpu", torch.float32)
    found = []
    with torch.enable_grad():
        copy.weight.data.uniform_(0.5, 1.5, generator=random)
        rows = 1e-3 * torch.randn(2, 3, len(copy.weight), generator=random)
        for forward in (type(copy).forward, _forward):
            given = rows.clone().requires_grad_()
            try:
                output = forward(copy, given)
                output.square().sum().backward()
            except Exception:  # another layer, which takes other arguments or gives something else
                return False
            found.append((output.detach(), given.grad))
    return all(
        expected is not None
        and result is not None
        and expected.shape == result.shape
        and float((expected - result).abs().max()) <= EXACT * float(expected.abs().max())
        for expected, result in zip(*found, strict=True)
    )


def _forward(module: Any, hidden_states: torch.Tensor) -> torch.Tensor:
    weight = module.weight
    if weight.dtype != hidden_states.dtype:  # whose rounding the model has its own order for
        return type(module).forward(module, hidden_states)
    return F.rms_norm(hidden_states, weight.shape, weight, _epsilon(module))
