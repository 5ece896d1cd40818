"""What stands in a popover is what counts, whenever it is opened, and opening it changes nothing."""

import pytest

from tests.app.conftest import settle
from tests.app.test_map_page import query

WALK = {"order": "sequential", "max_cosine": "0.9", "sources": "pool.jsonl"}


def opened(page, label: str):
    """Opens the popover whose button begins with a label; its body."""
    page.get_by_test_id("stPopover").get_by_role("button", name=label).first.click()
    body = page.get_by_test_id("stPopoverBody")
    body.wait_for()
    settle(page)
    return body


def close(page) -> None:
    page.keyboard.press("Escape")
    page.get_by_test_id("stPopoverBody").wait_for(state="detached")


def shown(body) -> dict[str, str]:
    """What the widgets in a popover show, by key: the text of boxes, the number in them, whether a switch is on."""
    return body.evaluate(
        """body => Object.fromEntries([...body.querySelectorAll("[class*=st-key-]")].flatMap(element => {
          const key = [...element.classList].find(name => name.startsWith("st-key-")).slice(7)
          const part = name => element.querySelector(name)
          if (part('[role="slider"]')) return [[key, part('[role="slider"]').getAttribute("aria-valuenow")]]
          if (part('input[type="checkbox"]')) return [[key, String(part('input[type="checkbox"]').checked)]]
          if (part("input")) {
            return [[key, part("input").value || element.innerText]]
          }
          return []
        }))"""
    )


@pytest.mark.parametrize("change", ["More about this walk", "undo"])
def test_settings_of_the_walk_are_the_same_after_any_change_elsewhere(server, new_page, change, run):
    source = run.source_names[0]
    page = new_page()
    page.goto(
        f"{server.url}/Walk?run=tiny&preset=recommended&count=40&max_cosine=0.9&sources={source}&bans=3"
    )
    page.wait_for_selector(".row.chosen")
    settle(page)
    if change == "undo":
        page.get_by_role("button", name="Ban", exact=True).first.click()
        settle(page)
        page.locator(".st-key-undo").get_by_role("button", name="Undo").click()
    else:
        page.get_by_role("radiogroup").get_by_role("radio", name="Budget curve").click()
    settle(page)
    before = query(page)
    seen = {}
    for label in ("Budget", "Directions", "Rules", "Instructions"):
        seen |= shown(opened(page, label))
        assert query(page) == before, f"opening {label} changes nothing"
        close(page)
    assert seen["count"] == "40" and seen["max_cosine"] in ("0.9", "0.90")
    assert seen["regime"].startswith("Plain") and seen["knowledge"].startswith("groups")
    assert seen["no_conflict"] == seen["consistency"] == "true" and seen["knowledge_coherence"] == "false"
    assert source in seen["sources"]
    body = opened(page, "Rules")
    body.locator(".st-key-knowledge_coherence label").first.click()
    page.wait_for_url("**knowledge_coherence=True**")
    settle(page)
    assert query(page) == {**before, "knowledge_coherence": ["True"]}


def test_what_the_neighbourhood_and_the_lists_show_is_what_their_popovers_say(server, new_page, run):
    source = run.source_names[0]
    page = new_page()
    page.goto(f"{server.url}/Neighbourhood?run=tiny&focus=7&hops=2&most=30")
    settle(page)
    page.get_by_role("button", name="Ban", exact=False).first.click()
    settle(page)
    before = query(page)
    seen = shown(opened(page, "Show"))
    assert query(page) == before and seen["most"] == "30" and "Plain" in seen["graph_regime"]
    page.goto(f"{server.url}/Instructions?run=tiny&source={source}&tokens=3&tokens=9")
    settle(page)
    page.get_by_role("searchbox").or_(page.get_by_label("Search in prompts and responses")).first.fill(
        "question"
    )
    page.keyboard.press("Enter")
    page.wait_for_url("**search=question**")
    settle(page)
    before = query(page)
    seen = shown(opened(page, "Filters"))
    assert query(page) == before and source in seen["source"]
