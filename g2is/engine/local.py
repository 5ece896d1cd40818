"""The engine of one process: this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from g2is.engine.base import Counter, Item, OnReceipt, Receipt, Result, Worker, nothing
from g2is.engine.overlap import overlapped


class LocalEngine:
    """Does everything in this process, one item after the other (`overlap`). An exception ends the build, which can be
    resumed."""

    def call(
        self,
        function: Callable[..., Result],
        *arguments: Any,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Result:
        """Call it here."""
        return function(*arguments)

    def map(
        self, worker: Worker, items: Sequence[Item], bar: Counter, done: OnReceipt = nothing
    ) -> list[Receipt]:
        """Write all items."""
        return overlapped(worker, items, bar.update, done)

    def close(self) -> None:
        """Nothing was taken."""
