"""The Map page: what it sends, and what a reader does with it in a real browser."""

import json
import math
import re
import shutil
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image

from g2is.analysis import walks
from g2is.analysis.ordering import in_order
from g2is.analysis.search import Filter, matching
from g2is.app.map.basket import basket_csv
from g2is.app.map.canvas import MOST_TEXTS, hover_text
from g2is.app.map.parts import walk_part
from g2is.app.map.view import read_view
from g2is.app.shared.canvas.parts import pack
from g2is.app.shared.canvas.points import NOWHERE, MapPoints
from g2is.app.shared.labels import origin_meanings
from g2is.figures.colouring import COLOURED
from g2is.walk import ORIGINS
from g2is.walk.trace import Steps
from tests.app.conftest import settle
from tests.app.large_run import make_large_run
from tests.app.serving import ROOT, Server
from tests.app.tiny_run import INVALID, POOL, VALIDATION

PAGE = "1_Map"
LINK = "/Map?run=tiny&preset=recommended&count=40"
LARGE = 270_000
KINDS = {"points", "colours", "marks", "walk", "texts", "matches", "rows"}
DOWN, UP = 2_000_000, 100_000
"""Bytes that showing the map of 270,000 samples may send down, and any action up."""


def unpack(data: bytes) -> dict:
    """A part as the browser reads it."""
    length = int.from_bytes(data[:4], "little")
    part = json.loads(data[4 : 4 + length])
    start = 4 + length
    for name, kind, count in part["arrays"]:
        part[name] = np.frombuffer(data, kind, count, start)
        start += part[name].nbytes
    assert start == len(data)
    return part


def parts_of(app) -> dict[str, dict]:
    """The parts that a page sends, by kind."""
    sent = [element.proto for element in app.get("bidi_component")]
    parts = [unpack(proto.bytes) for proto in sent if proto.component_name == "g2is_part"]
    return {part["kind"]: part for part in parts}


# Values


def test_a_link_holds_the_categories_that_are_shown(open_app):
    first = parts_of(open_app(PAGE))["marks"]
    assert (first["only"], first["alone"]) == ([], False)
    app = open_app(PAGE, shown="1.0", isolated="True")
    marks = parts_of(app)["marks"]
    assert (marks["only"], marks["alone"]) == ([1, 0], True) and not app.warning
    app.selectbox(key="colour").set_value("loss").run()
    assert "shown" not in app.query_params and parts_of(app)["marks"]["only"] == []
    assert parts_of(app)["marks"]["order"] != marks["order"], "the map is told"
    for text in ("x", "99", "1.", "-1", "1" * 9):
        app = open_app(PAGE, shown=text)
        assert parts_of(app)["marks"]["only"] == [] and "entries in the legend" in app.warning[0].value, text
    assert "have no entries" in open_app(PAGE, shown="0", colour="loss").warning[0].value


def test_sends_places_of_all_samples(open_app, run):
    parts = parts_of(open_app(PAGE))
    expected = MapPoints.of(run.layout("umap", "sgd").samples, run.layout("umap", "sgd").validation)
    assert np.array_equal(parts["points"]["x"], expected.samples[:, 0])
    assert np.array_equal(parts["points"]["vy"], expected.validation[:, 1])
    assert len(parts["points"]["y"]) == POOL and len(parts["points"]["vx"]) == VALIDATION
    assert len({part["map"] for part in parts.values()}) == 1
    assert parts["points"]["nowhere"] == NOWHERE and parts["texts"]["most"] == MOST_TEXTS
    other = parts_of(open_app(PAGE, layout="pca"))
    assert other["points"]["map"] != parts["points"]["map"]
    assert not np.array_equal(other["points"]["x"], parts["points"]["x"])


def test_colours_follow_the_data(open_app, run):
    pool = run.instructions
    source = parts_of(open_app(PAGE, colour="source"))["colours"]
    names = [source["entries"][code]["name"] for code in source["codes"]]
    assert names == pool["source"].tolist()
    assert source["entries"][0]["count"] == (pool["source"] == source["entries"][0]["name"]).sum()

    loss = parts_of(open_app(PAGE, colour="loss"))["colours"]
    valid = run.valid
    assert loss["codes"][INVALID] == loss["missing"]
    assert loss["codes"][valid].max() == loss["levels"] < loss["missing"]
    order = np.argsort(pool["loss"].to_numpy()[valid])
    assert np.all(np.diff(loss["codes"][valid][order].astype(int)) >= 0)
    assert loss["unit"] == "nats a token" and len(loss["ticks"]) == 5

    community = parts_of(open_app(PAGE, colour="community"))["colours"]
    membership = run.communities("sgd").membership
    largest = membership == 0
    assert len(set(community["codes"][largest].tolist())) == 1
    assert community["entries"][0]["count"] == largest.sum()


