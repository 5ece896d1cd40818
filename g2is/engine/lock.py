"""The lock of a run: one process writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from g2is.run.paths import lock_path
from g2is.storage.files import sweep_stale
from g2is.storage.locks import held


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of a run; raises `InputError` where another process does, or where no lock can be made."""
    with held(
        lock_path(folder),
        folder.parent,
        patience=0,
        busy=f"{folder}: another process is building this run; wait for it or end it",
        without=f"{folder}: its file system has no locks, which keep two builds apart; choose another --cache",
    ):
        try:
            sweep_stale(folder.parent)
            yield
        finally:
            if not folder.exists():  # nothing was begun; who waits for the lock makes another
                with suppress(OSError):
                    lock_path(folder).unlink()
