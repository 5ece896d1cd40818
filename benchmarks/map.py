"""The map in chromium, and Plotly's scattergl in Streamlit: bytes sent, and time to first paint, recolour and lasso.

    python -m benchmarks.map [--quick] [--samples 5000 …]

Both draw the same samples, coloured by source, then by loss. Plotly gets a hover text of 80 characters a sample; the
map fetches texts when it needs them. Bytes are those of the WebSocket alone, without the code of either (Plotly's is
4.6 MB, once). Times are the best of a few visits to a server that has opened the run. A lasso surrounds all samples.
"failed": no answer within a minute, or the connection was lost. Needs chromium.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import report
from tests.app.large_run import make_large_run
from tests.app.serving import READY, ROOT, chromium, serving
from tests.app.tiny_run import make_run

SIZES = (5_000, 50_000, 270_000)
PATIENCE = 60_000
PLOTLY = """
import sys
import numpy as np
import plotly.graph_objects as go
import streamlit as st
sys.path.insert(0, {root!r})
from g2is.run.run import Run

@st.cache_resource
def opened():
    run = Run.open({folder!r})
    prompts = [prompt for prompt, _ in run.conversations()]
    return run.layout("umap", "sgd").samples, [text.ljust(80)[:80] for text in prompts], run.instructions

places, texts, pool = opened()
st.set_page_config(layout="wide")
colour = st.selectbox("Colour by", ["Source", "Loss"])
values = pool["source"].astype("category").cat.codes if colour == "Source" else pool["loss"]
figure = go.Figure(go.Scattergl(
    x=places[:, 0], y=places[:, 1], text=texts, mode="markers", hovertemplate="%{{text}}<extra></extra>",
    marker={{"size": 4, "color": values.to_numpy(np.float32), "colorscale": "Viridis"}},
))
figure.update_layout(dragmode="lasso", uirevision="map", height=720)
chosen = st.plotly_chart(figure, key="map", on_select="rerun")
st.markdown(f"selected {{len(chosen['selection']['points'])}} in {{colour}}")
"""


BARE = """
import streamlit as st
st.title("Nothing")
"""


class Visit:
    """A browser window that counts the bytes of its WebSockets."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        self.bytes = {"down": 0, "up": 0}
        self.page.on("websocket", self._listen)

    def _listen(self, socket: Any) -> None:
        socket.on("framereceived", lambda data: self._add("down", data))
        socket.on("framesent", lambda data: self._add("up", data))

    def _add(self, way: str, data: str | bytes) -> None:
        self.bytes[way] += len(data)

    def measure(self, act: Callable[[], Any], done: Callable[[], Any]) -> dict[str, float]:
        """Seconds until `done` returns, and bytes until the page is quiet again."""
        self.bytes.update(down=0, up=0)
        start = time.perf_counter()
        act()
        done()
        seconds = time.perf_counter() - start
        self.page.wait_for_timeout(500)
        self.page.wait_for_selector(READY, timeout=PATIENCE)
        return {"s": seconds, "down_MB": self.bytes["down"] / 1e6, "up_kB": self.bytes["up"] / 1e3}

    def drag_around(self, box: dict[str, float]) -> None:
        left, top = box["x"] + 3, box["y"] + 3
        right, bottom = box["x"] + box["width"] - 3, box["y"] + box["height"] - 3
        mouse = self.page.mouse
        mouse.move(left, top)
        mouse.down()
        for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 4)):
            mouse.move(x, y, steps=4)
        mouse.up()

    def close(self) -> None:
        self.page.context.close()


def bare_steps(visit: Visit, address: str) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    page = visit.page
    return {"paint": (lambda: page.goto(address), lambda: page.wait_for_selector("h1", timeout=PATIENCE))}


