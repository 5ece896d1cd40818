"""The screen of the walk in a real browser: every key counts, all panes follow, and so does the URL."""

import os
import signal
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

from g2is.analysis import walks
from g2is.analysis.why_not import why_not
from g2is.app.shared.canvas.points import MapPoints
from g2is.app.shared.timeline import PAUSE_SECONDS
from g2is.app.walk.parts import LINE
from g2is.config import walk_preset
from g2is.instructions.snippet import snippet
from tests.app.conftest import settle
from tests.app.serving import Server
from tests.app.test_accessibility import violations
from tests.app.tiny_run import HOSTILE, make_run

LINK = "/Walk?run=tiny&preset=recommended&count=40"


def open_walk(page, server, more=""):
    page.goto(server.url + LINK + more)
    page.wait_for_selector(".card", timeout=120_000)
    settle(page)
    return page.locator(".screen")


def wait_for_step(page, strip, step):
    """The strip is there at once, the URL a moment later."""
    page.wait_for_function(
        "step => new URL(location).searchParams.get('step') === step", arg=str(step) if step else None
    )
    settle(page)
    assert strip.get_attribute("data-step") == str(step)


def test_ten_quick_presses_are_ten_steps(page, server, run):
    strip = open_walk(page, server)
    strip.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert strip.get_attribute("data-step") == "10", "the strip does not wait for the server"
    wait_for_step(page, strip, 10)
    trace = walks.walk(run, walk_preset("recommended", count=40))
    assert page.locator("article.taken h2").inner_text().startswith(f"Taken #{trace.steps.sample[10]}")
    assert page.locator(".row.chosen .number").inner_text() == f"#{trace.steps.sample[10]}"
    assert page.locator(".card[aria-current=step] .number").inner_text() == "11", "they count from 1"
    assert strip.locator(".where").inner_text().startswith("Step 11 of 40")


def test_keys_and_buttons(page, server):
    strip = open_walk(page, server)
    strip.focus()
    for key, step in (("End", 39), ("ArrowRight", 39), ("ArrowLeft", 38), ("Home", 0), ("ArrowLeft", 0)):
        page.keyboard.press(key)
        assert strip.get_attribute("data-step") == str(step)
    for button, step in (
        ("One step forward", 1),
        ("Last step", 39),
        ("One step back", 38),
        ("First step", 0),
    ):
        page.get_by_role("button", name=button).click()
        assert strip.get_attribute("data-step") == str(step)
    page.get_by_role("slider", name="Step", exact=True).fill("7")
    wait_for_step(page, strip, 7)


def test_arrows_work_before_anything_is_clicked(page, server):
    strip = open_walk(page, server)
    page.keyboard.press("ArrowRight")
    wait_for_step(page, strip, 1)


def test_a_frame_says_that_the_arrow_keys_act_here(page, server):
    strip = open_walk(page, server)
    page.wait_for_selector(".screen.listening")
    frame = page.locator(".strip")
    assert frame.evaluate("strip => getComputedStyle(strip).outlineStyle") == "dashed"
    page.get_by_role("searchbox", name="Find instructions").focus()
    page.wait_for_selector(".screen:not(.listening)")
    page.keyboard.press("ArrowRight")
    assert strip.get_attribute("data-step") == "0"
    page.evaluate("document.activeElement.blur()")
    page.wait_for_selector(".screen.listening")
    page.keyboard.press("ArrowRight")
    wait_for_step(page, strip, 1)


