"""The Walk page in chromium: seconds and bytes to the first step, key to paint, dropped frames while it plays.

    python -m benchmarks.walk_page [--quick] [--samples 12400 …] [--run cache/demo]

Each run is opened with the default settings. first: from the address to the first step drawn, on a server that has
not yet opened the run; again: the same on a server that has. A key is pressed, and the time taken until the handler has
returned (handled) and until the next frame has been painted (painted); median and 95th percentile over the keys. While
playing at 10 steps a second for 5 s, a frame is dropped if it comes more than 1.5 frames after the one before. Needs
chromium. Times depend on what else the machine does.
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
    times.push([handled, performance.now() - start])
    await new Promise((done) => setTimeout(done, 30))
  }
  return times
}
"""
FRAMES = """
(milliseconds) => new Promise((done) => {
  const gaps = []
  const begin = performance.now()
  let last = begin
  const tick = (now) => {
    gaps.push(now - last)
    last = now
    if (now - begin < milliseconds) requestAnimationFrame(tick)
    else done(gaps)
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
    page.wait_for_selector(".screen[data-drawn]", timeout=PATIENCE)
    times = np.array(page.evaluate(KEYS, keys))
    page.get_by_label("Steps a second while playing").select_option("10")
    page.get_by_role("button", name="Play").click()
    gaps = np.array(page.evaluate(FRAMES, 5000)[1:])
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
                for visit in ("first", "again"):
                    row = measure(browser, f"{server.url}/Walk?run={path.name}", keys)
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
