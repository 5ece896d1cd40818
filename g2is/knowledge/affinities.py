"""The cosine of every sample of the pool to each component of core knowledge."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import block_rows, open_rows, read_rows
from g2is.arrays.threads import one_blas_thread
from g2is.knowledge.core import CoreKnowledge


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
