"""The Neighbourhood page: the graph, its table, the way here, the path and the leaks."""

import json
import os
import shutil
import signal

import numpy as np
import pytest
from playwright.sync_api import expect

from g2is.analysis import walks
from g2is.analysis.neighbourhood import ego_of, strongest_path
from g2is.config import walk_preset
from g2is.run.parts import record
from g2is.run.paths import LABELS
from g2is.storage.files import write_array, write_bytes
from tests.app.conftest import settle
from tests.app.test_map_page import unpack
from tests.app.tiny_run import HOSTILE, INVALID, make_run

PAGE = "2_Neighbourhood"
LINK = {"preset": "recommended", "count": "60"}
SETTINGS = walk_preset("recommended", count=60)


def nodes(app):
    return next(frame.value for frame in app.dataframe if "what" in frame.value)


def sent(app):
    """What the canvas shows."""
    parts = [element.proto for element in app.get("bidi_component")]
    return next(unpack(proto.bytes) for proto in parts if proto.component_name == "g2is_part")


def button(app, label):
    return next(button for button in app.button if button.label == label)


def test_the_table_is_the_ego_graph(open_app, run):
    for more in ({}, {"hops": 2, "most": 100}, {"floor": 0.4}):
        app = open_app(PAGE, **LINK, focus="22", **{name: str(value) for name, value in more.items()})
        ego = ego_of(run, "sgd", 22, **{"most": 60, **more}, knowledge=SETTINGS)
        assert nodes(app)["number"].tolist() == ego.nodes["id"].tolist()
        assert nodes(app)["cosine"].to_numpy() == pytest.approx(ego.nodes["cosine"].to_numpy())
        shown = f"Showing **{len(ego)} of {ego.total}**"
        assert any(text.value.startswith(shown) for text in app.markdown)
        assert not app.warning
        part = sent(app)
        assert part["row"].tolist() == ego.nodes["id"].tolist() and part["focus"] == 22


def test_without_a_focus_it_begins_near_the_core_knowledge(open_app, run):
    app = open_app(PAGE, **LINK)
    affinities = np.where(run.valid, walks.affinities(run, SETTINGS)[:, 0], -9)
    assert nodes(app)["number"].iloc[0] == affinities.argmax()


def test_search_by_number_and_by_words(open_app):
    app = open_app(PAGE, **LINK, focus="22")
    app.text_input(key="search instruction").set_value("#30").run()
    assert (app.query_params["focus"], app.query_params["trail"]) == ("30", "22,30")
    assert app.text_input(key="search instruction").value == ""
    app.text_input(key="search instruction").set_value("QUESTION 123:").run()
    app.selectbox(key="search instruction found").set_value(123).run()
    assert (app.query_params["focus"], app.query_params["trail"]) == ("123", "22,30,123")
    app.text_input(key="search instruction").set_value("9999").run()
    assert "There is no instruction `9999`" in app.warning[0].value
    app.text_input(key="search instruction").set_value("no such words").run()
    assert "No instruction contains `no such words`" in app.warning[0].value


def test_an_example_that_is_a_component_is_shown_once(open_app):
    app = open_app(PAGE, **LINK, focus="22")
    assert not nodes(app)["what"].str.contains("direction").any()
    app = open_app(PAGE, **LINK, focus="22", facets_by="number", facets="4")
    assert nodes(app)["what"].str.contains("direction").any()


def test_the_trail_leads_back(open_app):
    app = open_app(PAGE, **LINK, focus="30", trail="22,25,30", node="validation-3")
    app.button(key="trail 1").click().run()
    assert (app.query_params["focus"], app.query_params["trail"]) == ("25", "22,25")
    assert "node" not in app.query_params
    app.button(key="trail 0").click().run()
    assert app.query_params["focus"] == "22" and "trail" not in app.query_params
    app = open_app(PAGE, **LINK, focus="40", trail="22,25")
    assert [b.label for b in app.button if b.key and b.key.startswith("trail")] == ["22", "25"]
    app = open_app(PAGE, **LINK, focus="40", trail="22;25")
    assert "trail=22;25" in app.warning[0].value


