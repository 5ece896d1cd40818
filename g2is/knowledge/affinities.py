"""The cosine of every sample of the pool to each component of core knowledge."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import as_rows, block_rows, open_rows, read_rows
from g2is.arrays.threads import one_blas_thread
from g2is.arrays.unit import unit
from g2is.knowledge.core import CoreKnowledge

ROUNDING = 1e-6
"""Largest error of a cosine that is computed from others: rounding of float32 over some thousand products."""
PRODUCT = 6e-8
"""Error of a cosine in float32."""
BLOCK = 1 << 22
"""Numbers of a block of cosines."""


def component_affinities(gradients: ArrayLike, knowledge: CoreKnowledge) -> NDArray[np.float32]:
    """(n, k) cosine of each of the (n, d) unit rows to every component; columns are contiguous.

    Computed in blocks, so that rows are read once for all components and a memory-mapped store is never loaded whole.
    For float32 rows the last bits are those of the published script: products are with one component at a time, on
    one thread (several threads would split the rows, which changes last bits at the boundaries).
    """
    array = open_rows(gradients, knowledge.components.shape[1])
    affinities = np.empty((len(knowledge), len(array)), dtype=np.float32)
    size = block_rows(array)
    with one_blas_thread() if array.dtype == np.float32 else nullcontext():
        for start in range(0, len(array), size):
            block = read_rows(array, slice(start, start + size))
            here = affinities[:, start : start + size]
            if array.dtype == np.float32:
                for component, direction in enumerate(knowledge.components):
                    here[component] = np.dot(block, direction)
            else:
                here[...] = knowledge.components @ block.T
    return affinities.T


def affinities_by_examples(
    cosines: ArrayLike, validation_gradients: ArrayLike, knowledge: CoreKnowledge
) -> NDArray[np.float32] | None:
    """The same from the cosines (n, m) of the unit rows to validation gradients (m, d), which a run keeps.

    Components are sums of validation gradients with some weights, so their affinities are the sums of the cosines. It
    takes a hundredth of the time of reading all rows. None where a component is no such sum, or its weights are so
    large that rounding would show (over `ROUNDING`).
    """
    examples = unit(validation_gradients).astype(np.float64)
    components = knowledge.components.astype(np.float64)
    weights = np.linalg.lstsq(examples @ examples.T, examples @ components.T, rcond=1e-10)[0]
    missed = np.linalg.norm(weights.T @ examples - components, axis=1)
    if (missed + PRODUCT * np.abs(weights).sum(axis=0)).max() > ROUNDING:
        return None
    array = as_rows(cosines)
    affinities = np.empty((len(knowledge), len(array)), np.float32)
    size = max(1, BLOCK // array.shape[1])
    for start in range(0, len(array), size):
        affinities[:, start : start + size] = weights.T.astype(np.float32) @ array[start : start + size].T
    return affinities.T