@pytest.mark.slow
def test_a_walk_of_more_steps_than_texts_are_sent(page, tmp_path):
    run = make_run(tmp_path / "long", 2600)
    server = Server(tmp_path)
    try:
        free = {"no_conflict": False, "consistency": False}
        page.goto(f"{server.url}/Walk?run=long&preset=recommended&count=2500&{urlencode(free)}")
        page.wait_for_selector(".card", timeout=120_000)
        settle(page)
        samples = walks.walk(run, walk_preset("recommended", count=2500, **free)).samples
        strip = page.locator(".screen")
        strip.focus()
        for key, step in (("End", 2499), ("ArrowLeft", 2498), ("Home", 0)):
            page.keyboard.press(key)
            assert strip.get_attribute("data-step") == str(step), "the strip does not wait for the server"
            wait_for_step(page, strip, step)
            text = page.locator(".card[aria-current=step] .words")
            prompt = run.prompts([samples[step]])[0]
            expect(text).to_have_text(snippet(prompt, LINE), use_inner_text=True)
        page.get_by_role("slider", name="Step", exact=True).fill("1234")
        wait_for_step(page, strip, 1234)
        expect(page.locator(".cards")).not_to_contain_text("…")
        expect(page.locator(".reason")).to_contain_text("nearest free to example")
    finally:
        server.stop()


def test_space_plays_and_pauses(page, server):
    strip = open_walk(page, server)
    strip.get_by_label("Steps a second").select_option("20")
    strip.focus()
    page.keyboard.press(" ")
    assert strip.get_by_role("button", name="Pause").is_visible()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]') && "
        "Number(new URL(location).searchParams.get('step')) > 3",
        timeout=20_000,
    )
    page.keyboard.press(" ")
    assert strip.get_by_role("button", name="Play").is_visible()
    stopped = strip.get_attribute("data-step")
    page.wait_for_timeout(400)
    assert strip.get_attribute("data-step") == stopped
    wait_for_step(page, strip, int(stopped))


def test_a_link_and_back_restore_the_step(page, server):
    strip = open_walk(page, server, "&step=12")
    assert strip.get_attribute("data-step") == "12"
    strip.focus()
    page.keyboard.press("ArrowRight")
    wait_for_step(page, strip, 13)
    page.wait_for_timeout(1000 * PAUSE_SECONDS + 200)  # steps without a pause are one entry of the history
    page.keyboard.press("End")
    wait_for_step(page, strip, 39)
    page.go_back()
    wait_for_step(page, strip, 13)
    page.go_back()
    wait_for_step(page, strip, 12)


def test_step_and_scroll_are_still_there_after_a_visit_to_another_page(page, server):
    page.set_viewport_size({"width": 1280, "height": 700})
    strip = open_walk(page, server, "&below=steps")
    strip.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_for_step(page, strip, 3)
    scroll = "document.querySelector('.stMain').scrollTop"
    page.evaluate(f"{scroll} = 150")
    settle(page)
    assert page.evaluate(scroll) == 150
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Instructions").click()
    page.wait_for_url("**/Instructions**")
    settle(page)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Walk").click()
    page.wait_for_url("**/Walk**")
    page.wait_for_selector(".card", timeout=120_000)
    wait_for_step(page, page.locator(".screen"), 3)
    page.wait_for_function(f"{scroll} >= 150")


def test_a_shorter_walk_ends_where_it_ends(page, server):
    open_walk(page, server, "&step=39")
    page.get_by_role("button", name="Budget", exact=False).first.click()
    box = page.get_by_role("spinbutton", name="Exact number")
    box.fill("20")
    box.press("Enter")
    page.wait_for_selector(".screen[data-step='19']")
    settle(page)
    assert not page.get_by_text("It is not used").is_visible()
    page.go_back()
    page.wait_for_selector(".screen[data-step='39']")
    expect(page.get_by_role("button", name="Budget 40")).to_be_visible()


def test_two_windows_do_not_see_each_other(new_page, server):
    first, second = new_page(), new_page()
    here, there = open_walk(first, server, "&step=3"), open_walk(second, server, "&delta=0.99")
    here.focus()
    first.keyboard.press("ArrowRight")
    wait_for_step(first, here, 4)
    assert there.get_attribute("data-step") == "0"
    assert "delta" not in first.url and "step" not in second.url


