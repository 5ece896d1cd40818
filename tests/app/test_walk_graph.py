"""The graph beside the map of the walk, in a real browser."""

import os
import signal

import numpy as np
from playwright.sync_api import expect

from g2is.analysis import walks
from g2is.analysis.map_values import scheme_title, schemes
from g2is.analysis.step_graphs import step_graph
from g2is.config import walk_preset
from tests.app.conftest import settle
from tests.app.test_walk_screen import open_walk, wait_for_step

GRAPH = ".stage[data-stage=graph]"


def place_of(page, key):
    """Where a node is in the window."""
    canvas = page.locator("canvas.nodes")
    left, top = next(at for node, *at in canvas.evaluate("canvas => canvas.places()") if node == key)
    box = canvas.bounding_box()
    return box["x"] + left, box["y"] + top


def test_the_graph_of_the_step_beside_the_map(page, server, run):
    """One page, walked through: keys, hover, focus and back, without the server where it has to be."""
    page.set_viewport_size({"width": 1280, "height": 720})
    screen = open_walk(page, server)
    trace = walks.walk(run, walk_preset("recommended", count=40))
    samples, graph = trace.samples.tolist(), screen.locator(GRAPH)
    expect(graph).to_be_hidden()
    page.keyboard.press("g")
    expect(graph).to_have_attribute("data-focus", str(samples[0]))
    expect(screen.locator(".stage[data-stage=map]")).to_be_hidden()
    page.wait_for_function("() => new URL(location).searchParams.get('picture') === 'graph'")
    settle(page)

    # What comes next is here already.
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        for step in range(1, 17):
            page.keyboard.press("ArrowRight")
            assert graph.get_attribute("data-focus") == str(samples[step])
        for _ in range(3):
            page.keyboard.press("End")
        assert graph.get_attribute("data-focus") == ""
        expect(graph.locator(".message")).to_have_text(f"The neighbourhood of #{samples[39]} is on its way …")
        page.keyboard.press("Home")
        for _ in range(2):
            page.keyboard.press("ArrowRight")
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    settle(page)

    # Row, card, node: pointing at one marks the others.
    ego = step_graph(run, trace, 2).ego
    node = int(ego.nodes["id"].iloc[3])
    page.mouse.move(*place_of(page, samples[2]))
    expect(screen.locator(f".row.hovered[data-sample='{samples[2]}']")).to_have_count(1)
    expect(screen.locator(f".card.hovered[data-sample='{samples[2]}']")).to_have_count(1)
    screen.locator(f".card[data-sample='{samples[2]}']").hover()
    expect(graph).to_have_attribute("data-hovered", str(samples[2]))
    page.mouse.move(5, 5)

    # A click brings a node into focus, with its text and why it is in or not; Backspace goes back one by one.
    page.mouse.click(*place_of(page, node))
    expect(graph).to_have_attribute("data-focus", str(node))
    expect(screen.locator("article.taken h2")).to_contain_text(f"#{node}")
    expect(screen.locator("article.taken .prompt")).to_have_text(run.prompts([node])[0])
    expect(screen.locator(".reason .why")).not_to_have_text("…")
    settle(page)
    page.evaluate("document.activeElement.blur()")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    second = int(graph.get_attribute("data-hovered"))
    expect(screen.locator(".status")).to_contain_text(f"#{second}")
    page.keyboard.press("Enter")
    expect(graph).to_have_attribute("data-focus", str(second))
    expect(graph.locator(".tip")).to_be_hidden()
    settle(page)
    assert f"focus={second}" in page.url
    example = int(np.argmax(walks.core_knowledge(run, trace.parameters).loadings[trace.steps.component[2]]))
    page.keyboard.press("Backspace")
    expect(graph).to_have_attribute("data-focus", str(node))
    page.keyboard.press("Backspace")
    expect(graph).to_have_attribute("data-focus", str(samples[2]))
    assert screen.get_attribute("data-step") == "2" and screen.get_attribute("data-asked") == ""
    page.wait_for_function("() => !new URL(location).searchParams.has('focus')")

    # An example of the graph is read in place of the one asked for.
    other = next(
        int(row) for row in ego.nodes["id"][ego.nodes["kind"] == "validation"] if int(row) != example
    )
    page.mouse.click(*place_of(page, -1 - other))
    expect(screen.locator("article.example h2")).to_contain_text(f"Example {other}")
    page.keyboard.press("Backspace")
    expect(screen.locator("article.example h2")).to_contain_text(f"Example {example} asks")

    page.keyboard.press("m")
    expect(graph).to_be_hidden()
    expect(screen.locator("canvas.over")).to_be_visible()
    page.wait_for_function("() => !new URL(location).searchParams.has('picture')")
    page.keyboard.press("?")
    for key in ("M, G", "Backspace", "Enter", "Home, End", "Space", "P", "B", "/"):
        expect(screen.locator(".help dt", has_text=key).first).to_be_visible()


def test_the_graph_on_a_phone_and_by_a_link(new_page, server, run):
    page = new_page()
    page.set_viewport_size({"width": 420, "height": 900})
    screen = open_walk(page, server, "&picture=graph&step=3&focus=22")
    graph = screen.locator(GRAPH)
    expect(screen.get_by_role("tab", name="Graph")).to_have_attribute("aria-selected", "true")
    expect(graph).to_have_attribute("data-focus", "22")
    expect(graph).to_be_visible()
    assert screen.locator(".pane:visible").count() == 1
    assert screen.locator("canvas.nodes").evaluate("c => c.places().every(([, x]) => x > 0 && x < 420)")
    page.keyboard.press("Escape")
    samples = walks.walk(run, walk_preset("recommended", count=40)).samples
    expect(graph).to_have_attribute("data-focus", str(samples[3]))
    screen.get_by_role("tab", name="Map").click()
    expect(graph).to_be_hidden()


def test_the_map_is_coloured_as_on_the_map_page(page, server, run):
    screen = open_walk(page, server, "&step=5")
    page.wait_for_selector(".screen[data-drawn][data-scheme='']")
    choice = screen.get_by_label("Colour the map by")
    titles = choice.locator("option").all_inner_texts()
    assert titles[1:] == [scheme_title(name) for name in schemes(run)]
    choice.select_option("source")
    page.wait_for_selector(".screen[data-scheme=source]")
    entries = screen.locator(".colours button.entry")
    assert entries.count() == run.instructions["source"].nunique()
    entries.first.click()
    expect(entries.first).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("() => new URL(location).searchParams.get('colour') === 'source'")
    settle(page)

    page.reload()
    page.wait_for_selector(".screen[data-scheme=source]", timeout=60_000)
    assert screen.get_attribute("data-step") == "5"
    choice.select_option("order")
    page.wait_for_selector(".screen[data-scheme=order]")
    expect(screen.locator(".colours .ticks")).to_contain_text("40")
    choice.select_option("")
    page.wait_for_selector(".screen[data-scheme='']")
    expect(screen.locator(".colours")).to_be_hidden()


def test_a_step_sends_a_few_kilobytes(page, server):
    """Of the screen itself nothing is sent again: its script alone is a quarter of a megabyte."""
    received = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
    screen = open_walk(page, server, "&picture=graph&colour=source")
    screen.focus()
    page.keyboard.press("ArrowRight")
    wait_for_step(page, screen, 1)
    for step in (2, 3):
        received.clear()
        page.keyboard.press("ArrowRight")
        wait_for_step(page, screen, step)
        assert 0 < sum(received) < 20_000