def canvas_steps(visit: Visit, address: str) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    page = visit.page

    def colour() -> None:
        page.get_by_role("combobox", name="Colour by").click()
        page.get_by_role("option", name="Loss").click()

    def open_page(name: str) -> None:
        page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
        page.get_by_role("heading", name=name, exact=True, level=1).wait_for(timeout=PATIENCE)

    def lasso() -> None:
        page.get_by_role("radio", name="Lasso").click()
        visit.drag_around(page.locator(".over").bounding_box())

    def drawn(what: str) -> Callable[[], Any]:
        return lambda: page.wait_for_selector(f".map{what}", timeout=PATIENCE)

    return {
        "paint": (lambda: page.goto(address), drawn("[data-paint]")),
        "recolour": (colour, drawn("[data-scheme='loss']")),
        "lasso": (lasso, drawn(":not([data-selected='0'])")),
        "away": (lambda: open_page("Export"), lambda: None),
        "return": (lambda: open_page("Map"), drawn("[data-paint]")),
    }


def plotly_steps(visit: Visit, address: str) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    page = visit.page

    def colour() -> None:
        page.get_by_role("combobox", name="Colour by").click()
        page.get_by_role("option", name="Loss").click()

    def drawn(text: str) -> Callable[[], Any]:
        def wait() -> None:
            page.get_by_text(text).first.wait_for(timeout=PATIENCE)
            page.wait_for_selector(".js-plotly-plot .gl-canvas", state="attached", timeout=PATIENCE)
            page.evaluate(
                "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )

        return wait

    def selected() -> None:
        page.get_by_text("in Loss").filter(has_not_text="selected 0 in").first.wait_for(timeout=PATIENCE)

    return {
        "paint": (lambda: page.goto(address), drawn("in Source")),
        "recolour": (colour, drawn("in Loss")),
        "lasso": (lambda: visit.drag_around(page.locator(".nsewdrag").first.bounding_box()), selected),
    }


def rows_of(browser: Any, address: str, steps: Callable[..., Any], rounds: int) -> dict[str, Any]:
    """The best of a few visits; the first, in which the server opens the run, counts only if no later one succeeds."""
    from playwright.sync_api import Error

    row: dict[str, Any] = {}
    for turn in range(rounds + 1):
        visit = Visit(browser)
        for name, (act, done) in steps(visit, address).items():
            try:
                measured = visit.measure(act, done)
            except Error:
                visit.close()
                return row | {f"{name}_s": "failed", f"{name}_up_kB": visit.bytes["up"] / 1e3}
            if turn > 1:
                measured["s"] = min(measured["s"], row[f"{name}_s"])
            row.update({f"{name}_{unit}": value for unit, value in measured.items()})
        visit.close()
    return row


def main(quick: bool, sizes: Sequence[int]) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        folder = Path(place)
        tiny = make_run(folder / "tiny")
        script = folder / "bare.py"
        script.write_text(BARE)
        with serving(folder, script) as server:
            rows.append({"drawn_with": "nothing", **rows_of(browser, server.url, bare_steps, rounds(quick))})
        for size in sizes:
            make_large_run(folder / f"of-{size}", tiny, size)
            script = folder / f"plotly_{size}.py"
            script.write_text(PLOTLY.format(root=str(ROOT), folder=str(folder / f"of-{size}")))
            for kind, app, path, steps in (
                ("map", ROOT / "app.py", f"/Map?run=of-{size}&path=none", canvas_steps),
                ("plotly", script, "", plotly_steps),
            ):
                with serving(folder, app) as server:
                    row = rows_of(browser, server.url + path, steps, rounds(quick))
                rows.append({"samples": size, "drawn_with": kind, **row})
                print(rows[-1], flush=True)
    report("map", rows, quick=quick)


def rounds(quick: bool) -> int:
    return 1 if quick else 2


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one visit instead of the best of two")
    parser.add_argument("--samples", type=int, nargs="+", default=SIZES, help="sizes of the pool")
    arguments = parser.parse_args()
    main(arguments.quick, arguments.samples)
