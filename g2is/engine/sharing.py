"""Several processes at work on one run, on one machine or on many: each is started with the same command.

They share nothing but the run's folder. One of them leads: it does what only one can do. All of them take shards,
whoever is free the next one. Both are claimed by locks on files, which the operating system frees when their holder
ends, however it ends: then another takes the shard over, or the lead. The folder has to be on a file system with
working locks (local, NFS 4, Lustre mounted with `flock`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from g2is.errors import InputError
from g2is.run.paths import begin_lock_path, lock_path
from g2is.storage.files import not_written
from g2is.storage.shards import ShardStore, taken

PAUSE = 0.5
"""Seconds between two looks at what the others have done."""


class Lead:
    """The lead of a run. Free it with `close`; the end of the process does, too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(lock_path(folder))
        self._door = FileLock(begin_lock_path(folder))

    def take(self) -> bool:
        """Whether this process leads from now on; raises `InputError` where there cannot be a lock."""
        return taken(self._lock)

    @contextmanager
    def beginning(self) -> Iterator[bool]:
        """Yields whether this process leads; nobody else begins meanwhile, so that none reads half a beginning.

        Raises `InputError` where the place is not writable.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            door = self._door.acquire()
        except OSError as error:
            raise not_written(error.filename or self.folder.parent, error) from error
        with door:
            yield self.take()

    def close(self) -> None:
        self._lock.release()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Write a run alone; raises `InputError` where another process writes it."""
    lead = Lead(folder)
    with lead.beginning() as leads:
        if not leads:
            raise InputError(f"{folder}: another process is building this run; wait for it or end it")
    try:
        yield
    finally:
        lead.close()


def work_off(
    stores: Sequence[ShardStore],
    work: Callable[[int, int], None],
    on_change: Callable[[], object] = lambda: None,
) -> None:
    """Have every missing shard done by whoever is free, and come back when all are there.

    `work` writes the shard it is given: the position of its store and its number. `on_change` is called when there
    may be more.
    """
    while missing := [(i, shard) for i, store in enumerate(stores) for shard in store.absent()]:
        idle = True
        for i, shard in missing:
            with stores[i].claim(shard) as mine:
                # Another may have written it after this process looked.
                if mine and shard in stores[i].absent():
                    work(i, shard)
                    idle = False
                    on_change()
        if idle:
            time.sleep(PAUSE)
            on_change()


def restarted() -> bool:
    """Whether torchrun has started this process again after one of them had died."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"
