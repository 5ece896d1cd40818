"""Sketches of the gradients of many samples, and the unit rows that a run keeps of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from g2is.arrays.unit import unit_tensor
from g2is.config import GradientConfig
from g2is.lm.batching import for_each_batch
from g2is.lm.gradients import GradientEngine, Kind
from g2is.lm.text import Encoded
from g2is.storage.dtypes import stored_rows

OnSamples = Callable[[int], object]


def sketches_of(
    engine: GradientEngine,
    samples: Sequence[Encoded],
    batch_tokens: int,
    on_samples: OnSamples = lambda count: None,
    on_too_long: OnSamples | None = None,
) -> tuple[dict[Kind, np.ndarray], np.ndarray]:
    """Sketches (n, d) of each kind and losses (n,) of all samples, float32, in their order.

    on_samples: called with the number of samples after each batch. on_too_long: called with the position of a sample
    that does not fit the device's memory even by itself, whose sketches stay zero; without it that raises `InputError`.
    """
    kinds: tuple[Kind, ...] = ("sgd", "adam") if engine.averages else ("sgd",)
    sketches = {kind: np.zeros((len(samples), engine.projection.dim), np.float32) for kind in kinds}
    losses = np.zeros(len(samples), np.float32)

    waiting: list[tuple[list[int], dict[Kind, Fetched], Fetched]] = []

    def sketch(batch: list[int]) -> None:
        by_kind, loss = engine([samples[i] for i in batch])
        waiting.append((batch, {kind: Fetched(rows) for kind, rows in by_kind.items()}, Fetched(loss)))
        if len(waiting) > 1:  # a GPU has the next batch to do before this one is waited for
            keep(*waiting.pop(0))

    def keep(batch: list[int], by_kind: dict[Kind, Fetched], loss: Fetched) -> None:
        for kind, rows in by_kind.items():
            sketches[kind][batch] = rows.numpy()
        losses[batch] = loss.numpy()

    for_each_batch(samples, batch_tokens, sketch, on_samples, on_too_long)
    for given in waiting:
        keep(*given)
    return sketches, losses


class Fetched:
    """A tensor on its way to the CPU, which a GPU sends when it has computed it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._sent: torch.cuda.Event | None = None
        if tensor.is_cuda:
            self._here = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            with torch.cuda.device(tensor.device):
                self._here.copy_(tensor, non_blocking=True)
                self._sent = torch.cuda.Event()
                self._sent.record()
        else:
            self._here = tensor.cpu()

    def numpy(self) -> np.ndarray:
        """Its content, once it is here."""
        if self._sent is not None:
            self._sent.synchronize()
        return self._here.numpy()


class ShardGradients:
    """Computes the arrays of one shard of the pool: unit rows and norms in every regime, losses, lengths."""

    def __init__(self, engine: GradientEngine, config: GradientConfig) -> None:
        self.engine = engine
        self.config = config
        averages = engine.averages
        self._common = averages.common(engine.projection).cpu() if averages else None

    def __call__(
        self, samples: Sequence[Encoded], on_samples: OnSamples
    ) -> tuple[dict[str, np.ndarray], dict[int, str]]:
        """The arrays by name, and by position why samples are not valid; their rows are zero."""
        problems = {i: sample.problem for i, sample in enumerate(samples) if sample.problem}
        usable = [i for i in range(len(samples)) if i not in problems]
        on_samples(len(problems))
        arrays: dict[str, np.ndarray] = {
            "loss": np.full(len(samples), np.nan, np.float32),
            "tokens": np.array([len(sample) for sample in samples], np.int32),
            "trained_tokens": np.array([sample.trained.sum() for sample in samples], np.int32),
            "cut": np.array([sample.cut for sample in samples], np.int8),
        }
        too_long: list[int] = []
        sketches, losses = sketches_of(
            self.engine,
            [samples[i] for i in usable],
            self.config.batch_tokens,
            on_samples,
            lambda place: too_long.append(usable[place]),
        )
        arrays["loss"][usable] = losses
        arrays["loss"][too_long] = np.nan
        for regime in self.config.computed:
            sketch = torch.from_numpy(sketches["sgd" if regime == "sgd" else "adam"])
            if regime == "adam_without_momentum" and self._common is not None:
                sketch = sketch - self._common
            norms = sketch.norm(dim=1)
            for i, norm in zip(usable, norms.tolist(), strict=True):
                if not np.isfinite(norm):
                    problems[i] = "the gradient is not finite"
                elif norm == 0:
                    problems[i] = "the gradient is zero"
            rows = torch.nan_to_num(unit_tensor(sketch))
            arrays[regime] = np.zeros((len(samples), sketch.shape[1]), self.config.store_dtype)
            arrays[regime][usable] = stored_rows(rows.numpy(), self.config.store_dtype)
            arrays[f"{regime}_norms"] = np.zeros(len(samples), np.float32)
            arrays[f"{regime}_norms"][usable] = norms.numpy()
            arrays[f"{regime}_norms"][too_long] = 0
        problems.update(dict.fromkeys(too_long, "the device's memory does not hold its gradient"))
        for regime in self.config.computed:
            arrays[regime][list(problems)] = 0
        return arrays, problems
