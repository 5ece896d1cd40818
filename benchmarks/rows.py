"""What reading rows through a file descriptor costs, compared with a memory map and with rows in memory.

    python -m benchmarks.rows [--count 60000]

Gradients in float16, 1,024 numbers a row, in the page cache. Ratios are to the memory map, of processor time, the
shortest of several interleaved rounds: they hold on a busy machine, too.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import report
from benchmarks.walk import clustered_pool
from g2is.arrays.rows import read_rows
from g2is.config import walk_preset
from g2is.knowledge import component_affinities, core_knowledge
from g2is.storage.rows import StoredRows, open_array
from g2is.walk import gradient_walk

ROUNDS = 5


def processor_seconds(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=60_000)
    count = parser.parse_args().count
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        mapped, neighbors, validation = clustered_pool(Path(folder), count, 300, 0.4)
        opened = open_array(Path(folder) / "gradients.npy")
        assert isinstance(opened, StoredRows), "larger than what is read into memory"
        stores: dict[str, Any] = {"map": mapped, "rows": opened, "memory": np.asarray(mapped)[:].copy()}
        parameters = walk_preset("recommended", count=count // 20)
        knowledge = core_knowledge(validation, parameters)
        affinities = component_affinities(mapped, knowledge)
        drawn = np.random.default_rng(0).integers(0, count, 1000)

        def walk(rows: NDArray[np.floating]) -> Any:
            return gradient_walk(rows, neighbors, None, knowledge, parameters, affinities=affinities)

        works: dict[str, Callable[[Any], Any]] = {
            "walk, 5 %": walk,
            "affinities": lambda rows: component_affinities(rows, knowledge),
            "1,000 rows": lambda rows: read_rows(rows, drawn),
            "one row, 1,000 times": lambda rows: [read_rows(rows, drawn[i : i + 1]) for i in range(1000)],
        }
        for name, work in works.items():
            best = dict.fromkeys(stores, float("inf"))
            for _ in range(ROUNDS):
                for store, rows in stores.items():
                    best[store] = min(best[store], processor_seconds(lambda work=work, rows=rows: work(rows)))
            ratios = {f"{store} / map": best[store] / best["map"] for store in ("rows", "memory")}
            lines.append({"work": name, "map_ms": 1000 * best["map"], **ratios})
        same = np.array_equal(walk(opened).samples, walk(mapped).samples)
    report("rows", lines, count=count, same_walk=same)


if __name__ == "__main__":
    main()
