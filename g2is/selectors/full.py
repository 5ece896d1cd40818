"""The whole pool: the reference that every selection is compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from g2is.selectors.method import Method, Pool, Rows, register


@register("full")
class Full(Method):
    """The whole pool; it has no settings."""

    def select(self, pool: Pool) -> Rows:
        return full(pool.valid)


def full(valid: NDArray[np.bool_]) -> Rows:
    """Every valid row, in the order of the pool."""
    return np.flatnonzero(valid)
