"""Fixed random projections of gradients, R^p -> R^d, the same for every sample and every batch.

A projection acts on one parameter's flattened gradients at a time and is seeded by that parameter's
name, so it depends neither on the order of parameters nor on the machine.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch

from g2is.config import GradientConfig
from g2is.lm.folding import Folding
from g2is.lm.one_kernel import one_kernel
from g2is.lm.scatter import Places, scatter


class RandomProjection(Protocol):
    """Sums the projections of all parameters' gradients into one sketch."""

    dim: int

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        """Add the projection of `gradient` (b, p) of parameter `name` to `sketch` (b, dim) float32, in place."""


def make_projection(config: GradientConfig, sizes: dict[str, int], device: str) -> RandomProjection:
    """The projection of the settings, over parameters of the given sizes."""
    if config.projection == "none":
        return NoProjection(sizes)
    if config.projection_dim is None:
        raise ValueError("resolve the configuration first")
    if config.projection == "rademacher":
        return Rademacher(config.projection_dim, config.projection_seed)
    if sum(sizes.values()) > OWN_PLANS:
        return SharedCountSketch(sizes, config.projection_dim, config.projection_seed)
    return CountSketch(sizes, config.projection_dim, config.projection_seed, device)


def _random(name: str, seed: int, block: int = 0) -> np.random.Generator:
    """A generator for one parameter; Philox gives the same numbers on every machine."""
    digest = hashlib.sha256(f"{seed}/{block}/{name}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


class Folded(ABC):
    """A projection that folds: one non-zero for each coordinate, as a gather."""

    dim: int

    @abstractmethod
    def folding(self, name: str, device: torch.device) -> Folding:
        """How a parameter is folded, on a device."""

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        """Add the projection of `gradient` (b, p) of parameter `name` to `sketch` (b, dim) float32, in place."""
        folding = self.folding(name, gradient.device)
        if fused := one_kernel(gradient.device):
            fused.fold(folding, gradient, sketch)
        else:
            folding.add(gradient, sketch)


class CountSketch(Folded):
    """One non-zero per input coordinate, as a gather: permute the coordinates with signs, then fold.

    A coordinate's slot modulo `dim` is its bucket. Unlike a scatter-add this is balanced
    and deterministic on every device. Inner products are kept in expectation (Charikar et al. 2002).
    """

    def __init__(self, sizes: dict[str, int], dim: int, seed: int, device: str) -> None:
        self.dim = dim
        self._foldings: dict[str, Folding] = {}
        self._places: dict[str, Places] = {}
        for name, size in sizes.items():
            random = _random(name, seed)
            source, present = _permutation(random, size, dim)
            sign = (random.integers(0, 2, len(source), dtype=np.int8) * 2 - 1) * present
            self._foldings[name] = Folding(
                torch.from_numpy(source).to(device), torch.from_numpy(sign).to(device), dim
            )

    def folding(self, name: str, device: torch.device) -> Folding:
        """How a parameter is folded, kept on the device that it was last asked for."""
        folding = self._foldings[name]
        if folding.source.device != device:  # layers may be on several devices
            folding = replace(folding, source=folding.source.to(device), sign=folding.sign.to(device))
            self._foldings[name] = folding
        return folding

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        """Add the projection of `gradient` (b, p) of parameter `name` to `sketch` (b, dim) float32, in place."""
        if gradient.device.type == "cpu":
            scatter(self.places(name), gradient.float(), sketch)
        else:
            super().add(sketch, name, gradient)

    def places(self, name: str) -> Places:
        """Bucket and sign of each coordinate: the same sketch as a scatter, which is the faster way on a CPU."""
        if name not in self._places:
            folding = self._foldings[name]
            source, sign = (part.cpu().numpy() for part in (folding.source, folding.sign))
            slots = np.flatnonzero(sign)
            kind = np.uint16 if self.dim <= 1 << 16 else np.uint32
            bucket, signs = np.empty(len(slots), kind), np.empty(len(slots), np.int8)
            bucket[source[slots]] = slots % self.dim
            signs[source[slots]] = sign[slots]
            self._places[name] = bucket, signs
        return self._places[name]


OWN_PLANS = 1 << 27
"""Coordinates of all parameters up to which each has its own permutation: 0.7 GB at 5 bytes each."""


class SharedCountSketch(Folded):
    """A count sketch of a whole model's weights, whose permutations would otherwise be larger than the model.

    Parameters of one size share one permutation. Each reads its signs from its own offset in a long row of random
    signs, and rotates its buckets by its own number, so that errors of different parameters do not add up.
    """

    def __init__(self, sizes: dict[str, int], dim: int, seed: int) -> None:
        self.dim = dim
        self._sizes = sizes
        self._plan = {}
        for size in set(sizes.values()):
            source, present = _permutation(_random(f"size {size}", seed), size, dim)
            self._plan[size] = torch.from_numpy(source), torch.from_numpy(present)
        # Twice as long as the longest parameter, so that offsets can differ.
        longest = max(len(source) for source, _ in self._plan.values())
        signs = _random("signs", seed).integers(0, 2, 2 * longest, dtype=np.int8) * 2 - 1
        self._signs = torch.from_numpy(signs)
        self._own = {}
        for name, size in sizes.items():
            random = _random(name, seed)
            start = int(random.integers(len(signs) - len(self._plan[size][0]) + 1))
            self._own[name] = start, int(random.integers(dim))

    def folding(self, name: str, device: torch.device) -> Folding:
        """How a parameter is folded; permutations and signs are kept on the device that they were last asked for."""
        size, (start, turn) = self._sizes[name], self._own[name]
        source, present = (part.to(device) for part in self._plan[size])
        self._plan[size] = source, present
        self._signs = self._signs.to(device)
        return Folding(source, self._signs[start : start + len(source)] * present, self.dim, turn)


def _permutation(random: np.random.Generator, size: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """For each slot, the coordinate that it reads (int32), and 0 if it reads none (int8); slots fill rows of `dim`."""
    source = random.permutation(-(-size // dim) * dim)
    return np.minimum(source, size - 1).astype(np.int32), (source < size).astype(np.int8)


class Rademacher:
    """Dense random signs, scaled so that norms are kept: for parity with LESS and TRAK.

    Signs are drawn again, block by block, each time they are needed, since all of them would be larger than the model.
    Slow; large batches help.
    """

    block = 4096

    def __init__(self, dim: int, seed: int) -> None:
        self.dim = dim
        self.seed = seed

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        for block, part in enumerate(gradient.float().split(self.block, dim=1)):
            bits = np.frombuffer(
                _random(name, self.seed, block).bytes(part.shape[1] * self.dim // 8 + 1), dtype=np.uint8
            )
            signs = np.unpackbits(bits)[: part.shape[1] * self.dim].reshape(part.shape[1], self.dim)
            matrix = torch.from_numpy(signs).to(part).mul_(2).sub_(1)
            sketch.addmm_(part, matrix, alpha=self.dim**-0.5)


class NoProjection:
    """The gradients themselves, one parameter after another: for small models and for tests."""

    def __init__(self, sizes: dict[str, int]) -> None:
        ends = np.cumsum(list(sizes.values()))
        self.dim = int(ends[-1])
        self._place = {
            name: slice(int(end) - size, int(end))
            for (name, size), end in zip(sizes.items(), ends, strict=True)
        }

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        sketch[:, self._place[name]] += gradient
