"""The engine of one process: this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from g2is.engine.base import Counter, Item, OnReceipt, Receipt, Result, Worker, nothing


class LocalEngine:
    """Does everything in this process, one item after the other. An exception ends the build, which can be resumed."""

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call it here."""
        return function(*arguments)

    def map(
        self, worker: Worker, items: Sequence[Item], bar: Counter, done: OnReceipt = nothing
    ) -> list[Receipt]:
        """Write all items."""
        receipts = []
        for item in items:
            receipts.append(worker(item, bar.update))
            done(receipts[-1])
        return receipts

    def close(self) -> None:
        """Nothing was taken."""