def test_a_chosen_node_is_shown_beside_the_focus(open_app, run):
    ego = ego_of(run, "sgd", 22, knowledge=SETTINGS)
    example = int(ego.nodes[ego.nodes["kind"] == "validation"]["id"].iloc[0])
    app = open_app(PAGE, **LINK, focus="22", node=f"validation-{example}")
    assert any(text.value.startswith(f"## Validation example {example} ·") for text in app.markdown)
    assert any(text.value.startswith(run.validation["prompt"].iloc[example]) for text in app.code)
    button(app, "Close").click().run()
    assert "node" not in app.query_params
    neighbour = int(run.regime("sgd").neighbors[22][0])
    app = open_app(PAGE, **LINK, focus="22", node=f"train-{neighbour}")
    button(app, "Go there").click().run()
    assert app.query_params["focus"] == str(neighbour)


def test_a_community_filters_graph_and_search(open_app, run):
    communities = run.communities("sgd")
    own = int(communities.membership[22])
    app = open_app(PAGE, **LINK, focus="22")
    assert sent(app)["notes"]["22"].startswith(f"community {own}: {communities.labels[own]}, ")
    app.selectbox(key="community").set_value(str(own)).run()
    shown = nodes(app)
    train = shown[shown["what"].str.contains("similar|conflict")]["number"]
    assert set(communities.membership[train]) == {own}
    ego = ego_of(run, "sgd", 22, knowledge=SETTINGS, members=communities.membership == own)
    assert shown["number"].tolist() == ego.nodes["id"].tolist()
    outside = int(np.flatnonzero((communities.membership != own) & (communities.membership >= 0))[-1])
    app.text_input(key="search instruction").set_value(f"question {outside}:").run()
    assert "No instruction contains" in app.warning[0].value


def test_communities_are_called_the_same_whatever_is_in_focus(open_app):
    """The browser sends the label that it was shown, perhaps with another sample in focus."""
    boxes = [open_app(PAGE, **LINK, focus=focus).selectbox(key="community") for focus in ("22", "30")]
    assert boxes[0].options == boxes[1].options


def test_another_regime_has_other_communities(open_app, run, tmp_path):
    two = tmp_path / "two"
    shutil.copytree(run.folder, two)
    shutil.copytree(two / "sgd", two / "adam")
    manifest = json.loads((two / "manifest.json").read_text())
    manifest["configuration"]["gradients"]["regimes"] = ["sgd", "adam"]
    for stage in manifest["stages"].values():
        for part in ("files", "found"):
            of_sgd = {name: told for name, told in stage[part].items() if name.startswith("sgd")}
            stage[part] |= {name.replace("sgd", "adam"): told for name, told in of_sgd.items()}
    (two / "manifest.json").write_text(json.dumps(manifest))
    app = open_app(PAGE, folder=tmp_path, **LINK, focus="22", community="1")
    app.selectbox(key="graph_regime").set_value("adam").run()
    assert not app.exception and app.query_params["graph_regime"] == "adam"
    assert "community" not in app.query_params and app.selectbox(key="community").value == ""


def test_the_strongest_path_is_a_chain(open_app, run):
    assert sent(open_app(PAGE, **LINK, focus="100"))["path"] is None
    app = open_app(PAGE, **LINK, focus="100", path="True")
    path = strongest_path(run, "sgd", 100, SETTINGS)
    assert [b.label for b in app.button if b.key and b.key.startswith("path")] == list(map(str, path.samples))
    weakest = [text.value for text in app.caption if "the weakest edge" in text.value]
    assert any(f"cosine {path.strength:.3g}" in text for text in weakest)
    part = sent(app)
    assert part["pathText"].startswith(f"{len(path)} edge") and f"of {path.strength:.3g}." in part["pathText"]
    shown = nodes(app)
    example = int(walks.core_knowledge(run, SETTINGS).loadings[path.component].argmax())
    ends = {*path.samples.tolist()} & set(shown["number"][~shown["what"].str.contains("validation")])
    count = len(ends) + (example in set(shown["number"][shown["what"].str.contains("validation")]))
    assert f"{count} of its {len(path) + 1} nodes are here" in part["pathText"]
    assert sum(node is not None for node in part["path"]) == count and part["path"][0] == 100
    if len(path) > 1:
        app.button(key="path 1").click().run()
        assert app.query_params["focus"] == str(path.samples[1])


