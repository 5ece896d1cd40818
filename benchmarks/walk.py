"""The gradient walk on a large pool, and compared with a straightforward one on a pool full of conflicts.

    python -m benchmarks.walk [--quick]

The large pool is 270,000 x 1024 in float16 on disk, memory-mapped; affinities are computed before the clock
starts, as for an open run. The straightforward walk applies the rules literally: every candidate is compared with all
members, every fallback searches the whole pool. Both must take the same samples.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import best_seconds, report
from g2is.arrays.unit import unit
from g2is.config import WalkParameters
from g2is.knowledge import CoreKnowledge, core_knowledge
from g2is.walk import WalkTrace, component_affinities, gradient_walk, largest_remainder, replay

WIDTH, NEIGHBORS, THEMES = 1024, 50, 48

Rows = NDArray[np.float32]


def clustered_pool(
    folder: Path,
    rows: int,
    cluster: int,
    common: float,
    dtype: type[np.floating] = np.float16,
    width: int = WIDTH,
) -> tuple[NDArray[np.floating], NDArray[np.int32], Rows]:
    """Gradients (rows, width) on disk, neighbours (rows, NEIGHBORS) in their clusters, 192 for validation.

    Each `cluster` rows lie around a theme plus `common` times a direction that all share: the larger that,
    the fewer pairs conflict (0: half of those in different themes). One cluster at a time, so that memory
    stays flat.
    """
    random = np.random.default_rng(0)

    def directions(count: int) -> Rows:
        return unit(random.standard_normal((count, width), dtype=np.float32))

    shared, themes = common * directions(1), directions(THEMES)
    gradients = np.lib.format.open_memmap(folder / "gradients.npy", "w+", dtype, (rows, width))
    neighbors = np.full((rows, NEIGHBORS), -1, dtype=np.int32)
    for start in range(0, rows, cluster):
        size = min(cluster, rows - start)
        block = unit(shared + themes[start // cluster % THEMES] + directions(1) + 1.2 * directions(size))
        gradients[start : start + size] = block
        cosines = block @ block.T
        np.fill_diagonal(cosines, -2)
        nearest = np.argsort(-cosines, axis=1)[:, : min(NEIGHBORS, size - 1)]
        neighbors[start : start + size, : nearest.shape[1]] = start + nearest
    gradients.flush()
    validation = shared + themes[random.integers(0, THEMES, 192)] + directions(192)
    return np.load(folder / "gradients.npy", mmap_mode="r"), neighbors, validation


def straightforward_walk(
    gradients: Rows, neighbors: NDArray[np.int32], knowledge: CoreKnowledge, parameters: WalkParameters
) -> list[int]:
    """The published rules for all components, each candidate compared with all members."""
    assert parameters.fraction is not None
    selected: list[int] = []
    free = np.ones(len(gradients), dtype=bool)
    budgets = largest_remainder(int(len(gradients) * parameters.fraction), knowledge.weights)
    for direction, budget in zip(knowledge.components, budgets, strict=True):
        affinity = gradients @ direction
        members = [int(np.argmax(np.where(free, affinity, -np.inf)))] if budget else []
        free[members] = False
        while 0 < len(members) < budget:
            total = gradients[members].sum(axis=0)
            needed = parameters.delta * abs(total @ direction) / np.linalg.norm(total)
            for candidate in [*neighbors[members[-1]], *np.argsort(-affinity)]:
                if candidate < 0 or not free[candidate]:
                    continue
                gradient = gradients[candidate]
                if np.any(gradients[members] @ gradient < 0):
                    continue
                led_to = total + gradient
                if abs(led_to @ direction) / np.linalg.norm(led_to) >= needed:
                    members.append(int(candidate))
                    free[candidate] = False
                    break
            else:
                break
        selected += members
    return selected


def megabytes(trace: WalkTrace) -> float:
    """Bytes of a trace in memory."""
    return (
        sum(array.nbytes for part in (trace.steps, trace.rejections) for array in vars(part).values()) / 1e6
    )


def measure(
    gradients: NDArray[np.floating],
    neighbors: NDArray[np.int32],
    validation: Rows,
    parameters: WalkParameters,
    rounds: int,
    beside: bool = False,
) -> dict[str, Any]:
    """One line of the table. beside: whether to time the straightforward walk, too."""
    knowledge = core_knowledge(validation, parameters)
    affinities = component_affinities(gradients, knowledge)

    def walk() -> WalkTrace:
        return gradient_walk(gradients, neighbors, None, knowledge, parameters, affinities=affinities)

    trace = walk()
    times = best_seconds({"walk": walk}, rounds)
    summary = trace.summary()
    some = unit(gradients[:: max(1, len(gradients) // 1000)])
    line = {
        "rows": len(gradients),
        "conflicting": float(np.mean(some @ some.T < 0)),
        "knowledge": parameters.knowledge,
        "components": len(knowledge),
        "delta": parameters.delta,
        "taken": len(trace.steps),
        "fallbacks": sum(part.fallbacks for part in summary),
        "stopped_short": sum(part.stopped == "rules" for part in summary),
        "seconds": times["walk"],
        "trace_MB": megabytes(trace),
        "resident_MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if beside:
        start = time.perf_counter()
        same = straightforward_walk(gradients, neighbors, knowledge, parameters)
        line |= {"straightforward_s": time.perf_counter() - start}
        line |= {"times": line["straightforward_s"] / line["seconds"]}
        assert same == replay(trace).tolist(), "the straightforward walk takes other samples"
    print(".", end="", flush=True)
    return line


def main(quick: bool) -> None:
    rounds = 2 if quick else 5
    lines = []
    for common in (1.0, 0.0):
        with tempfile.TemporaryDirectory() as folder:
            pool = clustered_pool(Path(folder), 27_000 if quick else 270_000, 60, common)
            for knowledge in ("principal", "facets"):
                for delta in (0.8, 0.99):
                    parameters = WalkParameters(fraction=0.01, knowledge=knowledge, delta=delta)
                    lines.append(measure(*pool, parameters, rounds))
    with tempfile.TemporaryDirectory() as folder:
        # float32, so that both walks see the very same numbers.
        gradients, *pool = clustered_pool(Path(folder), 4_000 if quick else 20_000, 20, 0.0, np.float32)
        for delta in (0.8, 0.99):
            parameters = WalkParameters(fraction=0.1, delta=delta)
            lines.append(measure(np.array(gradients), *pool, parameters, rounds, beside=True))
    report("walk", lines, quick=quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    main(parser.parse_args().quick)
