"""Batches that do not fit the memory of a device."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from g2is.errors import InputError
from g2is.lm.batching import batches, for_each_batch


@dataclass(frozen=True)
class Sample:
    length: int

    def __len__(self) -> int:
        return self.length


LENGTHS = [3, 9, 4, 4, 7, 3, 5, 8, 6, 2, 2, 40]
SAMPLES = [Sample(length) for length in LENGTHS]


class Device:
    """Holds batches of so many tokens with padding."""

    def __init__(self, holds: int, error: Exception) -> None:
        self.holds, self.error = holds, error
        self.done: list[list[int]] = []
        self.refused = 0

    def __call__(self, batch: list[int]) -> None:
        if len(batch) * max(LENGTHS[place] for place in batch) > self.holds:
            self.refused += 1
            raise self.error
        self.done.append(batch)


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"
    ),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]


@pytest.mark.parametrize("error", ERRORS, ids=["cuda", "cpu", "cublas"])
def test_a_batch_that_does_not_fit_is_halved_and_those_after_it_are_no_larger(error):
    device, counted = Device(16, error), []
    for_each_batch(SAMPLES[:-1], 64, device, counted.append)
    assert sorted(place for batch in device.done for place in batch) == list(range(11))
    assert sum(counted) == 11 and device.refused
    # Without memory of what did not fit, every batch of the 64 tokens would be refused twice.
    assert device.refused <= 3
    assert device.refused < 2 * len([*batches(LENGTHS[:-1], 64)])


def test_without_lack_of_memory_batches_are_as_they_were():
    device = Device(10**6, ERRORS[0])
    for_each_batch(SAMPLES, 16, device)
    assert device.done == [*batches(LENGTHS, 16)]


def test_a_sample_that_does_not_fit_by_itself_is_told_apart_or_refused():
    device, apart, counted = Device(16, ERRORS[0]), [], []
    for_each_batch(SAMPLES, 64, device, counted.append, apart.append)
    assert apart == [LENGTHS.index(40)] and sum(counted) == len(SAMPLES)
    assert sorted(np.concatenate(device.done)) == list(range(11))
    with pytest.raises(InputError, match=r"an instruction of 40 tokens: out of memory .* --max-length"):
        for_each_batch(SAMPLES, 64, Device(16, ERRORS[0]))


def test_other_errors_are_not_taken_for_lack_of_memory():
    with pytest.raises(RuntimeError, match="shapes"):
        for_each_batch(SAMPLES, 64, Device(0, RuntimeError("shapes do not fit")))