def test_leaks_are_flagged_and_banned_at_once(open_app, run):
    app = open_app(PAGE, **LINK, focus="22", bans="3")
    assert "near-copy of validation example 2" in sent(app)["warnings"]["22"] and 22 in sent(app)["leaks"]
    leaks = run.leaks["sample"].tolist()
    button(app, f"Ban all {len(leaks)}").click().run()
    assert app.query_params["bans"] == ", ".join(map(str, [3, *leaks]))
    shown = next(frame.value for frame in app.dataframe if "banned" in frame.value)
    assert shown["banned"].all() and shown["sample"].tolist() == leaks
    app.switch_page("pages/4_Walk.py").run()
    assert not set(leaks) & set(app.session_state["walked"].trace.samples.tolist())
    app = open_app(PAGE, **LINK, focus="22", bans=", ".join(map(str, [3, *leaks])))
    button(app, "Allow them again").click().run()
    assert app.query_params["bans"] == "3"


def test_a_leak_is_shown_beside_its_example(open_app, run):
    app = open_app(PAGE, **LINK, focus="100")
    assert any(text.value.startswith("Choose a row to read the instruction") for text in app.caption)
    app = open_app(PAGE, **LINK, focus="22")
    titles = [text.value for text in app.markdown]
    assert "**Instruction 22, now in focus above**" in titles and "**Validation example 2**" in titles
    pool, example = run.record(22), run.validation.iloc[2]
    pair = [f"{row['prompt']}\n\n→ {row['response']}" for row in (pool, example)]
    assert [code.value for code in app.code][-2:] == pair


def test_banning_all_leaks_unpins_them(open_app, run):
    leaks = run.leaks["sample"].tolist()
    app = open_app(PAGE, **LINK, focus="22", pins=f"3, {leaks[0]}")
    button(app, f"Ban all {len(leaks)}").click().run()
    assert app.query_params["bans"] == ", ".join(map(str, leaks))
    assert app.query_params["pins"] == "3"


def test_home_counts_the_leaks(open_app, run):
    app = open_app()
    assert f"**{len(run.leaks)} possible leaks**" in app.warning[0].value


def test_a_sample_without_a_gradient_is_reported(open_app):
    app = open_app(PAGE, **LINK, focus=str(INVALID))
    assert "no gradient" in app.warning[0].value
    assert any(text.value.startswith(f"**Instruction {INVALID}**") for text in app.markdown)


# In a browser


def open_page(page, server, more=""):
    page.goto(f"{server.url}/Neighbourhood?run=tiny&preset=recommended&count=60&focus=22{more}")
    page.wait_for_selector(".hood[data-focus]", timeout=60_000)
    settle(page)
    return page.locator(".hood")


def place_of(page, key):
    """Where a node is in the window."""
    canvas = page.locator(".hood canvas.nodes")
    left, top = next(at for node, *at in canvas.evaluate("canvas => canvas.places()") if node == key)
    box = canvas.bounding_box()
    return box["x"] + left, box["y"] + top


def wait_for_focus(page, sample):
    page.wait_for_selector(f".hood[data-focus='{sample}']")
    page.wait_for_function(
        "sample => new URL(location).searchParams.get('focus') === sample", arg=str(sample)
    )
    settle(page)


