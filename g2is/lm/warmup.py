"""The warm-up: a short training of the adapter that gives Adam's averages their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from g2is.config import WarmupConfig
from g2is.files import write_bytes
from g2is.lm.text import Encoded
from g2is.lm.train import TrainingState, train_adapter


def draw(count: int, config: WarmupConfig) -> np.ndarray:
    """Rows of the pool the warm-up trains on: a seeded draw of `fraction`, at least one, ascending."""
    size = max(1, round(count * config.fraction))
    return np.sort(np.random.default_rng(config.seed).choice(count, size=size, replace=False))


def warm_up(
    model: Any,
    samples: Sequence[Encoded],
    config: WarmupConfig,
    *,
    batch_tokens: int,
    checkpoint: Path,
    on_step: Callable[[float], None] = lambda loss: None,
) -> TrainingState:
    """Train the adapter in place; a checkpoint after each epoch lets a stopped warm-up go on."""
    if config.learning_rate is None or config.batch_size is None:
        raise ValueError("resolve the configuration first")
    return train_adapter(
        model,
        samples,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        schedule_warmup=config.schedule_warmup,
        batch_size=config.batch_size,
        batch_tokens=batch_tokens,
        seed=config.seed,
        resume=read_checkpoint(checkpoint),
        on_step=on_step,
        on_epoch=lambda state: save_state(checkpoint, state),
    )


def read_checkpoint(path: Path) -> TrainingState | None:
    """Where a stopped warm-up goes on; a damaged checkpoint is as good as none."""
    try:
        return load_state(path)
    except (FileNotFoundError, ValueError):
        return None


def save_state(path: Path, state: TrainingState) -> None:
    """Adapter and Adam's averages as one safetensors file, tensors named `group/parameter`."""
    groups = {"parameters": state.parameters, "exp_avg": state.exp_avg, "exp_avg_sq": state.exp_avg_sq}
    tensors = {f"{group}/{name}": tensor for group, named in groups.items() for name, tensor in named.items()}
    write_bytes(path, save(tensors, metadata={"step": str(state.step)}))


def load_state(path: Path) -> TrainingState:
    """Read what `save_state` wrote; raises `ValueError` where the file is not whole."""
    groups: dict[str, dict[str, torch.Tensor]] = {"parameters": {}, "exp_avg": {}, "exp_avg_sq": {}}
    try:
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 - not a mapping
                group, name = key.split("/", 1)
                groups[group][name] = file.get_tensor(key)
            return TrainingState(**groups, step=int(file.metadata()["step"]))
    except (SafetensorError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: not a whole warm-up state ({error})") from None
