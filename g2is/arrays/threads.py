"""One thread for the linear algebra of a walk.

A step needs a few small products. Shared out to a second thread, each waits for that thread's turn, which on
a busy machine takes a thousand times as long as the product.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy  # noqa: F401  loads the library that is to be found here
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_libraries = ThreadpoolController()
_limited = threading.Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keeps BLAS to one thread, unless a walk in another thread does so already.

    The limit is the process's and each that is set gives back what it found: of two that overlap, the second
    would find the limit of the first and leave it for good.
    """
    if not _limited.acquire(blocking=False):
        yield
        return
    try:
        with _libraries.limit(limits=1, user_api="blas"):
            yield
    finally:
        _limited.release()
