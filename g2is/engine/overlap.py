"""Shards of a worker one after the other, the next being read and the last being written meanwhile.

At most one is read ahead, one is computed and one is written, in the order of the items. So a device never waits for a
tokenizer or a disk unless these are slower than it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from g2is.engine.base import Item, OnReceipt, Receipt, Worker


def overlapped(
    worker: Worker, items: Sequence[Item], on_rows: Callable[[int], object], done: OnReceipt
) -> list[Receipt]:
    """Write all items, computing in this thread, which an interrupt stops at once.

    done: called with each receipt, in the thread that writes. An exception ends the pass when it is the turn of its
    item: those before it are written.
    """
    receipts: list[Receipt] = []
    writing: Future[None] | None = None

    def write(item: Item, computed: object) -> None:
        receipts.append(worker.write(item, computed))
        done(receipts[-1])

    with ThreadPoolExecutor(1, "ahead") as ahead, ThreadPoolExecutor(1, "behind") as behind:
        reading = [ahead.submit(worker.read, item) for item in items[:1]]
        try:
            for item, following in zip(items, [*items[1:], None], strict=False):
                given = reading.pop().result()
                if following:
                    reading.append(ahead.submit(worker.read, following))
                computed = worker.compute(item, given, on_rows)
                if writing:
                    writing.result()
                writing = behind.submit(write, item, computed)
        finally:
            if writing:
                writing.result()
    return receipts


class Lanes:
    """The same where each item has a thread of its own, which has to go through three lanes."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._ahead, self._device, self._behind = Lock(), Lock(), Lock()

    def __call__(self, item: Item) -> Receipt:
        """Write an item; waits in each lane for the item before it to have left it."""
        with self._ahead:
            given = self._worker.read(item)
            self._device.acquire()  # before the lane behind is left, so that none overtakes
        try:
            computed = self._worker.compute(item, given, lambda count: None)
            self._behind.acquire()
        finally:
            self._device.release()
        try:
            return self._worker.write(item, computed)
        finally:
            self._behind.release()
