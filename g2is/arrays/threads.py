"""One thread for the linear algebra of a walk.

A step of a walk computes a few small products. With several threads each product waits until all threads are
scheduled, which on a busy machine takes a thousand times as long as the product.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy  # noqa: F401  loads the BLAS library, so that the controller below lists it
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_libraries = ThreadpoolController()
_limited = threading.Lock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread, unless another thread of the process does so already.

    The limit applies to the whole process, and each context restores the limit that was set before. If two overlapped,
    the second would restore the limit of the first and leave it in place for ever.
    """
    if not _limited.acquire(blocking=False):
        yield
        return
    try:
        with _libraries.limit(limits=1, user_api="blas"):
            yield
    finally:
        _limited.release()
