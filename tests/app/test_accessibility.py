"""What a keyboard, a screen reader and weak eyes need of every page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from g2is.app.shared import pages
from tests.app.conftest import settle

AXE = Axe()
GRAVE = ("serious", "critical")
ALSO = ("heading-order", "page-has-heading-one", "landmark-one-main")
"""Rules that axe holds to be less grave, kept as well."""
FOCUSED = """() => {
  let element = document.activeElement
  while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
  const { top, left, width, height } = element.getBoundingClientRect()
  return [
    element.getAttribute("aria-label") || element.textContent.trim(),
    top >= 0 && left >= 0 && width > 0 && height > 0 && getComputedStyle(element).visibility === "visible",
  ]
}"""


def press(page, *keys: str) -> tuple[str, bool]:
    """What has the focus after these keys, and whether it is to be seen."""
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_timeout(50)
    return page.evaluate(FOCUSED)


def violations(page, scheme: str) -> list[str]:
    """What axe finds under a colour scheme: rule, place and reason."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_timeout(300)
    found = AXE.run(page).response["violations"]
    return [
        f"{scheme}: {rule['id']} at {node['target'][-1]}: {node['failureSummary'][:300]}"
        for rule in found
        if rule["impact"] in GRAVE or rule["id"] in ALSO
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("title", list(pages()))
def test_axe_finds_nothing_grave(page, server, title):
    place = "" if title == "Home" else title.replace(" ", "_")
    page.goto(f"{server.url}/{place}?run=tiny&focus=3&preset=recommended&count=12")
    page.wait_for_function("(title) => document.title.startsWith(title)", arg=title)
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert violations(page, "light") + violations(page, "dark") == []


def test_the_keyboard_comes_to_the_steps_at_once(page, server):
    page.goto(f"{server.url}/Walk?run=tiny&preset=recommended&count=12")
    page.wait_for_selector(".row.chosen")
    settle(page)
    assert press(page, "Tab") == ["Skip to the steps", True]
    label, seen = press(page, "Enter")
    assert (label, seen) == ("Steps of the walk", True)
    status = page.locator(".screen [aria-live=polite]")
    page.keyboard.press("ArrowRight")
    expect(status).to_contain_text("Step 2 of 12. Question")
    expect(status).to_contain_text(page.locator(".reason .why").inner_text())
    # What comes first on every page leads past the links of the sidebar, which is folded here: none of them is next.
    page.reload()
    page.wait_for_selector(".row.chosen")
    settle(page)
    assert press(page, "Tab", "Tab") == ["Skip to main content", True]
    assert press(page, "Tab")[0] == "Expand sidebar"


def test_the_first_tab_leads_past_the_sidebar(page, server):
    page.goto(f"{server.url}/Export?run=tiny")
    page.get_by_role("heading", name="Export", level=1).wait_for()
    settle(page)
    assert press(page, "Tab") == ["Skip to main content", True]
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.closest('main') !== null")


def test_a_popover_that_the_keyboard_opens_has_the_focus_until_escape(page, server):
    page.goto(f"{server.url}/Walk?run=tiny&preset=recommended")
    page.wait_for_selector(".row.chosen")
    settle(page)
    page.locator(".st-key-settings_Budget").get_by_role("button").or_(
        page.get_by_role("button", name="Budget")
    ).first.focus()
    assert press(page, "Enter")[0].startswith("Budget")
    popover = page.get_by_role("dialog")
    expect(popover).to_be_focused()
    budget = popover.get_by_label("Budget in % of the pool", exact=True)
    settle(page)
    for _ in range(3):
        if press(page, "Tab")[0] == "Budget in % of the pool":
            break
    expect(budget).to_be_focused()
    # The label of the popover says the new budget: Streamlit draws another one.
    before = page.get_by_role("dialog").get_attribute("aria-label")
    press(page, "ArrowUp", "Enter")
    expect(page.get_by_role("dialog")).not_to_have_attribute("aria-label", before or "")
    settle(page)
    expect(page.get_by_role("dialog").get_by_label("Budget in % of the pool", exact=True)).to_be_focused()
    assert press(page, "Escape")[0].startswith("Budget")
    expect(page.get_by_role("dialog")).to_have_count(0)
    # Its button needs no arrows: they step again, as the frame says. A row of choices does need them.
    status = page.locator(".screen [aria-live=polite]")
    expect(page.locator(".screen.listening")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(status).to_contain_text("Step 2 of")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_focused()
    page.keyboard.press("ArrowRight")
    settle(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    # Open ones can be read, with what is in them, in the dark too.
    for name in ("served", "Rules", "Save"):
        page.get_by_test_id("stPopoverButton").filter(has_text=name).first.click()
        expect(page.get_by_role("dialog")).to_have_count(1)
        settle(page)
        assert violations(page, "dark") == [], name
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    choices = page.get_by_role("radiogroup", name="More about this walk").get_by_role("radio")
    choices.first.focus()
    page.keyboard.press("ArrowRight")
    expect(choices.nth(1)).to_be_focused()
    settle(page)
    expect(status).to_contain_text("Step 2 of")
