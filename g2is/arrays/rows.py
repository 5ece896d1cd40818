"""Unit rows out of a store of gradients, as few and as late as possible."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.unit import unit_again
from g2is.errors import InputError

BLOCK_NUMBERS = 1 << 19
"""Numbers (2 MB of float32) in the largest block of rows held at once."""

PIECE_NUMBERS = 1 << 15

LENGTH_TOLERANCE = 1e-3
"""How far from 1 the length of a unit row may be; half precision moves it by up to 5e-4."""


def open_rows(gradients: ArrayLike, width: int) -> NDArray[np.floating]:
    """gradients as an (n, d) array, without reading it; raises `InputError` where it does not fit."""
    # A plain view of a memory map: the same pages, without the subclass's cost at every access.
    array = np.asarray(gradients)
    if array.ndim != 2 or array.shape[1] != width:
        raise InputError(
            f"gradients: shape {array.shape}, expected (samples, {width}) as the components have"
        )
    some = read_rows(array, np.linspace(0, len(array) - 1, min(len(array), 64)).astype(np.intp))
    lengths = np.linalg.norm(some, axis=1)
    if np.any((lengths > 0) & (abs(lengths - 1) > LENGTH_TOLERANCE)):
        raise InputError("gradients: rows are not of length 1; divide them by their norms (g2is.arrays.unit)")
    return array


def read_rows(gradients: NDArray[np.floating], rows: NDArray[np.integer] | slice) -> NDArray[np.float32]:
    """(b, d) unit float32 rows with these indices (b,); a row of zeros stays zero.

    float32 rows come as they are, which keeps the bits of the script that made them; others (a float16 or int8 store)
    were rounded, and scaled where they are int8, and are normalised again.
    """
    block = gradients[rows]
    if block.dtype == np.float32:
        return block
    many = block.dtype == np.float16 and block.size > PIECE_NUMBERS
    block = _from_half(block) if many else block.astype(np.float32)
    unit_again(block)
    return block


def _from_half(block: NDArray[np.float16]) -> NDArray[np.float32]:
    """The same finite numbers in float32, by moving bits: a third of the time of numpy's conversion.

    In pieces that stay in the cache, and with no second large array, whose pages would cost more than that.
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
    """How many rows fit in a block; a multiple of 64, for BLAS takes the last few of an odd number otherwise, which
    shows in their last bits."""
    return 64 * max(1, BLOCK_NUMBERS // (64 * gradients.shape[1]))


def sum_cosine(total: NDArray[np.float32], direction: NDArray[np.float32]) -> np.float32:
    """Cosine of a sum of gradients (d,) to a unit direction (d,), in the published script's operations."""
    length = np.sqrt(np.dot(total, total))
    return np.dot(total / length, direction) if length > 1e-10 else np.float32(0)
