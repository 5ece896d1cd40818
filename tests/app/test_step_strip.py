"""The step strip in a real browser: every key counts, and the URL follows."""

import os
import signal
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from g2is.analysis import walks
from g2is.app.walk.strip import TEXT_LENGTH
from g2is.config import walk_preset
from g2is.walk import ORIGINS
from tests.app.conftest import settle
from tests.app.serving import Server
from tests.app.tiny_run import HOSTILE, make_run

LINK = "/Walk?run=tiny&preset=recommended&count=40"


def open_walk(page, server, more=""):
    page.goto(server.url + LINK + more)
    page.wait_for_selector(".card", timeout=120_000)
    settle(page)
    return page.locator(".strip")


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
    assert page.get_by_text(f"Sample {trace.steps.sample[10]} ·").is_visible()
    assert page.locator(".card[aria-current=step] .number").inner_text() == "11", "they count from 1"
    assert strip.locator(".where").inner_text().startswith("Step 11 of 40 ·")


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
    page.wait_for_selector(".strip.listening")
    assert strip.evaluate("strip => getComputedStyle(strip).outlineStyle") == "dashed"
    page.get_by_role("textbox", name="Save this walk as").focus()
    page.wait_for_selector(".strip:not(.listening)")
    page.keyboard.press("ArrowRight")
    assert strip.get_attribute("data-step") == "0"
    page.evaluate("document.activeElement.blur()")
    page.wait_for_selector(".strip.listening")
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
        strip = page.locator(".strip")
        strip.focus()
        for key, step in (("End", 2499), ("ArrowLeft", 2498), ("Home", 0)):
            page.keyboard.press(key)
            assert strip.get_attribute("data-step") == str(step), "the strip does not wait for the server"
            wait_for_step(page, strip, step)
            text = page.locator(".card[aria-current=step] .text")
            prompt = run.instructions["prompt"].iloc[samples[step]]
            expect(text).to_have_text(" ".join(prompt.split())[:TEXT_LENGTH], use_inner_text=True)
        page.get_by_role("slider", name="Step", exact=True).fill("1234")
        wait_for_step(page, strip, 1234)
        expect(page.locator(".cards")).not_to_contain_text("…")
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
    page.keyboard.press("End")
    wait_for_step(page, strip, 39)
    page.go_back()
    wait_for_step(page, strip, 13)
    page.go_back()
    wait_for_step(page, strip, 12)


def test_the_step_is_still_there_after_a_visit_to_another_page(page, server):
    strip = open_walk(page, server)
    strip.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_for_step(page, strip, 3)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Instructions").click()
    page.wait_for_url("**/Instructions**")
    settle(page)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Walk").click()
    page.wait_for_url("**/Walk**")
    page.wait_for_selector(".card", timeout=120_000)
    wait_for_step(page, page.locator(".strip"), 3)


def test_a_shorter_walk_ends_where_it_ends(page, server):
    open_walk(page, server, "&step=39")
    box = page.get_by_role("spinbutton", name="… or number of samples")
    box.fill("20")
    box.press("Enter")
    page.wait_for_selector(".strip[data-step='19']")
    settle(page)
    assert not page.get_by_text("It is not used").is_visible()
    page.go_back()
    page.wait_for_selector(".strip[data-step='39']")
    assert box.input_value() == "40"


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
    shown = strip.locator(".card .text").all_inner_texts()
    assert shown[0] == HOSTILE[0] and shown[1].startswith("![image](http://evil.example/image.png) [link]")
    assert strip.locator(".text *").count() == 0
    search = page.get_by_role("searchbox", name="Row number, or words")
    search.fill("evil.example")
    search.press("Enter")
    choice = page.get_by_role("combobox", name="samples contain it")
    choice.wait_for()
    settle(page)
    choice.fill("image.png")
    page.get_by_role("option", name="1: ![image](http://evil.example/image.png) [link]").click()
    page.wait_for_function("() => new URL(location).searchParams.get('focus') === '1'")


def test_editing_a_budget_keeps_the_sum(page, server):
    open_walk(page, server)
    page.get_by_role("tab", name="Budget per component").click()
    table = page.get_by_test_id("stDataFrame").first
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_a_phone(new_page, server, scheme):
    page = new_page(color_scheme=scheme)
    page.set_viewport_size({"width": 420, "height": 900})
    strip = open_walk(page, server)
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 420
    inside = "strip => [...strip.querySelectorAll('*')].every(e => e.getBoundingClientRect().right <= 421)"
    assert strip.evaluate(inside)


def test_every_origin_has_a_mark_and_a_letter_of_its_own(page, server):
    strip = open_walk(page, server)
    badges = strip.locator(".legend .badge").all_inner_texts()
    assert len(badges) == len(ORIGINS)
    assert len({badge.split()[0] for badge in badges}) == len({badge.split()[1] for badge in badges}) == 4


def test_keys_are_answered_without_the_server(page, server, run):
    strip = open_walk(page, server)
    strip.focus()
    samples = walks.walk(run, walk_preset("recommended", count=40)).samples
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        for _ in range(20):
            page.keyboard.press("ArrowRight")
        assert strip.get_attribute("data-step") == "20"
        assert page.locator(".card[aria-current=step] .foot").inner_text().startswith(f"#{samples[20]}")
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    wait_for_step(page, strip, 20)
