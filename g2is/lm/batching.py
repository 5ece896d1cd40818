"""Batches of similar length that fit the device's memory."""

from __future__ import annotations

from collections import deque
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
    on_too_long: Callable[[int], object] | None = None,
) -> None:
    """Call `work` with the positions of each batch of samples, and `on_samples` with their number after it.

    A batch that does not fit the device's memory is halved, and those that follow are no larger. on_too_long: called
    with the position of a sample that does not fit even by itself; without it that raises `InputError`.
    """
    lengths = [len(sample) for sample in samples]
    waiting = deque(batches(lengths, batch_tokens))
    most = float("inf")
    while waiting:
        batch = waiting.popleft()
        tokens = len(batch) * max(lengths[position] for position in batch)
        fits = len(batch) == 1 or tokens <= most
        if fits and (fits := _fits(work, batch)):
            on_samples(len(batch))
        elif len(batch) > 1:
            most = min(most, tokens / 2)
            half = len(batch) // 2
            waiting.extendleft((batch[half:], batch[:half]))
        elif on_too_long is None:
            raise InputError(
                f"an instruction of {tokens:,} tokens: out of memory on the device, by itself; give a smaller "
                "--max-length, or spread the model with --device-map auto"
            )
        else:
            on_too_long(batch[0])
            on_samples(1)


OUT_OF_MEMORY = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "out of memory")
"""In messages of errors that torch does not raise as `OutOfMemoryError`: of the CPU, and of NVIDIA's libraries."""


def _fits(work: Callable[[list[int]], object], batch: list[int]) -> bool:
    """Do the work; False where memory ran out."""
    try:
        work(batch)
        return True
    except torch.OutOfMemoryError:
        pass
    except RuntimeError as error:
        if not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
    # After the exception is gone, and the tensors of its frames with it.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return False
