"""Puts what workers computed where the run keeps it, shard by shard as they come, in the process of the build.

Workers, of which one may be cut off and go on writing unseen, write files of their own; whole ones alone are taken, and
one process writes what the run keeps.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from g2is.engine.base import Receipt
from g2is.pipeline.checkpoints import combined
from g2is.pipeline.gradient_worker import GradientWorker
from g2is.pipeline.writer import RunWriter
from g2is.storage.shards import read_shard


class Joining:
    """The joined shards of a worker whose stores are open; called with each receipt. done: shards that are joined."""

    def __init__(self, worker: GradientWorker) -> None:
        self._worker, self._into = worker, worker.joined
        self.done = set(range(len(self._into))).difference(self._into.absent())
        # One look at each folder: on a network another machine's file is found by its name long before it is listed.
        self._files = [store.files() for store in worker.stores]

    def __call__(self, receipt: Receipt) -> None:
        """Take note of a shard, and join it if all checkpoints have it."""
        item = receipt.item
        if receipt.reason is None:
            self._files[item.store][item.shard] = self._worker.stores[item.store].folder / receipt.file
            self._join(item.shard)
        else:
            self.done.add(item.shard)

    def earlier(self, writer: RunWriter) -> None:
        """Join what an earlier attempt left."""
        if there := set[int]().union(*self._files):
            with writer.progress("gradients, joining", len(there), "shard") as bar:
                for shard in sorted(there):
                    self._join(shard)
                    bar.update()

    def _join(self, shard: int) -> None:
        paths = [files[shard] for files in self._files if shard in files]
        if shard not in self.done:
            if len(paths) < len(self._files):
                return
            self._into.write(shard, *self._arrays(paths))
            self.done.add(shard)
        for path in paths:
            path.unlink(missing_ok=True)

    def _arrays(self, paths: list[Path]) -> tuple[dict[str, np.ndarray], dict[int, str]]:
        parts, notes = zip(*map(read_shard, paths), strict=True)
        gradients = self._worker.config.gradients
        arrays = combined(parts, self._worker.weights, gradients.regimes, gradients.store_dtype)
        return arrays, {row: note for of_checkpoint in notes for row, note in of_checkpoint.items()}