def test_the_walk_of_the_address_is_drawn_and_coloured(open_app, run):
    from g2is.config import walk_preset

    parts = parts_of(open_app(PAGE, preset="recommended", count="30", colour="order"))
    taken = walks.walk(run, walk_preset("recommended", count=30)).steps
    assert parts["walk"]["sample"].tolist() == taken.sample.tolist()
    assert parts["walk"]["origin"].tolist() == taken.origin.tolist()
    codes = parts["colours"]["codes"]
    assert set(np.flatnonzero(codes != parts["colours"]["missing"]).tolist()) == set(taken.sample.tolist())
    assert np.all(np.diff(codes[taken.sample].astype(int)) > 0)
    assert len(parts_of(open_app(PAGE, path="none"))["walk"]["sample"]) == 0


def test_a_saved_walk_can_be_drawn(open_app, cache, run):
    from tests.records import saved_trace

    trace = saved_trace(cache / "tiny" / "selections" / "first-walk.json")
    parts = parts_of(open_app(PAGE, path="first-walk", colour="component"))
    assert parts["walk"]["sample"].tolist() == trace.samples.tolist()
    loadings = abs(walks.core_knowledge(run, trace.parameters).loadings)
    expected = {
        f"{number}: {' '.join(run.validation['prompt'].iloc[row].split())}"
        for number, row in enumerate(loadings.argmax(axis=1))
    }
    names = {entry["name"].rstrip("…") for entry in parts["colours"]["entries"]}
    assert names and all(any(text.startswith(name) for text in expected) for name in names)


def test_alignment_is_that_of_the_closest_component(open_app, run):
    from g2is.config import walk_preset

    parts = parts_of(open_app(PAGE, preset="recommended", count="30", colour="alignment"))
    aligned = walks.affinities(run, walk_preset("recommended", count=30)).max(axis=1)[run.valid]
    codes = parts["colours"]["codes"][run.valid].astype(int)
    assert np.all(np.diff(codes[np.argsort(aligned)]) >= 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "taste"),
        ("layout", "tsne"),
        ("path", "../x"),
        ("view", "1,2"),
        ("view", "nan,0,1"),
        ("map_regime", "x"),
    ],
)
def test_a_meaningless_address_is_reported(open_app, name, value):
    app = open_app(PAGE, **{name: value})
    assert f"`{name}={value}`" in app.warning[0].value
    assert parts_of(app).keys() == KINDS


def test_focus_shows_the_record_and_its_ten_nearest(open_app, run):
    app = open_app(PAGE, focus="33")
    assert any(text.startswith(("**Sample 33**", "**Instruction 33**")) for text in app.markdown.values)
    assert app.dataframe[0].value["instruction"].tolist() == run.regime("sgd").neighbors[33][:10].tolist()
    assert parts_of(app)["marks"]["focus"] == 33
    app = open_app(PAGE, focus=str(INVALID))
    assert any("no place on the map" in text for text in app.caption.values)


def test_a_validation_example_in_focus_is_shown_with_the_samples_nearest_to_it(open_app, run):
    app = open_app(PAGE, example="7")
    example = run.validation.iloc[7]
    assert any(text.startswith("**Validation example 7**") for text in app.markdown.values)
    assert any(block.value.startswith(example["prompt"]) for block in app.code)
    cosines = np.where(run.valid, run.regime("sgd").validation_cosines[:, 7], -2)
    np.testing.assert_allclose(app.dataframe[0].value["cosine"], np.sort(cosines)[::-1][:10], rtol=1e-6)
    np.testing.assert_array_equal(
        cosines[app.dataframe[0].value["instruction"]].astype(np.float32),
        app.dataframe[0].value["cosine"].astype(np.float32),
    )
    assert parts_of(app)["marks"]["focus"] == -8
    # A sample that another page puts in focus comes first.
    assert parts_of(open_app(PAGE, example="7", focus="33"))["marks"]["focus"] == 33


def test_the_basket_is_marked(open_app, run):
    app = open_app(PAGE, focus="33")
    assert len(parts_of(app)["marks"]["bits"]) == 0
    next(button for button in app.button if button.label == "Into the basket").click().run()
    marks = parts_of(app)["marks"]
    assert np.flatnonzero(np.unpackbits(marks["bits"], bitorder="little")[:POOL]).tolist() == [33]
    assert any("**1** instruction," in text for text in app.markdown.values)
    next(button for button in app.button if button.label == "Empty").click().run()
    assert len(parts_of(app)["marks"]["bits"]) == 0
    app.button(key="undo").click().run()
    assert parts_of(app)["marks"]["counted"] == 1


def link_of(app, label) -> dict[str, list[str]]:
    """What a link of a page hands on."""
    return parse_qs(next(one.proto.query_string for one in app.get("page_link") if one.proto.label == label))


