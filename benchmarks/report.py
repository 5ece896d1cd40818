"""Functions that all benchmarks share: timing, the machine's name, a table, a JSON file under `bench/`."""

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd


def best_seconds(functions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Shortest time of each function over interleaved rounds, so that other load affects all equally."""
    return {name: min(taken) for name, taken in interleaved(functions, rounds).items()}


def interleaved(
    functions: dict[str, Callable[[], Any]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Times of each function, one a round; in a round each is called once."""
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = clock()
            function()
            taken[name].append(clock() - start)
    return taken


def memory(process: int | str, name: str) -> float:
    """Resident memory of a process in MB, now (VmRSS) or at its peak (VmHWM); ru_maxrss would include that of the
    process that started it."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def machine() -> dict[str, Any]:
    """The machine that the numbers were measured on."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        name = names[0] if names else name
    return {"processor": name, "cores": os.cpu_count(), "python": platform.python_version()}


def report(name: str, rows: list[dict[str, Any]], **about: Any) -> None:
    """Print the rows as a table and write them, with the machine, to `bench/<name>.json`."""
    print(f"\n{name}")
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    print(f"written to {save(name, rows, **about)}")


def save(name: str, rows: list[dict[str, Any]], folder: Path = Path("bench"), **about: Any) -> Path:
    """Write rows, with the machine, to a file of `folder`."""
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), **about, "rows": rows}, indent=1, default=str) + "\n")
    return path
