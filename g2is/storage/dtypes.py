"""The number types in which runs store unit rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stored_rows(rows: NDArray[np.floating], dtype: str) -> NDArray:
    """Unit rows (n, d), or rows of zeros, converted to `dtype`, one of `GradientConfig.store_dtype`.

    int8: each row is scaled so that its largest coordinate is 127, then rounded. The scale is not kept, since only
    directions matter; readers normalise rows that are not float32 again (`arrays.rows`).
    """
    if dtype != "int8":
        return rows.astype(dtype)
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    return np.rint(rows * (127 / np.where(largest > 0, largest, 1))).astype(np.int8)
