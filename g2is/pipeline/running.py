"""What the stages that run the model share: the model, batches of similar length, shards to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from tqdm import tqdm

from g2is.config import BuildConfig
from g2is.errors import InputError
from g2is.lm.gradients import GradientEngine
from g2is.lm.text import Encoded, Encoder
from g2is.lm.train import batches
from g2is.pipeline.writer import RunWriter
from g2is.storage.shards import ShardStore


class Running(Protocol):
    """A build that is going on; encoder and model are loaded when first asked for."""

    writer: RunWriter
    config: BuildConfig

    @property
    def encoder(self) -> Encoder: ...

    @property
    def model(self) -> Any:
        """With an adapter, in whatever state the stage before has left it."""


def in_batches(samples: Sequence[Encoded], batch_tokens: int, bar: tqdm | None = None) -> Iterator[list[int]]:
    """Positions of the samples of each batch; the bar moves when the next one is asked for."""
    for batch in batches([len(sample) for sample in samples], batch_tokens):
        yield batch
        if bar is not None:
            bar.update(len(batch))


def out_of_memory(batch_tokens: int) -> InputError:
    """What to say where a batch does not fit the device."""
    return InputError(
        f"batch_tokens = {batch_tokens}: out of memory on the device; the same command with a smaller "
        "--batch-tokens goes on from here"
    )


def gradients_of(
    engine: GradientEngine, samples: Sequence[Encoded], batch_tokens: int, bar: tqdm | None = None
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Sketches and losses of all samples on the CPU, in their order."""
    kinds = ("sgd", "adam") if engine.averages else ("sgd",)
    sketches = {kind: torch.zeros(len(samples), engine.projection.dim) for kind in kinds}
    losses = torch.zeros(len(samples))
    for batch in in_batches(samples, batch_tokens, bar):
        try:
            some, loss = engine([samples[i] for i in batch])
        except torch.OutOfMemoryError:
            raise out_of_memory(batch_tokens) from None
        for kind, rows in some.items():
            sketches[kind][batch] = rows.cpu()
        losses[batch] = loss.cpu()
    return sketches, losses


def missing_shards(store: ShardStore, bar: tqdm) -> Iterator[tuple[int, slice]]:
    """Number and rows of each shard still to do; the bar starts behind those that are done."""
    missing = store.missing()
    bar.update(store.count - sum(len(store.rows(shard)) for shard in missing))
    bar.unpause()
    for shard in missing:
        rows = store.rows(shard)
        yield shard, slice(rows.start, rows.stop)