def test_filters_of_the_address_mark_what_they_find(open_app, run):
    parts = parts_of(open_app(PAGE, path="none"))
    assert not parts["matches"]["on"] and not len(parts["matches"]["bits"]) and parts["rows"]["rows"] == []
    # The same as on the Instructions page, also for what no canvas has a box for.
    app = open_app(PAGE, path="none", search="question 12", source="first.jsonl", order_by="shortest")
    pool = run.instructions
    found = matching(run, Filter(text="question 12", sources=("first.jsonl",)))
    matches, rows = parts_of(app)["matches"], parts_of(app)["rows"]
    assert np.flatnonzero(np.unpackbits(matches["bits"], bitorder="little")).tolist() == found.tolist()
    assert matches["on"] and matches["count"] == len(found) > 2 and matches["words"] == "question 12"
    ordered = found[np.argsort(pool["tokens"].to_numpy()[found], kind="stable")]
    assert [row["sample"] for row in rows["rows"]] == ordered.tolist()
    columns = {column["name"]: column for column in rows["columns"]}
    assert columns["tokens"]["sorted"] == "ascending" and columns["tokens"]["order"] == "longest"
    assert "step" not in columns, "no walk is shown"
    back = link_of(app, "List in Instructions")
    assert back["search"] == ["question 12"] and back["source"] == ["first.jsonl"]
    assert link_of(app, "Walk on what is found")["only"] == [", ".join(map(str, found))]
    # None found is not the same as nothing searched for.
    nothing = parts_of(open_app(PAGE, search="zzz"))["matches"]
    assert nothing["on"] and nothing["count"] == 0


def test_the_table_holds_the_basket_or_the_walk(open_app, run):
    from g2is.config import walk_preset

    app = open_app(PAGE, preset="recommended", count="30", order_by="step")
    taken = walks.walk(run, walk_preset("recommended", count=30)).samples
    rows = parts_of(app)["rows"]
    assert [row["sample"] for row in rows["rows"]] == taken.tolist() and rows[
        "title"
    ] == "30 taken by the walk"
    place = [column["name"] for column in rows["columns"]].index("step")
    assert [row["values"][place] for row in rows["rows"]] == [str(step + 1) for step in range(30)]
    app.session_state[f"basket of {run.hash}"] = [40, 33]
    app.run()
    rows = parts_of(app)["rows"]
    assert rows["title"] == "2 in the basket" and {row["sample"] for row in rows["rows"]} == {33, 40}


def test_what_a_run_lacks_is_not_offered(open_app, tmp_path, run):
    shutil.copytree(run.folder, tmp_path / "tiny")
    manifest = run.manifest.model_copy(deep=True)
    del manifest.stages["communities"]
    (tmp_path / "tiny" / "manifest.json").write_text(manifest.model_dump_json())
    app = open_app(PAGE, folder=tmp_path)
    assert "Community" not in app.selectbox(key="colour").options
    assert parts_of(app)["colours"]["names"] == []
    del manifest.stages["layout"]
    (tmp_path / "tiny" / "manifest.json").write_text(manifest.model_dump_json())
    assert "stage **layout**" in open_app(PAGE, folder=tmp_path).error[0].value


def test_a_part_keeps_every_bit_and_is_known_by_its_content():
    codes = np.arange(256, dtype=np.uint8)
    places = np.array([0, 65535, 258], np.uint16)
    data = pack("map", "points", {"a": "é"}, codes=codes, places=places)
    part = unpack(data)
    assert (
        np.array_equal(part["codes"], codes) and np.array_equal(part["places"], places) and part["a"] == "é"
    )
    assert unpack(pack("map", "points", {"a": "é"}, codes=codes, places=places))["id"] == part["id"]
    assert unpack(pack("map", "points", {"a": "é"}, codes=codes[::-1], places=places))["id"] != part["id"]


def test_small_readers(run):
    assert read_view("1,2.5,3") == (1, 2.5, 3)
    lines = basket_csv(run, np.array([20, 30])).decode().splitlines()
    assert lines[0].startswith("sample,source,line") and [line.split(",")[0] for line in lines[1:]] == [
        "20",
        "30",
    ]


def test_texts_on_hover_are_short_and_show_every_character(run):
    assert hover_text(run, 40) == "Question 40: how many apples are 40 and 40?\nfirst.jsonl"
    assert "⟨U+202E⟩" in hover_text(run, 2) and "\u202e" not in hover_text(run, 2)
    assert hover_text(run, -1).startswith("Question 20:"), "validation samples count from -1 down"
    for nothing in (POOL, -VALIDATION - 1, "3", None, 1.5):
        assert hover_text(run, nothing) is None


