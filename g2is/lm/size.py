"""The sizes of a model that decide its cost. Imports neither torch nor the model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelShape:
    """The sizes of a model that decide its cost.

    linear: (out, in) of every linear layer that text passes, but the output layer. adapted: the same of those that get
    an adapter. experts: weights of a mixture's experts. experts_seen: the share of them that a token passes.
    attention_width: heads times their size. merged_into: the base model, where the model is an adapter.
    """

    hidden_size: int
    positions: int | None
    layers: int
    attention_width: int
    vocabulary: int
    parameters: int
    linear: tuple[tuple[int, int], ...]
    adapted: tuple[tuple[int, int], ...]
    experts: int = 0
    experts_seen: float = 1.0
    merged_into: str | None = None

    @property
    def multiplied(self) -> float:
        """Weights that every token is multiplied with, the output layer aside."""
        return sum(out * into for out, into in self.linear) + self.experts * self.experts_seen

    def adapter(self, rank: int) -> int:
        """Parameters of a LoRA adapter."""
        return sum(rank * (out + into) for out, into in self.adapted)
