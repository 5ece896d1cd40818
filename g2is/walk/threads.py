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
_lock = threading.Lock()
_users = 0
_limit = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keeps BLAS to one thread until the last of those who asked for it at the same time is done.

    The limit is the process's; counted, since pages may walk side by side and the last to come must not
    restore what the first had set.
    """
    global _users, _limit
    with _lock:
        _users += 1
        if _users == 1:
            _limit = _libraries.limit(limits=1, user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _limit is not None:
                _limit.restore_original_limits()
