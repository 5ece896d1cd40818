"""What it costs to put the rows of shards at their place as they come, compared with merging them at the end.

    python -m benchmarks.joining [--count 100000] [--width 2048]

Made-up rows in float16 of three regimes, in shards of 512. Merging is reading all shards and writing each array, as it
was done before. The most space on the disk is given as a multiple of the arrays. Everything is written and synced to
the disk of the current folder.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import report
from g2is.storage.joined import JoinedShards
from g2is.storage.shards import ShardStore, read_shard, write_blocks

REGIMES, SHARD = ("sgd", "adam", "adam_without_momentum"), 512


class Taken:
    """Seconds and processor seconds of some work, and the most bytes on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds = self.processor = 0.0
        self.most = 0

    def __call__(self, work: Callable[[], Any]) -> Any:
        start = time.perf_counter(), time.process_time()
        result = work()
        self.seconds += time.perf_counter() - start[0]
        self.processor += time.process_time() - start[1]
        return result

    def look(self) -> None:
        used = sum(path.stat().st_blocks * 512 for path in self.folder.rglob("*") if path.is_file())
        self.most = max(self.most, used)


def measured(folder: Path, count: int, width: int, join: bool) -> dict[str, Any]:
    """A stage of gradients without the gradients: shards are written, and joined or merged."""
    store = ShardStore(folder / "shards", count, SHARD)
    arrays = {regime: folder / regime / "gradients.npy" for regime in REGIMES}
    joined = JoinedShards(folder / "gradients", count, SHARD, arrays=dict(arrays))
    writing, joining, ending = Taken(folder), Taken(folder), Taken(folder)
    block = np.random.default_rng(0).normal(size=(SHARD, width)).astype(np.float16)
    for shard in range(len(store)):
        some = {regime: block[: len(store.rows(shard))] for regime in REGIMES}
        path = writing(lambda shard=shard, some=some: store.write(shard, some, {}))
        if join:
            joining(lambda shard=shard, path=path: joined.write(shard, *read_shard(path)))
            joining.look()
            path.unlink()
    if join:
        ending(joined.finish)
    else:
        for regime, array in arrays.items():
            ending(lambda regime=regime, array=array: write_blocks(array, store.blocks(regime), count))
            ending.look()
    return {
        "way": "joined as they come" if join else "merged at the end",
        "writing_s": writing.seconds,
        "joining_s": joining.seconds,
        "joining_cpu_s": joining.processor,
        "end_s": ending.seconds,
        "end_cpu_s": ending.processor,
        "most / arrays": max(joining.most, ending.most) / (len(REGIMES) * count * width * 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    lines = []
    for _ in range(given.rounds):
        for join in (False, True):
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
                lines.append(measured(Path(folder), given.count, given.width, join))
    report("joining", lines, count=given.count, width=given.width)


if __name__ == "__main__":
    main()
