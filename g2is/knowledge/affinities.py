"""The cosine of every sample of the pool to each component of core knowledge."""

from __future__ import annotations

from collections.abc import Sequence
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
BLOCK = 1 << 14
"""Rows whose cosines are read at once."""


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
    cosines: ArrayLike, validation_gradients: ArrayLike, targets: Sequence[str], knowledge: CoreKnowledge
) -> NDArray[np.float32] | None:
    """The same from the cosines (n, m) of the unit rows to validation gradients (m, d), which a run keeps.

    targets: (m,) the target of each. Components are sums of the validation gradients of their target with some weights,
    so their affinities are the sums of the cosines, which do not depend on other targets. It takes a thirtieth of
    the time of reading all rows. None where a component is no such sum, where its weights are so large that rounding
    would show (over `ROUNDING`), and where cosines are not known (NaN, of a target that is gone).
    """
    array, parts = as_rows(cosines), []
    for target in dict.fromkeys(knowledge.targets):
        mine = np.flatnonzero([name == target for name in knowledge.targets])
        columns = np.flatnonzero([name == target for name in targets])
        weights = _weights(np.asarray(validation_gradients)[columns], knowledge.components[mine])
        if weights is None or np.isnan(array[:1][:, columns]).any():
            return None
        parts.append((mine, columns, weights))
    affinities = np.empty((len(knowledge), len(array)), np.float32)
    for start in range(0, len(array), BLOCK):
        block = array[start : start + BLOCK]
        for mine, columns, weights in parts:
            affinities[mine, start : start + BLOCK] = weights @ block[:, columns].T
    return affinities.T


def _weights(examples: NDArray[np.floating], components: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """(k, m) weights of unit examples (m, d) whose sums are the components (k, d), if there are such."""
    rows, sums = unit(examples).astype(np.float64), components.astype(np.float64)
    weights = np.linalg.lstsq(rows @ rows.T, rows @ sums.T, rcond=1e-10)[0].T
    missed = np.linalg.norm(weights @ rows - sums, axis=1)
    small = (missed + PRODUCT * np.abs(weights).sum(axis=1)).max() <= ROUNDING
    return weights.astype(np.float32) if small else None
