"""Undo, redo and the browser's Back are one history of everything that shapes the result."""

from urllib.parse import parse_qs, urlsplit

import pytest

from g2is.app.shared.timeline import Change
from g2is.app.walk.wording import change_words
from tests.app.conftest import settle

PAGE = "4_Walk"


def tip(app, key: str) -> str:
    return app.button(key=key).help


def test_undo_and_redo_restore_settings_pins_and_step(open_app):
    app = open_app(PAGE, count="40", step="4", below="step")
    assert app.button(key="undo").disabled and app.button(key="redo").disabled
    first = app.session_state["walked"].trace.samples.tolist()
    app.number_input(key="count").set_value(20).run()
    assert tip(app, "undo") == "Undo: budget 40 → 20"
    app.button(key="step pins").click().run()
    assert tip(app, "undo") == f"Undo: pin #{first[4]:,}"
    app.button(key="undo").click().run()
    assert "pins" not in app.query_params and app.query_params["count"] == "20"
    app.button(key="undo").click().run()
    assert app.query_params == {"run": "tiny", "count": "40", "step": "4", "below": "step"}
    assert app.number_input(key="count").value == 40
    assert app.session_state["walked"].trace.samples.tolist() == first
    assert tip(app, "redo") == "Redo: budget 40 → 20"
    app.button(key="redo").click().run()
    assert app.number_input(key="count").value == 20
    app.slider(key="delta").set_value(0.9).run()
    assert app.button(key="redo").disabled, "what was undone is gone once something else is changed"


def test_a_change_on_another_page_and_the_basket_are_undone_too(open_app, run):
    app = open_app("1_Map", focus="30")
    app.button(key="focus in basket").click().run()
    assert app.session_state[f"basket of {run.hash}"] == [30]
    app.query_params["pins"] = "30"  # by a link
    app.switch_page(f"pages/{PAGE}.py").run()
    assert tip(app, "undo") == "Undo: pin #30"
    app.button(key="undo").click().run()
    assert "pins" not in app.query_params and app.session_state[f"basket of {run.hash}"] == [30]
    assert tip(app, "undo") == "Undo: set #30 aside"
    app.button(key="undo").click().run()
    assert app.session_state[f"basket of {run.hash}"] == []
    app.button(key="redo").click().run()
    assert app.session_state[f"basket of {run.hash}"] == [30]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {"count": "60"}, "budget 5 % → 60"),
        ({"fraction": "0.02"}, {"fraction": "0.1"}, "budget 2 % → 10 %"),
        ({"fraction": "0.0"}, {"fraction": "0.1"}, "budget 0.0 → 10 %"),
        ({}, {"no_conflict": "False"}, "no conflict on → off"),
        ({}, {"order": "sequential"}, "turn order round robin → one direction after the other"),
        (
            {"preset": "official", "delta": "0.9"},
            {"pins": "1"},
            "Paper's original settings → Recommended",
        ),
        ({"pins": "1, 2"}, {"pins": "2", "bans": "1"}, "unpin #1, ban #1"),
        ({}, {"only": "4, 5, 6"}, "choose from 3 instructions"),
        ({}, {"where": "topic=fruit"}, "columns"),
        ({}, {"target.apples": "2"}, "share of apples – → 2"),
        (
            {"delta": "0.9", "facets": "3", "seed": "4"},
            {},
            "number of groups 3 → 32, seed of the grouping 4 → 0 and 1 more",
        ),
        ({}, {"delta": "much"}, "alignment to keep (delta)"),
    ],
)
def test_changes_are_said_in_words(before, after, words):
    states = ({name: [value] for name, value in state.items()} for state in (before, after))
    assert change_words(Change(*states)) == words


def test_back_the_keys_and_the_buttons_are_one_history(server, page):
    def query() -> dict[str, list[str]]:
        settle(page)
        return parse_qs(urlsplit(page.url).query)

    page.goto(f"{server.url}/Walk?run=tiny&count=40")
    page.wait_for_selector(".card", timeout=120_000)
    settle(page)
    page.get_by_role("button", name="Rules").click()
    slider = page.get_by_role("slider", name="Alignment to keep")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_url("**delta=0.75*")
    entries = page.evaluate("history.length")
    page.keyboard.press("Escape")
    settle(page)
    page.keyboard.press("Control+z")
    page.wait_for_function("!location.search.includes('delta')")
    assert "delta" not in query(), "all ticks at once"
    assert page.evaluate("history.length") == entries, "it went back"
    # The screen tells its step after a rest. Where that meets a visit, Streamlit takes both for a change.
    page.wait_for_timeout(500)
    page.go_forward()
    page.wait_for_url("**delta=0.75*")
    settle(page)
    page.wait_for_timeout(500)
    page.locator(".screen").focus()
    page.keyboard.press("b")
    page.wait_for_url("**bans=*")
    settle(page)
    page.go_back()
    page.wait_for_function("!location.search.includes('bans')")
    assert query()["delta"] == ["0.75"]
    # The keys press the buttons, which know of what can be redone once the page is drawn again.
    page.wait_for_selector(".st-key-redo button:enabled")
    page.keyboard.press("Control+Shift+z")
    page.wait_for_url("**bans=*")
    settle(page)
    page.get_by_role("searchbox", name="Find instructions").fill("ap")
    page.keyboard.press("Control+z")
    assert "bans" in query(), "a key in a field is the field's"
