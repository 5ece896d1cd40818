"""The warm-up: a short training of the adapter, and Adam's averages at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save

from g2is.config import WarmupConfig
from g2is.lm.text import Encoded
from g2is.lm.train import TrainingState, train_adapter
from g2is.storage.files import whole_files, write_bytes, write_with_checksum


def draw(count: int, config: WarmupConfig) -> np.ndarray:
    """Rows of the pool that the warm-up trains on, drawn at random, ascending."""
    drawn = np.random.default_rng(config.seed).choice(count, size=config.drawn(count), replace=False)
    return np.sort(drawn)


def checkpoint_epochs(epochs: int, checkpoints: int) -> list[int]:
    """The epochs, counted from 1, at whose ends gradients are taken: spread evenly, the last one among them."""
    return [-(-epochs * number // checkpoints) for number in range(1, checkpoints + 1)]


def warm_up(
    model: Any,
    samples: Sequence[Encoded],
    config: WarmupConfig,
    *,
    batch_tokens: int,
    resume: TrainingState | None,
    on_step: Callable[[float], None],
    on_epoch: Callable[[TrainingState], None],
) -> TrainingState:
    """Train the adapter in place. on_epoch: called with the state from which a stopped warm-up can resume."""
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
        resume=resume,
        on_step=on_step,
        on_epoch=on_epoch,
    )


@dataclass(frozen=True)
class Checkpoint:
    """The last state of a training that may be stopped, in a file with its checksum in its name."""

    folder: Path
    name: str

    def read(self) -> TrainingState | None:
        """The last intact state; None if there is none."""
        whole = whole_files(self.folder, f"{self.name}-*.safetensors")
        return load_state(whole[-1]) if whole else None

    def write(self, state: TrainingState) -> None:
        """Write a state and remove earlier ones."""
        path = self.folder / f"{self.name}-{state.step:09d}.safetensors"
        written = write_with_checksum(path, _serialized(state))
        for earlier in self.folder.glob(f"{self.name}-*.safetensors"):
            if earlier != written:
                earlier.unlink()


def save_state(path: Path, state: TrainingState) -> None:
    """Write adapter and Adam's averages as one safetensors file, tensors named `group/parameter`."""
    write_bytes(path, _serialized(state))


def _serialized(state: TrainingState) -> bytes:
    groups = {"parameters": state.parameters, "exp_avg": state.exp_avg, "exp_avg_sq": state.exp_avg_sq}
    tensors = {f"{group}/{name}": tensor for group, named in groups.items() for name, tensor in named.items()}
    return save(tensors, metadata={"step": str(state.step)})


def load_state(path: Path) -> TrainingState:
    """Read what `save_state` wrote. The file must be intact: its checksum was compared before."""
    groups: dict[str, dict[str, torch.Tensor]] = {"parameters": {}, "exp_avg": {}, "exp_avg_sq": {}}
    with safe_open(path, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 - not a mapping
            group, name = key.split("/", 1)
            groups[group][name] = file.get_tensor(key)
        return TrainingState(**groups, step=int(file.metadata()["step"]))
