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
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


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
    path = Path("bench") / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), **about, "rows": rows}, indent=1) + "\n")
    print(f"written to {path}")
