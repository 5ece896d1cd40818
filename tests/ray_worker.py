"""A worker whose items misbehave as a test wants, in the processes of Ray; used by test_ray."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from g2is.engine.base import Item, Receipt
from g2is.errors import InputError
from g2is.lm.batching import for_each_batch
from g2is.storage.shards import ShardStore


@dataclass
class Numbers:
    """Writes the squares of row numbers. faults: by shard, what happens in it.

    dies: its process is killed, each time. hangs: the first time, for good. waits: until the file `go` is there.
    meets: until another process has begun something. raises: an error of its own. wrong: an error of the user. lingers:
    is being written until its process begins another, the first time.
    """

    folder: Path
    count: int
    faults: dict[int, str]

    name = "numbers"

    @property
    def stores(self) -> list[ShardStore]:
        return [ShardStore(self.folder / "shards", self.count, 5)]

    def read(self, item: Item) -> None:
        pass

    def compute(self, item: Item, given: None, on_rows: Callable[[int], object]) -> np.ndarray:
        rows = self.stores[0].rows(item.shard)
        attempt = len(list(self.folder.glob(f"began-{item.shard}-*")))
        (self.folder / f"began-{item.shard}-{attempt}").write_text(str(os.getpid()))
        match self.faults.get(item.shard):
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hangs" if not attempt:
                time.sleep(600)
            case "waits":
                while not (self.folder / "go").exists():
                    time.sleep(0.05)
            case "meets":
                while len({path.read_text() for path in self.folder.glob("began-*")} - {""}) < 2:
                    time.sleep(0.05)
            case "raises":
                raise ArithmeticError("no such\nnumber")
            case "wrong":
                raise InputError("pool: has no numbers")
        squares = np.zeros(len(rows), int)
        most = 2 if self.faults.get(item.shard) == "small" else len(rows)

        def square(batch: list[int]) -> None:
            if len(batch) > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
            squares[batch] = np.square([rows[place] for place in batch])

        for_each_batch([*map(str, rows)], 100, square)
        on_rows(len(rows))
        return squares

    def write(self, item: Item, computed: np.ndarray) -> Receipt:
        first = len(list(self.folder.glob(f"began-{item.shard}-*"))) == 1
        if self.faults.get(item.shard) == "lingers" and first:
            deadline, others = time.monotonic() + 60, f"began-[!{item.shard}]-*"
            while time.monotonic() < deadline:
                if str(os.getpid()) in {path.read_text() for path in self.folder.glob(others)}:
                    time.sleep(600)
                time.sleep(0.05)
        return Receipt(item, self.stores[0].write(item.shard, {"squares": computed}, {}).name)

    def set_aside(self, item: Item, reason: str) -> Receipt:
        store = self.stores[0]
        path = store.write(
            item.shard, {"squares": np.zeros(item.rows, int)}, dict.fromkeys(store.rows(item.shard), reason)
        )
        return Receipt(item, path.name, reason)
