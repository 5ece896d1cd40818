"""One thread for the linear algebra of a walk.

A step needs a few small products. Shared out to a second thread, each waits for that thread's turn, which on
a busy machine takes a thousand times as long as the product.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

_lock = threading.Lock()
_walks = 0
_limits: threadpool_limits | None = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keeps BLAS to one thread until the last of the walks that go on at once is done.

    The limit is the process's; counted, since pages may walk side by side and the last to come must not
    restore what the first had set.
    """
    global _walks, _limits
    with _lock:
        _walks += 1
        if _limits is None:
            _limits = threadpool_limits(1, user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _walks -= 1
            if _walks == 0 and _limits is not None:
                _limits.restore_original_limits()
                _limits = None