def test_the_path_joins_each_step_to_the_last_of_its_component():
    from g2is.config import walk_preset

    origins = ("anchor", "anchor", "neighbor", "neighbor", "pin", "fallback")
    blank = np.zeros(6, np.float32)
    steps = Steps(
        np.array([4, 7, 1, 8, 2, 5], np.int32),
        np.array([0, 1, 0, 1, -1, 0], np.int32),
        np.array([ORIGINS.index(name) for name in origins], np.uint8),
        *[blank] * 5,
    )
    trace = SimpleNamespace(steps=steps, parameters=walk_preset("official", count=6, bans=(9, 3)))
    part = unpack(walk_part("m", trace))
    assert part["bans"] == [9, 3] and part["meanings"] == origin_meanings(trace.parameters)
    assert part["sample"].tolist() == [4, 7, 1, 8, 2, 5]
    assert part["came_from"].tolist() == [-1, -1, 4, 7, -1, 1]
    assert [part["origins"][origin] for origin in part["origin"]] == list(origins)
    assert unpack(walk_part("m", None))["sample"].size == 0


def test_an_address_of_the_removed_plotly_map_shows_the_map(open_app):
    app = open_app(PAGE, plotly="True")
    assert not app.warning
    assert parts_of(app).keys() == KINDS


# In a browser


def open_map(page, server, more="", link=LINK):
    page.goto(server.url + link + more)
    page.wait_for_selector(".map[data-drawn]", timeout=60_000)
    settle(page)
    return page.locator(".map")


