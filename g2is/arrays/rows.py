"""Reading unit rows from a store of gradients, without loading the store."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.unit import unit_again
from g2is.errors import InputError

BLOCK_NUMBERS = 1 << 19
"""Numbers in a block of rows: 2 MB of float32."""

PIECE_NUMBERS = 1 << 15
"""Numbers converted at once, so that they stay in the cache."""

LENGTH_TOLERANCE = 1e-3
"""Largest difference of a unit row's length from 1; half precision changes it by up to 5e-4."""


def open_rows(gradients: ArrayLike, width: int) -> NDArray[np.floating]:
    """Gradients as an (n, `width`) array, or rows in a file, checked on a few rows.

    Raises `InputError` if rows are not unit rows of that width.
    """
    array = as_rows(gradients)
    if array.ndim != 2 or array.shape[1] != width:
        raise InputError(
            f"gradients: shape {array.shape}, expected (samples, {width}) as the components have"
        )
    some = read_rows(array, np.linspace(0, len(array) - 1, min(len(array), 64)).astype(np.intp))
    lengths = np.linalg.norm(some, axis=1)
    if np.any((lengths > 0) & (abs(lengths - 1) > LENGTH_TOLERANCE)):
        raise InputError("gradients: rows are not of length 1; divide them by their norms (g2is.arrays.unit)")
    return array


def as_rows(array: ArrayLike) -> NDArray[Any]:
    """An array as it is where it is read by rows, such as one in a file, which would be read whole otherwise.

    A plain view of a memory map avoids the overhead of np.memmap at every access.
    """
    by_rows = hasattr(array, "dtype") and not isinstance(array, np.ndarray)
    return cast("NDArray[Any]", array) if by_rows else np.asarray(array)


def read_rows(gradients: NDArray[np.floating], rows: NDArray[np.integer] | slice) -> NDArray[np.float32]:
    """(b, d) unit float32 rows with these indices (b,); a row of zeros stays zero.

    float32 rows are returned as they are, bit for bit. Rows of a float16 or int8 store were rounded (int8 also scaled),
    so they are normalised again.
    """
    block = gradients[rows]
    if block.dtype == np.float32:
        return block
    many = block.dtype == np.float16 and block.size > PIECE_NUMBERS
    block = _from_half(block) if many else block.astype(np.float32)
    unit_again(block)
    return block


def _from_half(block: NDArray[np.float16]) -> NDArray[np.float32]:
    """Finite float16 numbers as float32, converted by shifting bits: a third of the time of numpy's conversion.

    In pieces that stay in the cache, without a second large array.
    """
    numbers = np.empty(block.shape, dtype=np.float32)
    size = max(1, PIECE_NUMBERS // block.shape[1])
    for start in range(0, len(block), size):
        bits = numbers[start : start + size].view(np.uint32)
        bits[...] = block[start : start + size].view(np.uint16)
        sign = bits & 0x8000
        bits ^= sign
        bits <<= 13
        sign <<= 16
        bits |= sign
        numbers[start : start + size] *= np.float32(2.0**112)  # 127 - 15, the offsets of the two exponents
    return numbers


def block_rows(gradients: NDArray[np.floating]) -> int:
    """Rows in a block: a multiple of 64, since BLAS treats a remainder differently, which changes last bits."""
    return 64 * max(1, BLOCK_NUMBERS // (64 * gradients.shape[1]))


def sum_cosine(total: NDArray[np.float32], direction: NDArray[np.float32]) -> np.float32:
    """Cosine of a sum of gradients (d,) to a unit direction (d,), with the operations of the published script."""
    length = np.sqrt(np.dot(total, total))
    return np.dot(total / length, direction) if length > 1e-10 else np.float32(0)
