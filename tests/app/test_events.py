"""What a component raises after the reader has left its page does nothing."""

import pytest
import streamlit as st

from g2is.app.shared.events import while_shown


@pytest.mark.parametrize(("state", "called"), [({"map": object()}, 1), ({}, 0), ({"other": 1}, 0)])
def test_a_component_that_is_gone_calls_nobody(monkeypatch, state, called):
    monkeypatch.setattr(st, "session_state", state)
    calls: list[int] = []
    while_shown("map", lambda: calls.append(1))()
    assert len(calls) == called


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_view_of_the_map_that_is_left_does_not_take_the_next_page_away(server, page, place):
    """The map reports its view a while after it came to rest, by then the reader may have followed a link."""
    page.goto(f"{server.url}/Map?run=tiny&search=question 12&path=none&names=False")
    page.wait_for_selector(".map[data-found]")
    page.wait_for_timeout(800)
    page.get_by_role("button", name="Isolate").click()
    page.wait_for_selector(".map[data-alone='true']")
    page.wait_for_timeout(600 if place == "before" else 900)
    page.get_by_role("link", name="List in Instructions").click()
    page.wait_for_url("**/Instructions**")
    page.get_by_text("instructions").filter(has_text="11 of 250").first.wait_for()
