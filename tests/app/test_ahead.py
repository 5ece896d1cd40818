"""Large scripts of Streamlit's are loaded while the first page is read, as Streamlit itself would load them."""

import re
from pathlib import Path

import streamlit

from g2is.app.shared.ahead import SCRIPTS, scripts
from tests.app.conftest import settle

SPARING = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
LOADED = """() => performance.getEntriesByType("resource").map(entry => entry.name.split("/").at(-1))"""
PLOTLY_RAN = """() => document.getElementById("plotly.js-style-global")"""


def test_the_installed_streamlit_has_each_of_them_and_imports_it_by_this_name():
    folder = Path(streamlit.__file__).parent / "static"
    page = (folder / "index.html").read_text()
    (index,) = re.findall(r'<script type="module"[^>]* src="\./(static/js/[^"]+)"', page)
    text = (folder / index).read_text()
    assert [name.partition(".")[0] for name in scripts()] == list(SCRIPTS)
    assert all(f"import(`./{name}`)" in text for name in scripts())


def test_they_are_there_before_the_page_that_needs_them_unless_the_reader_saves_data(server, new_page):
    sparing = new_page()
    sparing.add_init_script(SPARING)
    sparing.goto(f"{server.url}/?run=tiny")
    page = new_page()
    page.goto(f"{server.url}/?run=tiny")
    page.wait_for_function(PLOTLY_RAN, timeout=60_000)
    before = page.evaluate(LOADED)
    assert set(scripts()) <= set(before) and page.evaluate("document.activeElement === document.body")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Core knowledge").click()
    page.wait_for_selector(".js-plotly-plot", timeout=60_000)
    settle(page)
    assert [page.evaluate(LOADED).count(name) for name in scripts()] == [1] * len(scripts())
    plotly = scripts()[0]
    assert plotly not in sparing.evaluate(LOADED)
    sparing.goto(f"{server.url}/Core_knowledge?run=tiny")
    sparing.wait_for_selector(".js-plotly-plot", timeout=60_000)
    assert plotly in sparing.evaluate(LOADED)
