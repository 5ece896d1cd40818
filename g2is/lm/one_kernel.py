"""Whether a GPU takes gradients through one kernel (`fused`), which is tried there once against those of torch."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import torch

from g2is.lm.adam import AdamRule
from g2is.lm.folding import Folding

CLOSE = 1e-4
"""Share of the largest number in a sketch by which both ways may differ: float32 rounds to less than 1e-6."""


def one_kernel(device: torch.device) -> ModuleType | None:
    """The functions `fold` and `fold_both` for a device; None where there is no such kernel, or it is not right."""
    return _tried(device)[0]


def described(device: torch.device) -> str:
    """How gradients on a device become sketches, in a line."""
    fused, reason = _tried(device)
    return "one kernel for Adam's rule and both sketches" if fused else f"several kernels a sketch ({reason})"


@cache
def _tried(device: torch.device) -> tuple[ModuleType | None, str]:
    """The kernel, and why there is none."""
    return _try(device) if device.type == "cuda" else (None, "no CUDA device")


def _try(device: torch.device) -> tuple[ModuleType | None, str]:
    try:
        from g2is.lm import fused

        # Triton compiles when a kernel is first called, which takes a compiler of C and may fail in ways of its own.
        difference = _difference(fused, device)
    except ImportError:
        return None, "Triton is not installed"
    except Exception as error:
        return None, f"Triton's kernel failed: {type(error).__name__}: {error}".splitlines()[0]
    # What is not a number is not close.
    if difference < CLOSE:
        return fused, ""
    return None, f"Triton's kernel is {difference:.1g} off on this device"


def _difference(fused: ModuleType, device: torch.device) -> float:
    """How far both ways differ on made-up gradients, as a share of the largest number in the sketches."""
    random = torch.Generator().manual_seed(0)
    count, size, dim = 3, 5000, 1024
    slots = -(-size // dim) * dim
    source = torch.randperm(slots, generator=random)
    sign = (torch.randint(0, 2, (slots,), generator=random) * 2 - 1) * (source < size)
    folding = Folding(
        source.clamp(max=size - 1).int().to(device), sign.to(torch.int8).to(device), dim, turn=dim // 3
    )
    gradient = torch.randn(count, size, generator=random).to(device)
    m, v = (torch.rand(size, generator=random).to(device) for _ in range(2))
    rule = AdamRule(m, v, (0.9, 0.999), 1e-8, 0.0)
    expected, found = torch.zeros(3, count, dim, device=device), torch.zeros(3, count, dim, device=device)
    for given, sums in zip((gradient, rule.gradient(gradient), gradient), expected, strict=True):
        folding.add(given, sums)
    fused.fold_both(folding, gradient, rule, found[0], found[1])
    fused.fold(folding, gradient, found[2])
    return float((found - expected).abs().max() / expected.abs().max())