def test_the_text_of_a_sample_is_shown_letter_by_letter(page, server):
    strip = open_walk(page, server, "&pins=0,1,2,3&count=44")
    shown = strip.locator(".card .words").all_text_contents()
    assert shown[0] == HOSTILE[0] and shown[1].startswith("![image](http://evil.example/image.png) [link]")
    assert strip.locator("article p").nth(1).text_content() == HOSTILE[0]
    assert strip.locator(".words *, article p *").count() == 0


def test_what_is_found_can_be_asked_about(page, server, run):
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    strip = open_walk(page, server)
    search = page.get_by_role("searchbox", name="Find instructions")
    # Key by key, as a reader types.
    search.press_sequentially("evil.example")
    search.press("Enter")
    page.get_by_role("option", name="#1 ![image](http://evil.example/image.png) [link]").click()
    page.wait_for_function("() => new URL(location).searchParams.get('focus') === '1'")
    trace = walks.walk(run, walk_preset("recommended", count=40))
    expect(strip.locator(".reason .why")).to_have_text(why_not(run, trace, 1).text)
    assert strip.locator("article.taken p").first.text_content() == HOSTILE[1]
    page.get_by_role("button", name="Back to step 1").click()
    expect(strip.locator("article.taken h2")).to_contain_text(f"Taken #{trace.samples[0]}")
    search.fill("evil.example/image")
    search.press("Enter")
    expect(strip.locator("article.taken h2")).to_contain_text("Asked about #1")  # the only one
    assert errors == [], "the map is drawn with what is found"
    search.fill("")
    search.press_sequentially("99999")
    search.press("Enter")
    nothing = strip.get_by_text("There is no instruction 99,999: they are numbered 0 to 249.")
    expect(nothing).to_be_visible()
    search.press("Tab")
    expect(nothing).to_be_hidden()


def test_what_is_found_is_gone_through_by_keys(page, server):
    strip = open_walk(page, server)
    search = page.get_by_role("searchbox", name="Find instructions")
    search.fill("question 12")
    search.press("Enter")
    options = strip.get_by_role("listbox").get_by_role("option")
    expect(options.first).to_be_visible()
    assert options.count() > 3
    assert violations(page, "light") + violations(page, "dark") == []
    for key, place in (("ArrowDown", 0), ("ArrowDown", 1), ("End", -1), ("ArrowUp", -2), ("Home", 0)):
        page.keyboard.press(key)
        expect(options.nth(place)).to_be_focused()
        expect(options.nth(place)).to_have_attribute("aria-selected", "true")
    for key in ("p", "ArrowRight", "ArrowUp"):  # a list has its keys for itself
        page.keyboard.press(key)
    expect(search).to_be_focused()
    assert strip.get_attribute("data-step") == "0" and "pins" not in page.url
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    expect(search).to_have_value("question 12")
    page.keyboard.press("ArrowDown")
    asked = options.first.inner_text().split()[0]
    page.keyboard.press("Enter")
    expect(strip.locator("article.taken h2")).to_contain_text(asked)
    expect(options.first).to_be_hidden()
    page.keyboard.press("ArrowRight")  # the keys of the screen work again
    assert strip.get_attribute("data-step") == "1"


def test_the_steps_stay_in_the_window_whatever_stands_above_them(page, server):
    page.set_viewport_size({"width": 1280, "height": 720})
    open_walk(page, server, "&tour=2")
    corner = page.get_by_role("button", name="Expand sidebar")

    def box(name):
        return page.locator(name).bounding_box()

    def fits():
        strip = box(".strip")
        assert strip["y"] + strip["height"] <= 720
        assert box(".st-key-walk-bar")["height"] < 50, "one line"

    fits()
    button = corner.bounding_box()
    beside = button["x"] + button["width"]
    assert beside <= box(".st-key-tour")["x"] and beside <= box(".screen")["x"], "it lies on nothing"
    page.set_viewport_size({"width": 420, "height": 800})
    settle(page)
    assert corner.bounding_box()["x"] + corner.bounding_box()["width"] <= box(".st-key-tour")["x"]
    page.locator(".stMain").evaluate("main => (main.scrollTop = 60)")
    page.wait_for_timeout(200)
    assert box(".stAppHeader")["y"] <= -40, "it leaves with the top of the page"
    page.set_viewport_size({"width": 1280, "height": 720})
    page.locator(".stMain").evaluate("main => (main.scrollTop = 0)")
    corner.click()
    page.wait_for_timeout(600)
    settle(page)
    assert box(".screen")["x"] > 200
    fits()


