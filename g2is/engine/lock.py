"""The lock of a run: one process writes it.

The operating system frees it when its holder ends, however it ends. The folder must be on a file system with working
locks (local, NFS 4, Lustre mounted with `flock`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from g2is.errors import InputError
from g2is.run.paths import lock_path
from g2is.storage.files import NO_LOCKS, not_written, sweep_stale


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of a run; raises `InputError` where another process does, or where no lock can be made."""
    # A lock that is a mere file would outlive a process that is killed.
    lock = FileLock(lock_path(folder), fallback_to_soft=False)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder}: another process is building this run; wait for it or end it") from None
    except (NotImplementedError, OSError) as error:
        if not isinstance(error, OSError) or error.errno in NO_LOCKS:
            raise InputError(
                f"{folder}: its file system has no locks, which keep two builds apart; choose another --cache"
            ) from None
        raise not_written(error.filename or folder.parent, error) from error
    try:
        sweep_stale(folder.parent)
        yield
    finally:
        if not folder.exists():  # nothing was begun; who waits for the lock makes another
            with suppress(OSError):
                lock_path(folder).unlink()
        lock.release()
