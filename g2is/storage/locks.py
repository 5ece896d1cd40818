"""Locks that the operating system frees when their holder ends, however it ends.

The folder must be on a file system with working locks (local, NFS 4, Lustre mounted with `flock`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from g2is.errors import InputError
from g2is.storage.files import NO_LOCKS, not_written


@contextmanager
def held(path: Path, place: Path, *, patience: float, busy: str, without: str) -> Iterator[None]:
    """Hold a lock, a file that is made where there is none.

    place: what cannot be written where it cannot be made. patience: seconds to wait for another holder. Raises
    `InputError`: `busy` where another keeps it, `without` where the file system has no locks.
    """
    from filelock import FileLock, Timeout

    # A lock that is a mere file would outlive a process that is killed.
    lock = FileLock(path, timeout=patience, fallback_to_soft=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise InputError(busy) from None
    except (NotImplementedError, OSError) as error:
        if not isinstance(error, OSError) or error.errno in NO_LOCKS:
            raise InputError(without) from None
        raise not_written(error.filename or place, error) from error
    try:
        yield
    finally:
        lock.release()