def test_a_reason_is_never_cut(page, server):
    page.set_viewport_size({"width": 1280, "height": 720})
    open_walk(page, server)
    why = page.locator(".row.next .why").first
    why.evaluate("why => (why.textContent = 'the place went to #1,999; taken later, at step 12,345 of all')")
    shown = why.evaluate(
        "why => [why.scrollWidth <= why.clientWidth, why.getBoundingClientRect().height > 25]"
    )
    assert shown == [True, True], "on as many lines as it needs"


def test_a_rejected_or_next_one_says_why(page, server, run):
    strip = open_walk(page, server)
    trace = walks.walk(run, walk_preset("recommended", count=40))
    other = strip.locator(".row.next").last
    sample = int(other.get_attribute("data-sample"))
    other.get_by_role("button").click()
    expect(strip.locator(".reason .why")).to_have_text(why_not(run, trace, sample).text)
    page.keyboard.press("Escape")
    expect(strip.locator(".reason")).to_contain_text("Step 1 of 40")


def test_keys_pin_and_ban_what_is_shown(page, server, run):
    strip = open_walk(page, server)
    first = int(walks.walk(run, walk_preset("recommended", count=40)).samples[0])
    strip.focus()
    page.keyboard.press("b")
    page.wait_for_function("() => new URL(location).searchParams.has('bans')")
    assert parse_qs(urlsplit(page.url).query)["bans"] == [str(first)]
    settle(page)
    now = walks.walk(run, walk_preset("recommended", count=40, bans=(first,))).samples[0]
    expect(strip.locator("article.taken h2")).to_contain_text(f"Taken #{now}")
    page.keyboard.press("p")
    page.wait_for_function("() => new URL(location).searchParams.has('pins')")
    expect(strip.get_by_role("button", name="Unpin")).to_be_visible()


def test_the_map_goes_to_a_step_and_asks(page, server, run):
    strip = open_walk(page, server)
    page.wait_for_selector(".screen[data-drawn]")
    trace = walks.walk(run, walk_preset("recommended", count=40))
    places = run.layout(run.layouts[0], "sgd").samples
    apart = np.setdiff1d(np.flatnonzero(run.valid), trace.samples)
    distances = np.linalg.norm(places[apart][:, None] - places[None, run.valid], axis=2)
    lonely = int(apart[np.sort(distances, axis=1)[:, 1].argmax()])
    points = MapPoints.of(places, run.layout(run.layouts[0], "sgd").validation)
    box = strip.locator(".over").bounding_box()
    wide, high = points.extent
    scale = min((box["width"] - 40) / wide, (box["height"] - 40) / high)
    x, y = points.samples[lonely].astype(float)
    left = box["x"] + (x - wide / 2) * scale + box["width"] / 2
    top = box["y"] + box["height"] / 2 - (y - high / 2) * scale
    page.mouse.click(left, top)
    expect(strip).to_have_attribute("data-asked", str(lonely))
    expect(strip.locator(".reason .why")).to_have_text(why_not(run, trace, lonely).text)


def test_what_is_set_aside_is_in_the_basket(page, server, run):
    strip = open_walk(page, server)
    strip.get_by_role("button", name="Set aside").click()
    expect(strip.get_by_role("button", name="Put back")).to_be_visible()
    strip.get_by_role("button", name="Put back").click()
    expect(strip.get_by_role("button", name="Set aside")).to_be_visible()


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900)])
def test_the_screen_needs_no_scrolling(new_page, server, size):
    page = new_page()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    strip = open_walk(page, server)
    box = strip.bounding_box()
    assert box["y"] + box["height"] <= size[1] and box["x"] + box["width"] <= size[0]
    assert box["height"] > 0.75 * size[1]


