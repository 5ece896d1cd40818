"""How exactly a GPU multiplies matrices of float32.

TF32 reads ten bits of each number's fraction and sums in float32, about eight times as fast as float32 proper.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch


@contextmanager
def float32_products(precision: Literal["tf32", "ieee"]) -> Iterator[None]:
    """Multiply matrices of float32 in this precision on an NVIDIA GPU, for a while; a CPU is not affected."""
    products = torch.backends.cuda.matmul
    before = products.fp32_precision
    products.fp32_precision = precision
    try:
        yield
    finally:
        products.fp32_precision = before