def test_the_graph_with_both_texts_is_above_the_fold(page, server, run):
    """One page, walked through: pointer, keys, the trail, the path, the table."""
    page.set_viewport_size({"width": 1280, "height": 720})
    hood = open_page(page, server)
    box = hood.bounding_box()
    assert box["y"] + box["height"] <= 720 and box["height"] > 0.75 * 720
    nodes = ego_of(run, "sgd", 22, knowledge=SETTINGS).nodes
    neighbour, example = int(nodes["id"][4]), int(nodes["id"][nodes["kind"] == "validation"].iloc[0])

    # The pointer: the text of what it is at, without the server; a click on an example keeps it.
    focus, other = hood.locator("article.focus"), hood.locator("article.other")
    expect(focus).to_contain_text(run.prompts([22])[0])
    expect(focus).to_contain_text("possible leak: a near-copy of validation example 2")
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        page.mouse.move(*place_of(page, neighbour))
        expect(other).to_contain_text(run.prompts([neighbour])[0])
        page.mouse.move(*place_of(page, -1 - example))
        expect(other).to_contain_text(run.validation["prompt"].iloc[example])
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    page.mouse.click(*place_of(page, -1 - example))
    page.wait_for_url(f"**node=validation-{example}**")
    page.mouse.move(5, 300)
    expect(other).to_contain_text(f"Validation example {example}")
    other.get_by_role("button", name="Close").click()
    page.wait_for_function("() => !new URL(location).searchParams.has('node')")
    expect(other).to_contain_text("Point at a node")

    # A click goes there, Backspace back; so does the browser.
    page.mouse.click(*place_of(page, neighbour))
    wait_for_focus(page, neighbour)
    assert f"trail=22%2C{neighbour}" in page.url
    hood.locator("canvas.nodes").focus()
    page.keyboard.press("Backspace")
    wait_for_focus(page, 22)
    page.go_back()
    wait_for_focus(page, neighbour)
    page.get_by_role("button", name="22", exact=True).click()
    wait_for_focus(page, 22)

    # Keys alone.
    page.evaluate("document.activeElement.blur()")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    third = int(nodes["id"][3])
    expect(other).to_contain_text(f"Instruction {third}")
    expect(hood.locator("[aria-live]")).to_contain_text(f"Instruction {third}. ")
    page.keyboard.press("Enter")
    wait_for_focus(page, third)

    # The path is switched on beside where it is drawn.
    hood.get_by_role("button", name="Path to core knowledge").click()
    expect(hood.locator(".found")).to_contain_text("the weakest, from #")
    assert "path=True" in page.url
    expect(hood.get_by_role("button", name="Path to core knowledge")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_a_row_of_the_table_is_marked_in_the_graph(page, server, run):
    hood = open_page(page, server)
    rows = page.locator(".st-key-ego-table").get_by_test_id("stDataFrame")
    rows.scroll_into_view_if_needed()
    rows.click(position={"x": 18, "y": 36 + 35 * 3 + 17})
    sample = int(ego_of(run, "sgd", 22, knowledge=SETTINGS).nodes["id"][3])
    page.wait_for_url(f"**node=train-{sample}**")
    expect(hood.locator("article.other")).to_contain_text(f"Instruction {sample}")
    expect(page.get_by_role("heading", name=f"Instruction {sample} ·")).to_be_visible()
    page.locator(".st-key-go-there button").click()
    wait_for_focus(page, sample)


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_fits_a_phone_and_fetches_nothing(server, new_page, scheme):
    """`new_page` fails at its end if anything was asked from another machine; sample 1 has links and images."""
    page = new_page(color_scheme=scheme)
    page.set_viewport_size({"width": 420, "height": 900})
    page.goto(f"{server.url}/Neighbourhood?run=tiny&preset=recommended&focus=1&trail=0,2,3,1&path=True")
    expect(page.locator(".hood .focus .prompt")).to_have_text(HOSTILE[1], timeout=60_000)
    expect(page.locator('[data-testid="stCode"] code').first).to_have_text(HOSTILE[1])
    assert page.locator('[data-testid="stMain"] img').count() == 0
    main = page.get_by_test_id("stMain")
    assert main.evaluate("part => part.scrollWidth <= part.clientWidth + 1")


def test_communities_computed_again_are_shown(open_app, tmp_path):
    run = make_run(tmp_path / "tiny")
    assert nodes(open_app(PAGE, folder=tmp_path, **LINK, focus="22"))["community"].iloc[0] != "0: all alike"
    stage = run.manifest.stages["communities"]
    write_array(run.folder / "sgd" / "communities.npy", np.where(run.valid, 0, -1).astype(np.int32))
    write_bytes(run.folder / "sgd" / LABELS, json.dumps(["all alike"]).encode())
    files = {name: record(run.folder / name) for name in stage.files}
    run.manifest.stages["communities"] = stage.model_copy(update={"files": files})
    run.manifest.write(run.folder)
    shown = nodes(open_app(PAGE, folder=tmp_path, **LINK, focus="22"))
    assert set(shown["community"][shown["what"].str.contains("similar|focus")]) == {"0: all alike"}
