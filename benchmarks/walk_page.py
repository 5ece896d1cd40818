"""The Walk page in chromium: seconds and bytes to the first step, key to paint, dropped frames while it plays.

    python -m benchmarks.walk_page [--quick] [--samples 12400 …] [--run cache/demo]

Each run is opened with the default settings. first: from the address to the first step drawn, on a server that has
not yet opened the run; again: the same on a server that has; graph: again, with the graph in place of the map. A key
is pressed, and the time taken until the handler has returned (handled) and until the next frame has been painted
(painted); median and 95th percentile over the keys. While playing at 10 steps a second for 5 s, a frame is dropped if
it comes more than 1.5 frames after the one before. late: steps, of those that keys and playing reached, whose graph had
not come when they were drawn. step_kB: received a step. Needs chromium. Times depend on what else the machine does.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.map import PATIENCE, Visit
from benchmarks.report import report
from tests.app.large_run import make_large_run
from tests.app.serving import chromium, serving
from tests.app.tiny_run import make_run

SIZES = (12_400, 270_000)
SETTLED = 1500
"""Milliseconds for what is fetched ahead at first."""
KEYS = """
async (count) => {
  const host = [...document.querySelectorAll("*")].find((e) => e.shadowRoot?.querySelector(".screen"))
  const screen = (host?.shadowRoot ?? document).querySelector(".screen")
  screen.focus()
  const channel = new MessageChannel()
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    channel.port1.onmessage = done
    channel.port2.postMessage(null)
  }))
  const times = []
  for (let key = 0; key < count; key++) {
    await painted()
    const start = performance.now()
    screen.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, composed: true }))
    const handled = performance.now() - start
    await painted()
    const graph = screen.querySelector(".stage[data-stage=graph]")
    const late = screen.dataset.picture === "graph" && !graph.dataset.focus
    times.push([handled, performance.now() - start, late])
    await new Promise((done) => setTimeout(done, 30))
  }
  return times
}
"""
FRAMES = """
(milliseconds) => new Promise((done) => {
  const host = [...document.querySelectorAll("*")].find((e) => e.shadowRoot?.querySelector(".screen"))
  const screen = (host?.shadowRoot ?? document).querySelector(".screen")
  const graph = screen.querySelector(".stage[data-stage=graph]")
  const gaps = []
  const steps = new Map()
  const begin = performance.now()
  let last = begin
  const tick = (now) => {
    gaps.push(now - last)
    last = now
    const late = screen.dataset.picture === "graph" && !graph.dataset.focus
    if (!steps.has(screen.dataset.step)) steps.set(screen.dataset.step, late)
    if (now - begin < milliseconds) requestAnimationFrame(tick)
    else done({ gaps, late: [...steps.values()].filter(Boolean).length, steps: steps.size })
  }
  requestAnimationFrame(tick)
})
"""


def measure(browser: Any, address: str, keys: int) -> dict[str, Any]:
    """One visit: to the first step, through some of them by key, and five seconds of play."""
    visit = Visit(browser)
    visit.page.set_viewport_size({"width": 1280, "height": 720})
    page = visit.page
    opened = visit.measure(
        lambda: page.goto(address),
        lambda: page.wait_for_selector(".row.chosen", timeout=PATIENCE),
    )
    drawn = (
        ".stage[data-stage=graph]:not([data-focus=''])"
        if "picture=graph" in address
        else ".screen[data-drawn]"
    )
    page.wait_for_selector(drawn, timeout=PATIENCE)
    page.wait_for_timeout(SETTLED)
    before = visit.bytes["down"]
    times = np.array(page.evaluate(KEYS, keys), float)
    page.get_by_label("Steps a second while playing").select_option("10")
    page.get_by_role("button", name="Play").click()
    played = page.evaluate(FRAMES, 5000)
    gaps = np.array(played["gaps"][1:])
    stepping = visit.bytes["down"] - before
    visit.close()
    usual = float(np.median(gaps))
    return {
        "s": opened["s"],
        "MB": opened["down_MB"],
        "handled_ms": float(np.median(times[:, 0])),
        "handled_95_ms": float(np.quantile(times[:, 0], 0.95)),
        "painted_ms": float(np.median(times[:, 1])),
        "painted_95_ms": float(np.quantile(times[:, 1], 0.95)),
        "frames": len(gaps),
        "dropped": int((gaps > 1.5 * usual).sum()),
        "late": int(times[:, 2].sum()) + played["late"],
        "step_kB": stepping / 1e3 / (keys + played["steps"]),
    }


def main(quick: bool, sizes: Sequence[int], runs: Sequence[Path]) -> None:
    keys = 10 if quick else 40
    rows = []
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        folder = Path(place)
        tiny = make_run(folder / "tiny")
        for size in sizes:
            make_large_run(folder / f"of-{size}", tiny, size)
        for path in [*(folder / f"of-{size}" for size in sizes), *(run.resolve() for run in runs)]:
            with serving(path.parent) as server:
                for visit in ("first", "again", "graph"):
                    more = "&picture=graph" if visit == "graph" else ""
                    row = measure(browser, f"{server.url}/Walk?run={path.name}{more}", keys)
                    rows.append({"run": path.name, "visit": visit, **row})
                    print(rows[-1], flush=True)
    report("walk_page", rows, quick=quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a quarter of the keys")
    parser.add_argument("--samples", type=int, nargs="*", default=SIZES)
    parser.add_argument("--run", type=Path, nargs="*", default=[], help="folders of finished runs")
    chosen = parser.parse_args()
    main(chosen.quick, chosen.samples, chosen.run)
