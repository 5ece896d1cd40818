"""Refocusing the Neighbourhood page in chromium: the time from a click on a sample to its neighbourhood on screen.

    python -m benchmarks.neighbourhood [--quick] [RUN_FOLDER …]

Without folders, on generated runs of 2,000 and 12,000 samples with 10 neighbours each. compute_ms: the ego graph, its
layout and its bytes alone, the best of a few. click_s: from the click until the new graph is drawn, best and median;
back_s: the same for a step back on the trail, which the page remembers; down_kB: received through the socket for a
click, median. Needs chromium.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report import best_seconds, report
from g2is.analysis import walks
from g2is.analysis.neighbourhood import ego_of, nodes_frame
from g2is.analysis.step_graphs import DrawnGraph
from g2is.app.shared.graph.parts import graphs_part
from g2is.config import walk_preset
from g2is.graph import ego_layout
from g2is.run.run import Run
from tests.app.serving import READY, chromium, serving
from tests.app.tiny_run import make_run

SIZES = (2_000, 12_000)
VIEWS = ((1, 60), (2, 150))
"""Hops and most nodes."""
PATIENCE = 60_000
PRESET = "recommended"
CANVAS = ".hood canvas.nodes"
FOCUSED = """() => {
  const find = (root) => root.querySelector(".hood") ?? [...root.querySelectorAll("*")]
    .map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean)
  return find(document)?.dataset.focus
}"""
# Of the samples that were not in focus yet the one with most room around it, so that the click is for no other node.
ROOMIEST = """(canvas, visited) => {
  const nodes = canvas.places().map(([key, x, y]) => ({ key, x, y })), box = canvas.getBoundingClientRect()
  const room = node => Math.min(...nodes.filter(other => other !== node)
    .map(other => Math.hypot(other.x - node.x, other.y - node.y)))
  const free = nodes.filter(node => node.key >= 0 && !visited.includes(String(node.key)))
  const best = free.reduce((one, other) => room(other) > room(one) ? other : one)
  return [box.left + best.x, box.top + best.y]
}"""


def compute_seconds(run: Run, focus: int, hops: int, most: int, rounds: int) -> tuple[int, int, float]:
    """Nodes, edges, and the time of everything that the server computes after a click."""
    settings = walk_preset(PRESET, fraction=0.05)
    knowledge = walks.core_knowledge(run, settings)
    regime = settings.regime
    ego = ego_of(run, regime, focus, hops=hops, most=most, knowledge=settings)

    def work() -> None:
        found = ego_of(run, regime, focus, hops=hops, most=most, knowledge=settings)
        relations = nodes_frame(run, found, knowledge)["relation"].tolist()
        graphs_part("neighbourhood", "graph", {}, {focus: DrawnGraph(found, relations, ego_layout(found))})

    return len(ego), len(ego.edges), best_seconds({"work": work}, rounds)["work"]


class Window:
    """The page in a browser."""

    def __init__(self, browser: Any, address: str) -> None:
        self.page = browser.new_context(viewport={"width": 1440, "height": 1200}).new_page()
        self.received = 0
        self.visited: list[str] = []
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._add))
        self.page.goto(address)
        self.page.wait_for_function(FOCUSED, timeout=PATIENCE)
        self._quiet()

    def _add(self, data: str | bytes) -> None:
        self.received += len(data)

    def _quiet(self) -> None:
        self.page.wait_for_timeout(300)
        self.page.wait_for_selector(READY, timeout=PATIENCE)
        self.page.wait_for_timeout(300)

    def timed(self, act: Callable[[], Any]) -> tuple[float, float]:
        """Seconds until another focus is drawn, and kB received until the page is quiet."""
        before, self.received = self.page.evaluate(FOCUSED), 0
        start = time.perf_counter()
        act()
        self.page.wait_for_function(
            f"before => {{ const now = ({FOCUSED})(); return now && now !== before }}",
            arg=before,
            timeout=PATIENCE,
        )
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        seconds = time.perf_counter() - start
        self._quiet()
        return seconds, self.received / 1e3

    def click(self) -> tuple[float, float]:
        """Click on a sample that was not in focus before, so that nothing of it is cached."""
        self.visited.append(self.page.evaluate(FOCUSED))
        place = self.page.locator(CANVAS).evaluate(ROOMIEST, self.visited)
        return self.timed(lambda: self.page.mouse.click(*place))

    def back(self) -> tuple[float, float]:
        buttons = self.page.locator("[class*='st-key-trail-'] button:visible")
        return self.timed(buttons.last.click)


def measure(browser: Any, url: str, run: Run, hops: int, most: int, clicks: int) -> dict[str, Any]:
    """One line of the table."""
    focus = int(run.valid.nonzero()[0][len(run.valid) // 3])
    nodes, edges, compute = compute_seconds(run, focus, hops, most, 3 if clicks < 8 else 8)
    window = Window(
        browser,
        f"{url}/Neighbourhood?run={run.name}&preset={PRESET}&focus={focus}&hops={hops}&most={most}",
    )
    window.click()  # the first one has the server import and open what it needs
    found = [window.click() for _ in range(clicks)]
    back = [window.back()[0] for _ in range(min(clicks, 6))]
    window.page.context.close()
    times, sizes = zip(*found, strict=True)
    print(".", end="", flush=True)
    return {
        "rows": len(run.instructions),
        "hops": hops,
        "nodes": nodes,
        "edges": edges,
        "compute_ms": 1000 * compute,
        "click_best_s": min(times),
        "click_median_s": statistics.median(times),
        "back_best_s": min(back),
        "back_median_s": statistics.median(back),
        "down_kB": statistics.median(sizes),
    }


def main(folders: list[Path], quick: bool) -> None:
    lines = []
    with tempfile.TemporaryDirectory() as place:
        cache = Path(place)
        if folders:
            for folder in folders:
                (cache / folder.name).symlink_to(folder.resolve())
        else:
            for size in SIZES[:1] if quick else SIZES:
                make_run(cache / f"rows-{size}", size)
        with serving(cache) as server, chromium() as browser:
            for folder in sorted(cache.iterdir()):
                run = Run.open(folder)
                for hops, most in VIEWS:
                    lines.append(measure(browser, server.url, run, hops, most, 4 if quick else 12))
    # A page in a browser shares its cores with whatever else the machine does.
    report("neighbourhood", lines, quick=quick, load_average=os.getloadavg()[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="RUN_FOLDER", help="runs to measure on")
    parser.add_argument("--quick", action="store_true", help="one made run, fewer clicks")
    arguments = parser.parse_args()
    main(arguments.folders, arguments.quick)
