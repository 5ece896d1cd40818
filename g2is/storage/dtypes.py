"""Unit rows in the numbers that a run keeps them in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stored_rows(rows: NDArray[np.floating], dtype: str) -> NDArray:
    """(n, d) unit rows, or zeros, as they are stored in `dtype`, one of `GradientConfig.store_dtype`.

    int8: each row times the number that makes its largest coordinate 127, rounded. Only directions matter, so no scale
    is kept; who reads a row that is not float32 makes it a unit row again (`walk.rows.read_rows`).
    """
    if dtype != "int8":
        return rows.astype(dtype)
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    return np.rint(rows * (127 / np.where(largest > 0, largest, 1))).astype(np.int8)
