"""A count sketch of one parameter as a gather: permute its coordinates with signs, then fold them into rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Folding:
    """Which coordinate each slot reads. Slots fill rows of `dim`, whose sum is the sketch.

    source: (s,) int32, the coordinate. sign: (s,) int8, 0 where a slot reads none. turn: how far the sum is rotated.
    """

    source: torch.Tensor
    sign: torch.Tensor
    dim: int
    turn: int = 0

    def add(self, gradient: torch.Tensor, sketch: torch.Tensor) -> None:
        """Add gradients (b, p) to sketches (b, d), on the device that all of them are on."""
        slots = gradient.float().index_select(1, self.source).mul_(self.sign)
        folded = slots.view(len(gradient), -1, self.dim).sum(1)
        sketch += folded.roll(self.turn, 1) if self.turn else folded