def test_help_lists_the_keys(page, server):
    strip = open_walk(page, server)
    strip.focus()
    page.keyboard.press("?")
    expect(strip.locator(".help")).to_contain_text("ban it")
    page.keyboard.press("?")
    expect(strip.locator(".help")).to_be_hidden()


def test_a_live_region_says_step_text_and_reason(page, server, run):
    strip = open_walk(page, server)
    strip.focus()
    page.keyboard.press("ArrowRight")
    prompt = run.prompts(walks.walk(run, walk_preset("recommended", count=40)).samples)[1]
    status = strip.locator(".status")
    expect(status).to_contain_text("Step 2 of 40. ")
    assert " ".join(prompt.split())[:40] in status.text_content()
    assert "nearest free to example" in status.text_content()


def test_editing_a_budget_keeps_the_sum(page, server):
    open_walk(page, server)
    page.get_by_role("button", name="By direction").click()
    table = page.get_by_test_id("stDataFrame").filter(visible=True).first
    table.wait_for()
    # From the first cell to the second column of the second row, as in any spreadsheet.
    table.click(position={"x": 30, "y": 52})
    for key in ("ArrowRight", "ArrowDown"):
        page.wait_for_timeout(200)
        page.keyboard.press(key)
    assert edit_cell(page, "5")[1] == 5
    assert edit_cell(page, "30")[2] == 30, "the cursor is on the row below now"


def edit_cell(page, value):
    """The budgets after typing a value into the current cell of the table."""
    before = page.url
    page.wait_for_timeout(200)
    page.keyboard.type(value)
    page.wait_for_timeout(200)
    page.keyboard.press("Enter")
    page.wait_for_function("before => location.href !== before", arg=before)
    settle(page)
    query = parse_qs(urlsplit(page.url).query)
    budgets = [int(part) for part in query["component_budgets"][0].split(",")]
    assert sum(budgets) == 40
    return budgets


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_fits_a_phone(new_page, server, scheme):
    page = new_page(color_scheme=scheme)
    page.set_viewport_size({"width": 420, "height": 900})
    strip = open_walk(page, server)
    for tab in ("Text", "Considered", "Map"):
        strip.get_by_role("tab", name=tab).click()
        assert strip.locator(".pane:visible").count() == 1
        inside = (
            "strip => [...strip.querySelectorAll('*')].every(e => e.getBoundingClientRect().right <= 421)"
        )
        assert strip.evaluate(inside)
    box = strip.locator(".strip").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 420
    assert box["y"] + box["height"] == 900, "fixed to the bottom"


def test_the_legend_says_how_the_steps_of_this_walk_came_about(page, server, run):
    page.set_viewport_size({"width": 420, "height": 900})
    strip = open_walk(page, server, "&pins=5")
    legend = strip.locator(".strip .legend")
    entries = legend.locator(".entry").all_inner_texts()
    assert entries == ["⚑ P pinned by you", "◆ A anchor", "▲ B next best for its example"]
    assert legend.is_visible() and strip.get_by_role("button", name="?").is_visible()


def test_keys_are_answered_without_the_server(page, server, run):
    strip = open_walk(page, server)
    strip.focus()
    samples = walks.walk(run, walk_preset("recommended", count=40)).samples
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        for _ in range(20):
            page.keyboard.press("ArrowRight")
        assert strip.get_attribute("data-step") == "20"
        assert page.locator(".card[aria-current=step] .row").inner_text() == f"#{samples[20]}"
        assert page.locator("article.taken h2").inner_text().startswith(f"Taken #{samples[20]}")
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    wait_for_step(page, strip, 20)
