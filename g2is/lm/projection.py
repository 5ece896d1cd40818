"""Fixed random projections of gradients, R^p -> R^d, the same for every sample and every batch.

A projection acts on one parameter's flattened gradients at a time and is seeded by that parameter's
name, so it depends neither on the order of parameters nor on the machine.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

import numpy as np
import torch

from g2is.config import GradientConfig


class RandomProjection(Protocol):
    """Sums the projections of each parameter's gradients into one sketch."""

    dim: int

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        """Add the projection of `gradient` (b, p) of parameter `name` to `sketch` (b, dim) in place."""


def make_projection(config: GradientConfig, sizes: dict[str, int], device: str) -> RandomProjection:
    """The projection the settings ask for, over parameters of the given sizes."""
    if config.projection == "none":
        return NoProjection(sizes)
    if config.projection_dim is None:
        raise ValueError("resolve the configuration first")
    if config.projection == "rademacher":
        return Rademacher(config.projection_dim, config.projection_seed)
    return CountSketch(sizes, config.projection_dim, config.projection_seed, device)


def _random(name: str, seed: int, block: int = 0) -> np.random.Generator:
    """A generator of its own for every parameter; Philox gives the same numbers on every machine."""
    digest = hashlib.sha256(f"{seed}/{block}/{name}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


class CountSketch:
    """One non-zero per input coordinate, as a gather: permute the coordinates with signs, then fold.

    A coordinate's slot modulo `dim` is its bucket. Unlike a scatter-add this is contiguous, balanced
    and deterministic on every device. Inner products are kept in expectation (Charikar et al. 2002).
    """

    def __init__(self, sizes: dict[str, int], dim: int, seed: int, device: str) -> None:
        self.dim = dim
        self._plan: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        for name, size in sizes.items():
            slots = -(-size // dim) * dim
            random = _random(name, seed)
            # Slots beyond the coordinates read some coordinate with sign 0.
            source = random.permutation(slots)
            sign = random.integers(0, 2, slots, dtype=np.int8) * 2 - 1
            sign[source >= size] = 0
            self._plan[name] = (
                torch.from_numpy(np.minimum(source, size - 1).astype(np.int32)).to(device),
                torch.from_numpy(sign).to(device=device, dtype=torch.float32),
            )

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        source, sign = self._plan[name]
        folded = gradient.index_select(1, source).mul_(sign).view(len(gradient), -1, self.dim)
        sketch += folded.sum(1)


class Rademacher:
    """Dense random signs, scaled so that norms are kept: for parity with LESS and TRAK.

    The signs are drawn again, block by block, each time they are needed, since all of them would be
    larger than the model. Slow; give it large batches.
    """

    block = 4096

    def __init__(self, dim: int, seed: int) -> None:
        self.dim = dim
        self.seed = seed

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        for block, part in enumerate(gradient.split(self.block, dim=1)):
            bits = np.frombuffer(
                _random(name, self.seed, block).bytes(part.shape[1] * self.dim // 8 + 1), dtype=np.uint8
            )
            signs = np.unpackbits(bits)[: part.shape[1] * self.dim].reshape(part.shape[1], self.dim)
            matrix = torch.from_numpy(signs).to(part).mul_(2).sub_(1)
            sketch.addmm_(part, matrix, alpha=self.dim**-0.5)


class NoProjection:
    """The gradients themselves, parameter after parameter: for small models and for tests."""

    def __init__(self, sizes: dict[str, int]) -> None:
        ends = np.cumsum(list(sizes.values()))
        self.dim = int(ends[-1])
        self._place = {
            name: slice(int(end) - size, int(end))
            for (name, size), end in zip(sizes.items(), ends, strict=True)
        }

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        sketch[:, self._place[name]] += gradient
