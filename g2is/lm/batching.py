"""Batches of similar length that fit the device's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from g2is.errors import InputError
from g2is.lm.text import Encoded


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Positions grouped by length, so that a padded batch has at most `batch_tokens` tokens (or one sample)."""
    batch: list[int] = []
    for position in np.argsort(lengths, kind="stable"):
        if batch and (len(batch) + 1) * lengths[position] > batch_tokens:
            yield batch
            batch = []
        batch.append(int(position))
    if batch:
        yield batch


def for_each_batch(
    samples: Sequence[Encoded],
    batch_tokens: int,
    work: Callable[[list[int]], object],
    on_samples: Callable[[int], object] = lambda count: None,
) -> None:
    """Call `work` with the positions of each batch of samples, and `on_samples` with their number after it.

    Raises `InputError` if a batch does not fit the device's memory.
    """
    for batch in batches([len(sample) for sample in samples], batch_tokens):
        try:
            work(batch)
        except torch.OutOfMemoryError:
            raise InputError(
                f"batch_tokens = {batch_tokens}: out of memory on the device; the same command with a smaller "
                "--batch-tokens resumes from here"
            ) from None
        on_samples(len(batch))
