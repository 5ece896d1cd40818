"""How far every instruction of the pool goes along each component of core knowledge."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import block_rows, open_rows, read_rows
from g2is.arrays.threads import one_blas_thread
from g2is.knowledge.core import CoreKnowledge


def component_affinities(gradients: ArrayLike, knowledge: CoreKnowledge) -> NDArray[np.float32]:
    """(n, k) cosine of each of the (n, d) unit rows to every component; columns are contiguous.

    Block by block, so that rows are read once for all components and a memory-mapped store is never held. Of float32
    rows each product is one with one component, as the published script takes it, for its bits; on one thread, since
    several cut the rows where the number of cores says, and the last bits at the cut with them.
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
