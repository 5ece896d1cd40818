"""An ensemble of adapters, for norms of gradients early and late in training, as GradFiltering measures them.

Each member is an adapter with its own initial weights, its own random share of the pool and its own order. Only norms
are kept: two numbers for each sample and member.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from g2is.config import WarmupConfig
from g2is.lm.model import reset_adapter
from g2is.lm.text import Encoded
from g2is.lm.train import TrainingState, trainable
from g2is.lm.warmup import Checkpoint, warm_up


class SquaredLength:
    """Takes the place of a random projection: the exact squared norm of the whole gradient."""

    dim = 1

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        sketch += gradient.square().sum(dim=1, keepdim=True)


def train_member(
    model: Any,
    samples: Sequence[Encoded],
    config: WarmupConfig,
    *,
    batch_tokens: int,
    early: Checkpoint,
    late: Checkpoint,
    on_step: Callable[[float], None],
) -> tuple[TrainingState, TrainingState]:
    """Train a fresh adapter, seeded by `config`; returns its states after the first and the last epoch.

    A stopped training resumes after the last complete epoch, whose state is in `late`.
    """
    reset_adapter(model, config.seed)
    first = [state for state in [early.read()] if state]

    def keep(state: TrainingState) -> None:
        if not first:
            first.append(state)
            early.write(state)
        late.write(state)

    last = warm_up(
        model,
        samples,
        config,
        batch_tokens=batch_tokens,
        resume=late.read() if first else None,
        on_step=on_step,
        on_epoch=keep,
    )
    return first[0], last


def take_state(model: Any, state: TrainingState) -> None:
    """Set the model's adapter to the parameters of a state."""
    reset_adapter(model, 0)
    for name, parameter in trainable(model).items():
        parameter.data.copy_(state.parameters[name])