def query(page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def place_of(page, run, sample) -> tuple[float, float]:
    """Where the map, seen as a whole, draws a sample."""
    layout = run.layout("umap", "sgd")
    points = MapPoints.of(layout.samples, layout.validation)
    box = page.locator(".over").bounding_box()
    width, height = points.extent
    scale = min((box["width"] - 40) / width, (box["height"] - 40) / height)
    x, y = points.place(sample).astype(float)
    return (
        box["x"] + box["width"] / 2 + (x - width / 2) * scale,
        box["y"] + box["height"] / 2 - (y - height / 2) * scale,
    )


def draw(page, corners) -> None:
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        page.mouse.move(*corner, steps=3)
    page.mouse.up()


def circle(page, share=0.3) -> list[tuple[float, float]]:
    box = page.locator(".over").bounding_box()
    radius = share * min(box["width"], box["height"])
    angles = [2 * math.pi * corner / 16 for corner in range(16)]
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    return [(middle[0] + radius * math.cos(a), middle[1] + radius * math.sin(a)) for a in angles]


def wait_for(page, name, value):
    """The map is there at once, the URL a moment later."""
    page.wait_for_function(
        "([name, value]) => new URL(location).searchParams.get(name) === value", arg=[name, value]
    )


def pixels(page, canvas=".dots") -> np.ndarray:
    """What a canvas shows: (height, width, 4)."""
    data = page.locator(canvas).evaluate("canvas => canvas.toDataURL('image/png')")
    return np.array(Image.open(BytesIO(b64decode(data.partition(",")[2]))).convert("RGBA"))


def shown_in_full(page, sample) -> bool:
    """Whether the record beside the map is that of a sample."""
    return page.get_by_text(re.compile(rf"^(Sample|Instruction) {sample}\b")).first.is_visible()


def test_a_click_opens_the_sample(page, server, run):
    shown = open_map(page, server, "&path=none&names=False")
    sample = 123
    page.mouse.click(*place_of(page, run, sample))
    wait_for(page, "focus", query(page).get("focus", [str(sample)])[0])
    page.wait_for_selector(".map:not([data-focus=''])")
    focus = int(shown.get_attribute("data-focus"))
    here, there = np.array(place_of(page, run, focus)), np.array(place_of(page, run, sample))
    assert np.hypot(*(here - there)) < 14, "the dot clicked on, or one that covers it"
    wait_for(page, "focus", str(focus))
    settle(page)
    assert shown_in_full(page, focus)


def test_a_click_on_a_star_opens_the_validation_example(page, server, run):
    shown = open_map(page, server, "&path=none&names=False")
    page.mouse.click(*place_of(page, run, -4))
    page.wait_for_selector(".map[data-focus^='-']")
    row = -1 - int(shown.get_attribute("data-focus"))
    here, there = np.array(place_of(page, run, -1 - row)), np.array(place_of(page, run, -4))
    assert np.hypot(*(here - there)) < 7, "the star clicked on, or one that covers it"
    wait_for(page, "example", str(row))
    settle(page)
    assert page.get_by_text(f"Validation example {row}").first.is_visible()
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_selector(".map[data-zoom='1.500']")
    box = page.locator(".over").bounding_box()
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    page.mouse.dblclick(*(middle + 1.5 * (here - middle)))
    settle(page)
    assert shown.get_attribute("data-zoom") == "1.500", "a double click shows all only where nothing is"
    page.locator(".over").press("ArrowRight")
    page.wait_for_selector(".map:not([data-focus^='-'])")
    wait_for(page, "example", None)


def test_hover_shows_text_letter_by_letter(page, server, run):
    open_map(page, server, "&path=none")
    page.mouse.move(*place_of(page, run, 40))
    tip = page.locator(".tip")
    tip.wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some(e => "
        "(e.shadowRoot?.querySelector('.tip .said')?.textContent ?? '…') !== '…')"
    )
    title = tip.locator("b").inner_text()
    row = int(title.split()[-1].replace(",", ""))
    prompts = run.validation["prompt"] if title.startswith("Validation") else run.prompts(range(POOL))
    said = tip.locator(".said").inner_text()
    assert said.split("\n")[0][:40] == " ".join(prompts[row].split())[:40]
    assert tip.locator(".said *").count() == 0


def test_every_way_on_from_the_basket_opens(open_app, run):
    app = open_app("1_Map", preset="recommended")
    app.session_state[f"basket of {run.hash}"] = [30, 31]
    app.run()
    links = {link.proto.label: link.proto for link in app.get("page_link")}
    titles = {"Read them": "Instructions", "Export them": "Export"}
    for label in ("Read them", "Export them", "Pin them", "Ban them", "Walk on these only"):
        other = open_app()
        other.session_state[f"basket of {run.hash}"] = [30, 31]
        page = titles.get(label, "Walk")
        assert links[label].page == page.replace(" ", "_")
        other.switch_page(next(f"pages/{path.name}" for path in (ROOT / "pages").glob(f"*_{page}.py")))
        for name, values in parse_qs(links[label].query_string).items():
            other.query_params[name] = values
        other.run()
        assert not other.exception and not other.error, label
        assert page == "Walk" or other.title[0].value == page  # the Walk page needs all of its height


def test_a_lasso_fills_the_basket_and_it_stays_on_other_pages(page, server, run):
    shown = open_map(page, server, "&path=none&names=False")
    before = pixels(page)
    page.get_by_role("radio", name="Lasso").click()
    draw(page, circle(page))
    page.wait_for_selector(".map:not([data-selected='0'])")
    settle(page)
    count = int(shown.get_attribute("data-selected"))
    layout = run.layout("umap", "sgd")
    points = MapPoints.of(layout.samples, layout.validation)
    box = page.locator(".over").bounding_box()
    scale = min((box["width"] - 40) / points.extent[0], (box["height"] - 40) / points.extent[1])
    radius = 0.3 * min(box["width"], box["height"]) / scale
    away = np.hypot(*(points.samples[points.placed] - np.array(points.extent) / 2).T)
    assert (away < 0.97 * radius).sum() <= count <= (away < 1.01 * radius).sum()
    assert page.get_by_text(f"{count} instructions").first.is_visible()

    # Each in a frame of the page's main colour; all others as they were.
    after = pixels(page)
    framed = (np.abs(after[..., :3].astype(int) - [0x00, 0x72, 0xB2]) < 8).all(axis=2)
    assert framed.sum() > 6 * count
    box = np.argwhere(framed)
    outside = np.ones(framed.shape, bool)
    outside[box[:, 0].min() : box[:, 0].max() + 1, box[:, 1].min() : box[:, 1].max() + 1] = False
    assert np.array_equal(before[outside], after[outside]) and (before[~outside] != after[~outside]).any()

    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Instructions").click()
    page.wait_for_url("**/Instructions**")
    settle(page)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Map").click()
    page.wait_for_url("**/Map**")
    page.wait_for_selector(f".map[data-selected='{count}']")
    settle(page)
    page.get_by_role("link", name="Pin them").click()
    page.wait_for_url("**/Walk**")
    assert len(query(page)["pins"][0].split(",")) == count


def test_add_and_remove_with_a_box_then_escape_and_back(page, server):
    shown = open_map(page, server)
    page.get_by_role("radio", name="Box").click()
    box = page.locator(".over").bounding_box()
    left, top, width, height = box["x"], box["y"], box["width"], box["height"]

    def drag(x1, x2):
        page.mouse.move(left + x1 * width, top + 2)
        page.mouse.down()
        page.mouse.move(left + x2 * width, top + height - 2, steps=4)
        page.mouse.up()

    def selected():
        settle(page)
        return int(shown.get_attribute("data-selected"))

    drag(0.01, 0.5)
    page.wait_for_selector(".map:not([data-selected='0'])")
    half = selected()
    how = page.get_by_label("What a lasso or a box does with the basket")
    how.select_option("add")
    drag(0.4, 0.99)
    page.wait_for_selector(f".map:not([data-selected='{half}'])")
    whole = selected()
    assert half < whole == POOL - 1, "all that have a place, each once"
    how.select_option("remove")
    drag(0.01, 0.5)
    page.wait_for_selector(f".map:not([data-selected='{whole}'])")
    assert selected() == whole - half
    page.locator(".over").focus()
    page.keyboard.press("Escape")
    page.wait_for_selector(".map[data-selected='0']")
    settle(page)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_selector(f".map[data-selected='{whole - half}']")


def test_arrows_go_from_dot_to_dot(page, server, run):
    shown = open_map(page, server, "&focus=60")
    layout = run.layout("umap", "sgd")
    points = MapPoints.of(layout.samples, layout.validation)
    page.locator(".over").focus()
    here = 60
    for key, ahead in (
        ("ArrowRight", (1, 0)),
        ("ArrowUp", (0, 1)),
        ("ArrowLeft", (-1, 0)),
        ("ArrowDown", (0, -1)),
    ):
        page.keyboard.press(key)
        there = int(shown.get_attribute("data-focus"))
        away = points.samples[there].astype(int) - points.samples[here]
        assert there != here and away @ ahead > 0 and abs(away @ ahead[::-1]) <= away @ ahead
        here = there
    wait_for(page, "focus", str(here))
    settle(page)
    assert shown_in_full(page, here)
    assert f"Instruction {here}." in page.locator(".status").text_content()
    page.locator(".over").press("ArrowRight")
    wait_for(page, "focus", shown.get_attribute("data-focus"))
    settle(page)
    page.go_back()
    page.wait_for_selector(f".map[data-focus='{here}']")
    page.locator(".over").focus()
    page.keyboard.press("Escape")
    wait_for(page, "focus", None)
    assert shown.get_attribute("data-focus") == ""


def test_recolouring_keeps_the_zoom(page, server):
    shown = open_map(page, server)
    box = page.locator(".over").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.wheel(0, -600)
    page.wait_for_function("() => new URL(location).searchParams.get('view')")
    zoom = float(shown.get_attribute("data-zoom"))
    assert zoom > 1.5
    before = pixels(page)
    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("option", name="Loss").click()
    page.wait_for_selector(".map[data-scheme='loss']")
    settle(page)
    assert float(shown.get_attribute("data-zoom")) == zoom
    assert page.locator(".ramp").is_visible() and page.get_by_text("nats a token").is_visible()
    after = pixels(page)
    ink = [np.abs(picture.astype(int) - picture[0, 0]).sum(axis=2) > 60 for picture in (before, after)]
    assert (ink[0] == ink[1]).mean() > 0.98, "every dot is where it was"
    assert np.abs(before.astype(int) - after).sum() > 0
    # A link shows the same part of the plane; a double click beside the dots all of it.
    view = query(page)["view"]
    page.reload()
    page.wait_for_selector(".map[data-drawn]")
    settle(page)
    assert (
        float(shown.get_attribute("data-zoom")) == pytest.approx(zoom, rel=1e-3)
        and query(page)["view"] == view
    )
    page.locator(".over").dblclick(position={"x": 5, "y": 5})
    page.wait_for_selector(".map[data-zoom='1.000']")
    wait_for(page, "view", None)


def test_a_category_of_the_legend_can_be_seen_alone(page, server):
    open_map(page, server, "&path=none")
    before = pixels(page)
    page.get_by_role("button", name="first.jsonl 125").click()
    page.wait_for_timeout(300)
    after = pixels(page)
    coloured = [(np.ptp(picture[..., :3].astype(int), axis=2) > 40).sum() for picture in (before, after)]
    assert 0 < coloured[1] < 0.8 * coloured[0]
    wait_for(page, "shown", "0")
    page.get_by_role("button", name="Isolate").click()
    wait_for(page, "isolated", "True")
    # A link shows the same; Escape all again.
    page.reload()
    page.wait_for_selector(".map[data-alone='true']")
    assert page.locator(".legend [aria-pressed='true']").inner_text().startswith("first.jsonl")
    page.locator(".over").press("Escape")
    page.wait_for_selector(".map[data-alone='false']")
    wait_for(page, "shown", None)
    wait_for(page, "isolated", None)


def test_search_table_and_isolation(page, server, run):
    found = matching(run, Filter(text="question 12"))
    shown = open_map(page, server, "&names=False")
    before, marked = pixels(page), (pixels(page, ".over")[..., 3] > 0).sum()
    assert "validation example" in page.locator(".map .legend").inner_text()
    page.locator(".map .find").press("ControlOrMeta+a")
    page.keyboard.type("question 12")
    page.keyboard.press("Enter")
    page.wait_for_selector(f".map[data-found='{len(found)}'][data-focus='{found[0]}']")
    wait_for(page, "focus", str(found[0]))
    settle(page)
    assert page.locator(".map .found").inner_text() == f"{len(found)} found"
    assert query(page)["search"] == ["question 12"] and query(page)["focus"] == [str(found[0])]
    coloured = [(np.ptp(p[..., :3].astype(int), axis=2) > 40).sum() for p in (before, pixels(page))]
    assert coloured[1] < 0.5 * coloured[0], "the others are grey"
    page.locator(".map .find").press("Enter")
    page.wait_for_selector(f".map[data-focus='{found[1]}']")
    for name, there in (("Previous", found[0]), ("Previous", found[-1]), ("Next", found[0])):
        page.get_by_role("button", name=f"{name} one found").click()
        page.wait_for_selector(f".map[data-focus='{there}']")
    settle(page)

    # A row and its dot are pointed at and opened together.
    rows = page.locator(".map tbody tr")
    assert [
        int(row) for row in rows.evaluate_all("rows => rows.map(row => row.dataset.sample)")
    ] == found.tolist()
    assert rows.first.get_attribute("class") == "focused"
    rows.nth(2).hover()
    assert page.locator(".map .tip b").inner_text() == f"Instruction {found[2]}"
    page.locator(".over").scroll_into_view_if_needed()
    for sample in found.tolist():  # another dot, or a star, may cover one
        page.mouse.move(*place_of(page, run, sample))
        if page.locator(f".map tr.pointed[data-sample='{sample}']").count():
            break
    else:
        raise AssertionError("no dot marks its row")
    rows.nth(3).click()
    wait_for(page, "focus", str(found[3]))
    settle(page)
    by_length = in_order(found, "longest", run.instructions, None)
    page.get_by_role("button", name="Sort by Tokens").or_(
        page.locator(".sort", has_text="Tokens")
    ).first.click()
    page.wait_for_selector(f".map tbody tr:first-child[data-sample='{by_length[0]}']")
    wait_for(page, "order_by", "longest")

    # Alone, they fill the map; again, all are back where they were.
    page.get_by_role("button", name="Isolate").click()
    page.wait_for_selector(".map[data-alone='true']")
    assert float(shown.get_attribute("data-zoom")) != 1
    grey = np.ptp(pixels(page)[..., :3].astype(int), axis=2) < 12
    assert (pixels(page)[grey][:, :3] < 230).mean() < 0.01, "no pale dots"
    # Nor is anything of the others to be seen, pointed at, or drawn around.
    assert "validation example" not in page.locator(".map .legend").inner_text()
    assert (pixels(page, ".over")[..., 3] > 0).sum() < 0.3 * marked, "stars, and the walk"
    page.get_by_role("radio", name="Box").click()
    box = page.locator(".over").bounding_box()
    inside = [
        (box["x"] + x * box["width"], box["y"] + y * box["height"])
        for x in (0.01, 0.99)
        for y in (0.01, 0.99)
    ]
    page.mouse.move(*inside[0])
    page.mouse.down()
    page.mouse.move(*inside[3], steps=3)
    page.mouse.up()
    page.wait_for_selector(f".map[data-selected='{len(found)}']")
    settle(page)
    page.get_by_role("button", name="Undo").first.click()
    page.wait_for_selector(".map[data-selected='0']")
    page.get_by_role("radio", name="Move").click()
    page.get_by_role("button", name="Isolate").click()
    page.wait_for_selector(".map[data-alone='false'][data-zoom='1.000']")
    page.get_by_role("link", name="List in Instructions").click()
    page.wait_for_url("**/Instructions**")
    settle(page)
    page.get_by_text(f"{len(found)} of {POOL} instructions").first.wait_for()
    page.get_by_role("link", name="Show on the map").first.click()
    page.wait_for_url("**/Map**")
    page.wait_for_selector(f".map[data-found='{len(found)}']")


def test_a_name_stands_at_one_of_those_that_have_it(open_app, run):
    """So that it is seen with them alone, and not with others."""
    membership = run.communities("sgd").membership
    labels = [", ".join(label.split(", ")[:3]) for label in run.communities("sgd").labels]
    names = parts_of(open_app(PAGE))["colours"]["names"]
    assert names
    for name in names:
        assert labels[membership[name["sample"]]] == name["text"]


def test_every_category_can_be_found_in_the_legend_and_seen_alone(page, server):
    open_map(page, server, "&path=none&names=False&colour=component")
    legend = page.locator(".legend")
    assert legend.locator(".entry[data-code]:not(.more)").count() == COLOURED
    legend.locator(".more").click()
    assert legend.locator(".found-categories .entry").count() == VALIDATION
    last = legend.locator(".found-categories .named").last.inner_text()
    legend.get_by_role("searchbox", name="Find a category").fill(last.upper())
    assert legend.locator(".found-categories .entry").count() == 1
    before = pixels(page)
    legend.locator(".found-categories .entry").click()
    picked = legend.locator(".entry[aria-pressed='true']")
    assert picked.count() == 2, "in the list and in the line"
    page.wait_for_timeout(200)
    after = pixels(page)
    brown, blue = (
        [
            (np.abs(picture[..., :3].astype(int) - colour) < 40).all(axis=2).sum()
            for picture in (before, after)
        ]
        for colour in ([0x7A, 0x45, 0x22], [0x00, 0x72, 0xB2])
    )
    assert brown[0] > 10 > brown[1] and blue[1] > 10, "a colour of its own instead of the common one"
    legend.get_by_role("button", name="Show all").click()
    assert picked.count() == 0


def test_dark_mode_is_read_from_the_page(new_page, server):
    pictures = {}
    for scheme in ("light", "dark"):
        page = new_page(color_scheme=scheme)
        open_map(page, server, "&path=none")
        pictures[scheme] = pixels(page)
    corner = {scheme: picture[0, 0, :3].tolist() for scheme, picture in pictures.items()}
    assert corner == {"light": [255, 255, 255], "dark": [18, 23, 29]}
    bright = {scheme: picture[..., :3].mean() for scheme, picture in pictures.items()}
    assert bright["light"] > 200 > 80 > bright["dark"]


@pytest.mark.parametrize("scale", [1, 3])
def test_fits_a_phone_and_a_touch_opens_a_sample(new_page, server, run, scale):
    page = new_page(has_touch=True, device_scale_factor=scale)
    page.set_viewport_size({"width": 420, "height": 900})
    shown = open_map(page, server)
    box = shown.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 420
    inside = "map => [...map.querySelectorAll('*')].every(e => e.getBoundingClientRect().right <= 421)"
    assert shown.evaluate(inside)
    assert pixels(page).shape[1] == round(page.locator(".over").bounding_box()["width"] * scale)
    page.locator(".over").scroll_into_view_if_needed()
    page.touchscreen.tap(*place_of(page, run, 60))
    page.wait_for_selector(".map:not([data-focus=''])")


def test_the_legend_lists_what_there_is_and_the_picture_can_be_saved(page, server, run, tmp_path):
    from g2is.config import walk_preset

    open_map(page, server, "&colour=loss")
    origins = {
        ORIGINS[origin] for origin in walks.walk(run, walk_preset("recommended", count=40)).steps.origin
    }
    said = page.locator(".legend").inner_text()
    words = origin_meanings(walk_preset("recommended", count=40))
    assert {origin for origin, word in words.items() if word in said} == origins
    with page.expect_download() as download:
        page.get_by_role("button", name="↓ PNG").click()
    path = tmp_path / "map.png"
    download.value.save_as(path)
    assert download.value.suggested_filename == "map-loss.png"
    picture = np.array(Image.open(path).convert("RGB"))
    legend = picture[round(page.locator(".stage").bounding_box()["height"]) :]
    anchor = (np.abs(legend.astype(int) - [0xE6, 0x9F, 0x00]) < 4).all(axis=2)
    assert picture.std() > 5 and anchor.sum() > 20, "the legend tells what anchors are"


@pytest.fixture(scope="module")
def large(cache: Path, tmp_path_factory):
    from g2is.run.run import Run

    folder = tmp_path_factory.mktemp("large")
    make_large_run(folder / "large", Run.open(cache / "tiny"), LARGE)
    server = Server(folder)
    yield server
    server.stop()


@pytest.mark.slow
def test_270_000_samples_stay_within_the_budget(page, large):
    sent = {"down": 0, "up": 0}

    def count(way):
        return lambda data: sent.__setitem__(way, sent[way] + len(data))

    def taken() -> tuple[int, int]:
        was = sent["down"], sent["up"]
        sent.update(down=0, up=0)
        return was

    page.on(
        "websocket",
        lambda socket: (socket.on("framereceived", count("down")), socket.on("framesent", count("up"))),
    )
    shown = open_map(page, large, link="/Map?run=large&path=none")
    down, up = taken()
    assert 4 * LARGE < down < DOWN and up < UP

    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("option", name="Loss").click()
    page.wait_for_selector(".map[data-scheme='loss']")
    settle(page)
    down, up = taken()
    assert LARGE < down < 1.2 * LARGE and up < UP, "another colour sends the colours alone"

    page.keyboard.down("Shift")
    draw(page, circle(page))
    page.keyboard.up("Shift")
    page.wait_for_selector(".map:not([data-selected='0'])")
    settle(page)
    down, up = taken()
    assert int(shown.get_attribute("data-selected")) > 10_000
    assert down < 200_000 and up < 10_000, "a lasso sends its outline up, and one bit a sample comes back"

    page.locator(".over").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => new URL(location).searchParams.get('focus')")
    settle(page)
    down, up = taken()
    assert down < 200_000 and up < 10_000
