"""Several processes that build one run, on one machine or on many, each started with the same command.

They share only the run's folder. One of them leads: it does the stages that cannot be divided. All of them compute
shards, each the next free one. Lead and shards are claimed by locks on files, which the operating system frees when
their holder ends, however it ends; then another process takes over. The folder must be on a file system with working
locks (local, NFS 4, Lustre mounted with `flock`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from g2is.engine.base import Counter, Item, Receipt, Worker, missing_items
from g2is.engine.local import LocalEngine
from g2is.errors import InputError
from g2is.run.paths import begin_lock_path, lock_path
from g2is.storage.files import not_written
from g2is.storage.shards import ShardStore, try_lock

PAUSE = 0.5
"""Seconds between two checks of the work of other processes."""


class Lead:
    """The right to write a run. `close` gives it up, and so does the end of the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(lock_path(folder))
        self._begin_lock = FileLock(begin_lock_path(folder))

    def take(self) -> bool:
        """Take the lead if it is free; returns whether it was. Raises `InputError` where no lock can be made."""
        return try_lock(self._lock)

    @contextmanager
    def beginning(self) -> Iterator[bool]:
        """Take the lead if it is free; yields whether this process leads.

        No other process can begin or join meanwhile, so that none reads a run that is half begun.
        Raises `InputError` where the place is not writable.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            begin_lock = self._begin_lock.acquire()
        except OSError as error:
            raise not_written(error.filename or self.folder.parent, error) from error
        with begin_lock:
            yield self.take()

    def close(self) -> None:
        """Give up the lead."""
        self._lock.release()


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Lead a run that only one process writes; raises `InputError` where another writes it."""
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
    """Compute missing shards, one at a time, until this process and others have written all of them.

    work: called with the position of a store and the number of a shard, which it writes. on_change: called when
    there may be more shards than before.
    """
    while missing := [(i, shard) for i, store in enumerate(stores) for shard in store.absent()]:
        idle = True
        for i, shard in missing:
            with stores[i].claim(shard) as mine:
                # Another process may have written it since `missing` was listed.
                if mine and shard in stores[i].absent():
                    work(i, shard)
                    idle = False
                    on_change()
        if idle:
            time.sleep(PAUSE)
            on_change()


class SharedEngine(LocalEngine):
    """Does in this process what no other process does meanwhile."""

    def map(self, worker: Worker, items: Sequence[Item], bar: Counter) -> list[Receipt]:
        """Write all items that no other process writes."""
        receipts, left = [], sum(item.rows for item in items)

        def work(place: int, shard: int) -> None:
            item = Item(place, shard, len(worker.stores[place].rows(shard)))
            receipts.append(worker(item, lambda count: None))

        def recount() -> None:
            nonlocal left
            absent = sum(item.rows for item in missing_items(worker.stores))
            bar.update(left - absent)
            left = absent

        work_off(worker.stores, work, recount)
        return receipts


def restarted() -> bool:
    """Whether torchrun has started this process again because one of its processes died."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"
