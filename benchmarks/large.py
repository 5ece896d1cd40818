"""Costs that grow with the pool: every stage after the gradients, opening, searching, walking, and the pages.

    python -m benchmarks.large [--sizes 12400 100000 270000 1000000] [--width 8192] [--folder F] [--no-pages]

The pool has generated instructions of some 60 words and clustered gradients, imported by the real command; nothing else
is simulated. Every step runs in its own process, whose peak resident memory is reported (memory-mapped files count as
far as they were read), and its processor seconds, which a busy machine changes little; of an import, those of each
stage. Pages are opened in chromium, one after another, in one server.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from benchmarks.report import memory, report
from benchmarks.walk import clustered_pool
from tests.app.serving import READY, chromium, serving

SIZES = (12_400, 100_000, 270_000, 1_000_000)
WIDTH = 8192
LOOK = 0.2
"""Seconds between two looks at the process of an import."""
WORDS = 4000
STAGES = ("instructions", "gradients", "graph", "layout", "communities", "targets")
PATIENCE = 120_000
"""Milliseconds that a page is waited for."""
PAGES = (
    ("Home", ""),
    ("Map", "Map"),
    ("Neighbourhood", "Neighbourhood?focus=7"),
    ("Core knowledge", "Core_knowledge?preset=recommended"),
    ("Walk", "Walk?preset=recommended&fraction=0.01"),
    ("Instructions", "Instructions"),
    ("Instructions, searched", "Instructions?search=w17+w23"),
    ("Compare", "Compare?view=gradients&preset=recommended&fraction=0.01"),
)


def prepare(folder: Path, count: int, width: int) -> None:
    """Write pool.jsonl, gradients.npy and validation.npy."""
    random = np.random.default_rng(0)
    words = np.array([f"w{number}" for number in range(WORDS)])
    ranks = 1 / np.arange(1, WORDS + 1)
    with (folder / "pool.jsonl").open("w") as file:
        for start in range(0, count, 10_000):
            size = min(10_000, count - start)
            chosen = words[random.choice(WORDS, (size, 60), p=ranks / ranks.sum())]
            for row, text in enumerate(chosen, start=start):
                record = {"question": f"{row}: " + " ".join(text[:40]), "answer": " ".join(text[40:])}
                file.write(json.dumps(record) + "\n")
    _, _, validation = clustered_pool(folder, count, 500, 0.0, np.float16, width=width)
    np.save(folder / "validation.npy", validation)


def import_command(folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "g2is", "import", "--run", "large", "--cache", str(folder / "cache")),
        *("--train", str(folder / "pool.jsonl"), "--train-gradients", str(folder / "gradients.npy")),
        *("--validation-gradients", str(folder / "validation.npy"), "--regime", "sgd"),
        *("--umap", "off"),
    ]


# Steps, each in a process of its own


def step_read(folder: Path) -> None:
    from g2is.instructions import read_instructions

    read_instructions([folder / "pool.jsonl"])


def step_open(folder: Path) -> None:
    from g2is.run.run import Run

    run = Run.open(folder / "cache" / "large")
    run.record(len(run.instructions) // 2)["raw"]
    _ = run.valid, run.regime("sgd")


def step_search(folder: Path) -> None:
    _search(folder, "w17 w23", regular_expression=False)


def step_search_expression(folder: Path) -> None:
    _search(folder, r"w1[0-9]+ w2[0-9]+ w3[0-9]+\b", regular_expression=True)


def _search(folder: Path, text: str, *, regular_expression: bool) -> None:
    from g2is.analysis.search import Filter, matching
    from g2is.run.run import Run

    run = Run.open(folder / "cache" / "large")
    matching(run, Filter(text=text, regular_expression=regular_expression))


def step_walk(folder: Path) -> None:
    _walk(folder, "recommended")


def step_walk_official(folder: Path) -> None:
    _walk(folder, "official", regime="sgd")


def _walk(folder: Path, preset: str, **changes: Any) -> None:
    from g2is.analysis import walks
    from g2is.config import walk_preset
    from g2is.run.run import Run

    walks.walk(Run.open(folder / "cache" / "large"), walk_preset(preset, fraction=0.01, **changes))


STEPS: dict[str, Callable[[Path], None]] = {
    "read": step_read,
    "open": step_open,
    "search": step_search,
    "search, expression": step_search_expression,
    "walk, recommended": step_walk,
    "walk, official": step_walk_official,
}


def run_step(name: str, folder: Path) -> None:
    """In the process of the step: do it and print seconds and memory as JSON."""
    start, cpu = time.perf_counter(), time.process_time()
    STEPS[name](folder)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "resident_mb": memory("self", "VmHWM")}))


def measured(folder: Path, count: int) -> list[dict[str, Any]]:
    """All steps but the pages."""
    rows = []
    for name in STEPS:
        if name == "open":
            rows += imported(folder, count)
        command = [sys.executable, "-m", "benchmarks.large", "--step", name, "--folder", str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append({"pool": count, "step": name, **json.loads(done.stdout.splitlines()[-1])})
    return rows


def imported(folder: Path, count: int) -> list[dict[str, Any]]:
    """The import and its stages. What comes before a stage is named "read"."""
    from g2is.run.manifest import Manifest

    process = subprocess.Popen(import_command(folder), stdout=subprocess.DEVNULL)
    looks = Looks(process.pid, folder / "cache" / "large")
    while not (done := os.wait4(process.pid, os.WNOHANG))[0]:
        looks.look()
        time.sleep(LOOK)
    _, status, usage = done
    if status:
        raise SystemExit("the import failed")
    stages = Manifest.read(folder / "cache" / "large").stages
    rows = [
        {
            "pool": count,
            "step": f"import: {name}",
            "seconds": stages[name].seconds if name in stages else None,
            "cpu_seconds": looks.cpu[name],
            "resident_mb": looks.memory[name],
        }
        for name in looks.cpu
    ]
    seconds = sum(stage.seconds for stage in stages.values())
    found = stages["graph"].found["sgd"]
    recall = {name: found[name] for name in found if name.endswith("recall")}
    return [
        *rows,
        {
            "pool": count,
            "step": "import",
            "seconds": seconds,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "resident_mb": usage.ru_maxrss / 1024,
            **recall,
        },
    ]


class Looks:
    """Processor seconds and peak memory (MB) of the stages of a process, which has finished those in its manifest."""

    def __init__(self, process: int, run: Path) -> None:
        self._process, self._run = process, run
        self._before = 0.0
        self.cpu: dict[str, float] = {}
        self.memory: dict[str, float] = {}

    def look(self) -> None:
        """To be called every now and then."""
        try:
            fields = Path(f"/proc/{self._process}/stat").read_text().rpartition(")")[2].split()
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            resident = memory(self._process, "VmRSS")
        except (OSError, StopIteration):  # it is over
            return
        done = json.loads(text) if (text := self._manifest()) else {"stages": {}}
        left = [name for name in STAGES if name not in done["stages"]]
        stage = "read" if not text else left[0] if left else "end"
        self.cpu[stage] = self.cpu.get(stage, 0.0) + seconds - self._before
        self.memory[stage] = max(self.memory.get(stage, 0.0), resident)
        self._before = seconds

    def _manifest(self) -> str:
        path = self._run / "manifest.json"
        return path.read_text() if path.exists() else ""


def opened(folder: Path, count: int) -> list[dict[str, Any]]:
    """Every page in chromium: seconds until it has answered, first and again, bytes to the browser; None for one that
    had not answered after `PATIENCE`."""
    rows = []
    with serving(folder / "cache") as server, chromium() as browser:
        for name, address in PAGES:
            row: dict[str, Any] = {"pool": count, "step": f"page: {name}"}
            for visit in ("seconds", "seconds_again"):
                received: list[int] = []
                page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
                page.on(
                    "websocket",
                    lambda socket, received=received: socket.on(
                        "framereceived", lambda payload: received.append(len(payload))
                    ),
                )
                start = time.perf_counter()
                page.goto(f"{server.url}/{address}")
                try:
                    page.wait_for_selector("h1", timeout=PATIENCE)
                    page.wait_for_timeout(250)
                    page.wait_for_selector(READY, timeout=PATIENCE)
                    row[visit] = time.perf_counter() - start
                except PlaywrightTimeout:
                    row[visit] = None
                row["browser_mb"] = sum(received) / 1e6
                page.context.close()
            row["resident_mb"] = memory(server.process.pid, "VmRSS")
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--width", type=int, default=WIDTH, help=f"numbers of a gradient ({WIDTH:,})")
    parser.add_argument("--folder", type=Path, help="where pools are made; kept (a temporary one)")
    parser.add_argument("--no-pages", action="store_true")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        run_step(arguments.step, arguments.folder)
        return
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for count in arguments.sizes:
            folder = (arguments.folder or Path(temporary)) / str(count)
            if not (folder / "validation.npy").exists():
                folder.mkdir(parents=True, exist_ok=True)
                prepare(folder, count, arguments.width)
            rows += measured(folder, count)
            if not arguments.no_pages:
                rows += opened(folder, count)
            if arguments.folder is None:
                shutil.rmtree(folder)
            report("large", rows)  # hours may lie between two sizes


if __name__ == "__main__":
    main()
