"""The lock for what people save with a run, so that two of them never write at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from g2is.errors import InputError
from g2is.run.paths import EXPORTS, NOTES, SELECTIONS, SETS, TRASH, saving_lock_path
from g2is.storage.files import not_written, sweep_stale
from g2is.storage.gate import ask

PATIENCE = 20.0
"""Seconds to wait for another writer, whose work takes a moment."""


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder; raises `InputError` where it cannot be had."""
    from filelock import FileLock, Timeout

    ask(folder)

    lock = FileLock(saving_lock_path(folder), timeout=PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"{folder}: another program is writing to this run; try again in a moment") from None
    except OSError as error:
        raise not_written(error.filename or folder, error) from error
    try:
        for kind in (SELECTIONS, SETS, EXPORTS, NOTES, TRASH):
            sweep_stale(folder / kind)
        yield
    finally:
        lock.release()
