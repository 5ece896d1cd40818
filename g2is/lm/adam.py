"""Adam's rule for the gradient of one sample, from the averages that a warm-up has left."""

from __future__ import annotations

from typing import NamedTuple

import torch


class AdamRule(NamedTuple):
    """The rule for one parameter.

    exp_avg, exp_avg_sq: (p,) the averages. inside, outside: what is added in the root, and to it.
    """

    exp_avg: torch.Tensor
    exp_avg_sq: torch.Tensor
    betas: tuple[float, float]
    inside: float
    outside: float

    def gradient(self, gradient: torch.Tensor) -> torch.Tensor:
        """`(b1 m + (1-b1) g) / (sqrt(b2 v + (1-b2) g^2 + inside) + outside)` for gradients (b, p), without a
        correction of bias."""
        b1, b2 = self.betas
        square = torch.addcmul(b2 * self.exp_avg_sq, gradient, gradient, value=1 - b2)
        root = square.add_(self.inside).sqrt_()
        if self.outside:
            root.add_(self.outside)
        return torch.add(b1 * self.exp_avg, gradient, alpha=1 - b1).div_(root)
