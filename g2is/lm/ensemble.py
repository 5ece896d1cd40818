"""An ensemble of adapters, and the lengths of all samples' gradients early and late in their training.

What GradFiltering measures: a member is an adapter of its own, trained from its own start on its own draw of
the pool in its own order. Only the gradients' lengths are kept, two numbers a sample and member.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from g2is.config import WarmupConfig
from g2is.lm.model import reset_adapter
from g2is.lm.text import Encoded
from g2is.lm.train import TrainingState, train_adapter, trainable
from g2is.lm.warmup import read_checkpoint, save_state


class SquaredLength:
    """In the place of a random projection: the squared length of the whole gradient, exactly."""

    dim = 1

    def add(self, sketch: torch.Tensor, name: str, gradient: torch.Tensor) -> None:
        sketch += gradient.square().sum(dim=1, keepdim=True)


def train_member(
    model: Any,
    samples: Sequence[Encoded],
    config: WarmupConfig,
    *,
    batch_tokens: int,
    early: Path,
    late: Path,
    on_step: Callable[[float], None] = lambda loss: None,
) -> None:
    """Train the model's adapter anew, seeded by `config`, and keep its state after the first epoch and the last.

    A stopped training goes on after the last whole epoch, whose state lies in `late`.
    """
    if config.learning_rate is None or config.batch_size is None:
        raise ValueError("resolve the configuration first")
    reset_adapter(model, config.seed)
    resume = read_checkpoint(late) if read_checkpoint(early) else None

    def keep(state: TrainingState) -> None:
        if read_checkpoint(early) is None:
            save_state(early, state)
        save_state(late, state)

    train_adapter(
        model,
        samples,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        schedule_warmup=config.schedule_warmup,
        batch_size=config.batch_size,
        batch_tokens=batch_tokens,
        seed=config.seed,
        resume=resume,
        on_step=on_step,
        on_epoch=keep,
    )


def take_state(model: Any, state: TrainingState) -> None:
    """Give the model's adapter the parameters of a state."""
    reset_adapter(model, 0)
    for name, parameter in trainable(model).items():
        parameter.data.copy_(state.parameters[name])
