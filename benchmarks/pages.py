"""Every page in chromium, the app started as the README says: seconds to a first visit, to a second, and to a rerun.

    python -m benchmarks.pages [--quick] [--run cache/demo] [--read 3]

Beside an empty page of Streamlit in the same browser, started in the same way: what the browser, Streamlit and the load
of the machine cost by themselves. Ratios to it mean something on a busy machine; seconds only on a quiet one.

start: from the command to a server that answers. first: the page opened by its address, on a server that nobody has
asked for anything. link: a server on which Home was opened and read for a few seconds; then one page after the other by
the link in the sidebar, each for the first time. again: the same links once more. rerun: the whole script once more,
by Streamlit's own key R. Each ends when the page's content is there and its script has ended. The best of a few rounds,
each with a new server. Needs chromium.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.report import report
from tests.app.serving import ROOT, Server, chromium

EMPTY = """
import streamlit as st
st.set_page_config(layout="wide")
st.title("Empty")
"""
PAGES = {
    "Home": "h1",
    "Walk": ".row.chosen",
    "Map": ".map[data-paint]",
    "Neighbourhood": "h1",
    "Core knowledge": ".st-key-kinds-of-examples .main-svg",
    "Instructions": "h1",
    "Compare": ".main-svg",
    "Export": "h1",
    "Check data": "h1",
}
"""What stands on each page once it is drawn."""
PATIENCE = 60_000
# The script's state as Streamlit's page shows it, with the moment of each change.
WATCH = """
() => {
  globalThis.ended = performance.now()
  globalThis.runs = 0
  const watch = () => {
    const app = document.querySelector('[data-testid="stApp"]')
    if (!app) return setTimeout(watch, 5)
    const note = () => {
      globalThis.state = app.dataset.testScriptState
      if (globalThis.state === "notRunning") {
        globalThis.ended = performance.now()
        globalThis.runs++
      }
    }
    new MutationObserver(note).observe(app, { attributeFilter: ["data-test-script-state"] })
    note()
  }
  watch()
  addEventListener("keydown", (event) => (globalThis.pressed = event.timeStamp), true)
}
"""
# Looked for from frame to frame, in components too: the moment at which it is there.
DRAWN = """
([selector, title]) => {
  const inside = ({ shadowRoot }) => shadowRoot && find(shadowRoot)
  const find = (root) => root.querySelector(selector) ?? [...root.querySelectorAll("*")].some(inside)
  return document.title.startsWith(title) && find(document) && performance.now()
}
"""
QUIET = "() => globalThis.state === 'notRunning' && performance.now() - globalThis.ended > 400"


class Window:
    """A window of the browser, and how long it waits for the app."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
        self.page.add_init_script(f"({WATCH})()")

    def close(self) -> None:
        self.page.context.close()

    def settle(self, selector: str, title: str = "", since: float = 0.0) -> float:
        """Seconds from `since`, in milliseconds of the page's own clock, until the page was complete."""
        drawn = self.page.wait_for_function(DRAWN, arg=[selector, title], timeout=PATIENCE).json_value()
        self.page.wait_for_function(QUIET, timeout=PATIENCE)
        return (max(drawn, self.page.evaluate("() => globalThis.ended")) - since) / 1000

    def open(self, address: str, selector: str, title: str = "") -> float:
        """Opens an address. The clock of the page begins as it is asked for."""
        self.page.goto(address, wait_until="commit")
        return self.settle(selector, title)

    def follow(self, title: str) -> float:
        """Follows a link of the sidebar."""
        # By its text: in a folded sidebar links have no name.
        link = (
            self.page.get_by_test_id("stSidebar")
            .get_by_test_id("stPageLink-NavLink")
            .filter(has_text=title)
            .first
        )
        # Not by the pointer: the sidebar may be folded.
        start = link.evaluate("(link) => [performance.now(), link.click()][0]")
        return self.settle(PAGES[title], title, start)

    def rerun(self) -> float:
        """Runs the script again."""
        runs = self.page.evaluate("() => { document.activeElement?.blur(); return globalThis.runs }")
        self.page.keyboard.press("r")
        self.page.wait_for_function("(runs) => globalThis.runs > runs", arg=runs, timeout=PATIENCE)
        self.page.wait_for_function(QUIET, timeout=PATIENCE)
        return self.page.evaluate("() => globalThis.ended - globalThis.pressed") / 1000


def started(*place: Any) -> tuple[Server, float]:
    """A server, and the seconds until it answered."""
    start = time.perf_counter()
    server = Server(*place)
    return server, time.perf_counter() - start


def empty_page(browser: Any, folder: Path) -> dict[str, float]:
    """Streamlit and the browser by themselves."""
    script = folder / "empty.py"
    script.write_text(EMPTY)
    server, start = started(folder, script)
    try:
        window = Window(browser)
        first = window.open(server.url, "h1")
        rerun = window.rerun()
        window.close()
        window = Window(browser)
        again = window.open(server.url, "h1")
        window.close()
    finally:
        server.stop()
    return {"start": start, "first": first, "again": again, "rerun": rerun}


def first_visits(browser: Any, run: Path, title: str) -> dict[str, float]:
    """One page by its address, on a server of its own."""
    server, start = started(run.parent)
    try:
        window = Window(browser)
        place = "" if title == "Home" else title.replace(" ", "_")
        first = window.open(f"{server.url}/{place}?run={run.name}", PAGES[title])
        window.close()
    finally:
        server.stop()
    return {"start": start, "first": first}


def linked_visits(browser: Any, run: Path, read: float) -> dict[str, dict[str, float]]:
    """Every page by its link, after Home has been read."""
    server, _ = started(run.parent)
    rows: dict[str, dict[str, float]] = {title: {} for title in PAGES}
    try:
        window = Window(browser)
        window.open(f"{server.url}/?run={run.name}", "h1")
        window.page.wait_for_timeout(1000 * read)
        for visit in ("link", "again"):
            for title in [*list(PAGES)[1:], "Home"]:
                rows[title][visit] = window.follow(title)
                if visit == "again":
                    rows[title]["rerun"] = window.rerun()
        window.close()
    finally:
        server.stop()
    return rows


def main(quick: bool, run: Path, read: float) -> None:
    best: dict[str, dict[str, float]] = {}

    def keep(title: str, row: dict[str, float]) -> None:
        known = best.setdefault(title, {})
        known.update({name: min(value, known.get(name, value)) for name, value in row.items()})

    with chromium() as browser, TemporaryDirectory() as folder:
        for _ in range(1 if quick else 3):
            keep("empty page", empty_page(browser, Path(folder)))
            for title, row in linked_visits(browser, run, read).items():
                keep(title, row)
            for title in list(PAGES)[: 2 if quick else None]:
                keep(title, first_visits(browser, run, title))
    empty = best["empty page"]
    ratios = {"first": "first", "rerun": "rerun"}
    rows = [
        {
            "page": title,
            **row,
            **{f"{name} / empty": row[name] / empty[to] for name, to in ratios.items() if name in row},
        }
        for title, row in best.items()
    ]
    report("pages", rows, quick=quick, run=run.name, read=read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="one round, and the first visit of two pages alone"
    )
    parser.add_argument(
        "--run", type=Path, default=ROOT / "cache" / "demo", help="folder of a finished run [cache/demo]"
    )
    parser.add_argument(
        "--read", type=float, default=3.0, metavar="SECONDS", help="time on Home before the first link [3]"
    )
    chosen = parser.parse_args()
    main(chosen.quick, chosen.run.resolve(), chosen.read)
