"""Count sketches on a CPU, of plain and of Adam gradients in one pass over the gradient.

Torch would read and write the gradient some ten times. Here each number is read once, and the sums stay in the cache of
a core, whatever the size of the sketch. A sample is summed by one thread in the order of its coordinates, so the result
does not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numba
import numpy as np
import torch

from g2is.lm.adam import AdamRule

BLOCK = 1024
"""Coordinates that are computed before they are added: they stay in the first cache."""


def compiled(function: Callable[..., None]) -> Any:
    """Compile at the first call, and keep the result on disk where there is a place to keep it."""
    # All that lets products, roots and quotients of several coordinates be computed at once, and keeps what is not
    # finite.
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz", "arcp"}}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package nor the home can be written to
        return numba.njit(**options)(function)


@compiled
def _add(rows, bucket, sign, plain):  # type: ignore[no-untyped-def]
    for row in range(len(rows)):
        gradient, sums = rows[row], plain[row]
        for i in range(len(gradient)):
            sums[bucket[i]] += gradient[i] * sign[i]


@compiled
def _add_both(rows, bucket, sign, exp_avg, exp_avg_sq, b1, b2, inside, outside, plain, adam):  # type: ignore[no-untyped-def]
    c1, c2 = np.float32(1) - b1, np.float32(1) - b2
    left, right = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    sums = np.empty((plain.shape[1], 2), np.float32)
    for row in range(len(rows)):
        sums[:] = 0
        for start in range(0, rows.shape[1], BLOCK):
            g, s = rows[row, start : start + BLOCK], sign[start : start + BLOCK]
            m, v = exp_avg[start : start + BLOCK], exp_avg_sq[start : start + BLOCK]
            for i in range(len(g)):
                root = np.sqrt(b2 * v[i] + c2 * g[i] * g[i] + inside) + outside
                left[i] = s[i] * g[i]
                right[i] = s[i] * (b1 * m[i] + c1 * g[i]) / root
            places = bucket[start : start + BLOCK]
            for i in range(len(g)):
                sums[places[i], 0] += left[i]
                sums[places[i], 1] += right[i]
        for place in range(len(sums)):
            plain[row, place] += sums[place, 0]
            adam[row, place] += sums[place, 1]


Places = tuple[np.ndarray, np.ndarray]
"""Bucket (p,), unsigned, and sign (p,) int8 of each coordinate of a parameter."""


def scatter(places: Places, gradient: torch.Tensor, plain: torch.Tensor) -> None:
    """Add gradients (b, p) to sketches (b, d), both float32."""
    bucket, sign = places
    _spread(lambda rows, sums: _add(rows, bucket, sign, sums), gradient, plain)


def scatter_both(
    places: Places, gradient: torch.Tensor, rule: AdamRule, plain: torch.Tensor, adam: torch.Tensor
) -> None:
    """Add gradients (b, p) and their Adam gradients to their sketches (b, d), all float32."""
    averages = rule.exp_avg.numpy(), rule.exp_avg_sq.numpy()
    numbers = [np.float32(number) for number in (*rule.betas, rule.inside, rule.outside)]
    _spread(lambda rows, *sums: _add_both(rows, *places, *averages, *numbers, *sums), gradient, plain, adam)


def _spread(work: Callable[..., Any], *tensors: torch.Tensor) -> None:
    """Call with the samples of all tensors, some in each of torch's threads."""
    count = min(torch.get_num_threads(), len(tensors[0]))
    parts = [[part.numpy() for part in tensor.contiguous().tensor_split(count)] for tensor in tensors]
    if count == 1:
        work(*(part[0] for part in parts))
    else:
        list(_threads(count).map(work, *parts))


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    """Threads that are kept: a model has hundreds of layers, and each is done for every batch."""
    return ThreadPoolExecutor(count, "sketch")
