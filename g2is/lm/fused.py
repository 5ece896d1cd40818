"""Count sketches on a GPU, of plain and of Adam gradients, in one kernel (Triton) and one pass over the gradient.

Kernels of torch would read and write the gradient some twenty times. A program of this one sums some buckets of some
samples: the slots of a bucket, one after the other, in registers. It gathers instead of scattering, so that no two
programs write to one place: no atomics, and the order of a sum depends neither on the batch nor on chance. Gathers of
single numbers read eight times as much as they use, but from the second cache, where the gradients of the samples at
hand lie; slots and signs are read in order.

Importing this module imports Triton, which comes with torch where that is made for GPUs.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
import triton
import triton.language as tl

from g2is.lm.adam import AdamRule
from g2is.lm.folding import Folding

BUCKETS = 32
"""Buckets of a program: as many as it takes to read slots in whole lines of the cache."""
SAMPLES = 8
"""Samples of a program, at most: averages and slots are read once for all of them."""
TOGETHER = 1 << 23
"""Coordinates of the samples of a program, at most (or one sample): 32 MB in float32, which the second cache holds."""


@triton.jit(do_not_specialize=["count", "size", "folds", "turn"])
def _fold(  # type: ignore[no-untyped-def]
    gradient,
    source,
    sign,
    exp_avg,
    exp_avg_sq,
    plain,
    adam,
    count,
    size,
    folds,
    turn,
    b1,
    b2,
    c1,
    c2,
    inside,
    outside,
    dim: tl.constexpr,
    both: tl.constexpr,
    samples: tl.constexpr,
    buckets: tl.constexpr,
):
    bucket = tl.program_id(0) * buckets + tl.arange(0, buckets)
    row = tl.program_id(1) * samples + tl.arange(0, samples)
    real = bucket < dim
    here = (row < count)[:, None] & real[None, :]
    # A batch may have more coordinates than int32 has numbers.
    rows = row.to(tl.int64)[:, None]
    left = tl.zeros((samples, buckets), tl.float32)
    right = tl.zeros((samples, buckets), tl.float32)
    for fold in tl.range(folds, loop_unroll_factor=4):
        slot = fold * dim + bucket
        place = tl.load(source + slot, mask=real, other=0)
        s = tl.load(sign + slot, mask=real, other=0).to(tl.float32)[None, :]
        g = tl.load(gradient + rows * size + place[None, :], mask=here, other=0).to(tl.float32)
        left += s * g
        if both:
            m = tl.load(exp_avg + place, mask=real, other=0).to(tl.float32)[None, :]
            v = tl.load(exp_avg_sq + place, mask=real, other=0).to(tl.float32)[None, :]
            root = tl.sqrt(b2 * v + c2 * g * g + inside) + outside
            right += s * (b1 * m + c1 * g) / root
    sketch = rows * dim + ((bucket + turn) % dim)[None, :]
    tl.store(plain + sketch, tl.load(plain + sketch, mask=here) + left, mask=here)
    if both:
        tl.store(adam + sketch, tl.load(adam + sketch, mask=here) + right, mask=here)


def fold(folding: Folding, gradient: torch.Tensor, plain: torch.Tensor) -> None:
    """Add gradients (b, p), float32 or of 16 bits, to sketches (b, d) float32."""
    _launch(folding, gradient, (gradient, gradient), plain, plain, (0.0,) * 6, both=False)


def fold_both(
    folding: Folding, gradient: torch.Tensor, rule: AdamRule, plain: torch.Tensor, adam: torch.Tensor
) -> None:
    """Add gradients (b, p) and their Adam gradients to their sketches (b, d) float32. Sums are in float32 whatever the
    types."""
    b1, b2 = rule.betas
    numbers = (b1, b2, 1 - b1, 1 - b2, rule.inside, rule.outside)
    _launch(folding, gradient, (rule.exp_avg, rule.exp_avg_sq), plain, adam, numbers, both=True)


def _launch(
    folding: Folding,
    gradient: torch.Tensor,
    averages: tuple[torch.Tensor, torch.Tensor],
    plain: torch.Tensor,
    adam: torch.Tensor,
    numbers: tuple[float, ...],
    **constants: Any,
) -> None:
    count, size = gradient.shape
    if not count:
        return
    samples = min(SAMPLES, max(1, TOGETHER // size), triton.next_power_of_2(count))
    samples = 1 << (samples.bit_length() - 1)
    grid = triton.cdiv(folding.dim, BUCKETS), triton.cdiv(count, samples)
    device = gradient.device
    # Triton starts kernels on the current device, and layers may be on another.
    with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        _fold[grid](
            gradient.contiguous(),
            folding.source,
            folding.sign,
            *averages,
            plain,
            adam,
            count,
            size,
            len(folding.source) // folding.dim,
            folding.turn,
            *numbers,
            dim=folding.dim,
            samples=samples,
            buckets=BUCKETS,
            **constants,
        )
