"""The screen of the walk: map, texts, candidates and steps in one component, which steps without asking the server.

Python hears of a step once the reader rests on it, and of a question at once; only this part of the page reruns then.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from g2is.analysis.map_values import schemes
from g2is.analysis.step_graphs import AFTER, BEFORE, chunks_around, steps_of
from g2is.analysis.steps import StepView, step_views, window_start
from g2is.analysis.why_not import Answer, why_not
from g2is.app.shared import basket, focus, one_of, set_url, show_error
from g2is.app.shared.aside import fill_basket
from g2is.app.shared.canvas.parts import show_part
from g2is.app.shared.canvas.pool import colouring_of, colours_part, points_of, points_part
from g2is.app.shared.events import event, while_shown
from g2is.app.shared.graph.parts import STYLE as GRAPH_STYLE
from g2is.app.shared.javascript import module
from g2is.app.shared.text import showing_errors
from g2is.app.shared.walked import Walked, walk_id, walked_before
from g2is.app.walk.parameters import add_row
from g2is.app.walk.parts import (
    CHANNEL,
    graph_part,
    graphs_of_steps_part,
    reply_part,
    walk_part,
    whole_part,
    window_part,
)
from g2is.app.walk.search import found, nothing_found
from g2is.app.walk.shown import PICTURES, colour_in_url, order, picture_in_url, rests, step_in_url
from g2is.errors import InputError
from g2is.run.run import Run

SCREEN = "walk screen"
_FOLDER = Path(__file__).parent / "screen"


def show_screen(run: Run, walked: Walked) -> None:
    """The screen, with what it steps through."""
    if not len(walked.trace.steps):
        st.info("No instruction was chosen: the budget is empty, or none is left to choose.")
        return
    order(run, step_in_url(len(walked.trace.steps) - 1), picture_in_url(), colour_in_url(run), anew=True)
    with st.container(gap=None):
        _steps(run, walked)
        show_part(_points(run, walked), key="walk points")
        show_part(_walk(run, walked), key="walk steps")


@st.fragment
@showing_errors
def _steps(run: Run, walked: Walked) -> None:
    """The part that reruns with the step."""
    with st.container(gap=None):
        step, picture, colour = step_in_url(len(walked.trace.steps) - 1), picture_in_url(), colour_in_url(run)
        screen = st.components.v2.component(
            "g2is_walk_screen",
            html=(_FOLDER / "screen.html").read_text(),
            css=GRAPH_STYLE.read_text() + (_FOLDER / "screen.css").read_text(),
            js=module(_FOLDER / "screen.js"),
        )
        screen(
            key=SCREEN,
            data=order(run, step, picture, colour),
            on_step_change=while_shown(SCREEN, _rest),
            on_picture_change=while_shown(SCREEN, _turn),
            on_colour_change=while_shown(SCREEN, lambda: _recolour(run)),
            on_ask_change=while_shown(SCREEN, _ask),
            on_find_change=while_shown(
                SCREEN, lambda: st.session_state.update({"walk words": str(_event("find"))[:200]})
            ),
            on_change_change=while_shown(SCREEN, lambda: _change(run)),
            on_drawn_change=while_shown(SCREEN, lambda: _set_aside(run, walked)),
            on_whole_change=while_shown(SCREEN, _want_whole),
        )
        if st.session_state.pop("walk changed", False):
            st.rerun()
        start = window_start(step, len(walked.trace.steps))
        show_part(_window(run, walk_id(run, walked), start, walked), key="walk window")
        show_part(_reply(run, walked), key="walk reply")
        if whole := _whole(run, walk_id(run, walked)):
            show_part(whole, key="walk whole")
        if picture == "graph":
            _graphs(run, walked, step)
        if colour:
            _colours(run, walked, colour)


def _graphs(run: Run, walked: Walked, step: int) -> None:
    """The neighbourhoods of the steps around the present one, and of the instruction in focus."""
    # Each chunk keeps its slot as the reader steps on, so that only what is new is sent.
    slots = [st.container(gap=None) for _ in range(BEFORE + AFTER + 2)]
    sample = focus(run)
    if sample is not None:
        with slots.pop():
            show_part(_graph(run, walk_id(run, walked), sample, walked), key="walk graph")
    for chunk in chunks_around(step, len(walked.trace.steps)):
        slot = chunk % (BEFORE + AFTER + 1)
        with slots[slot]:
            show_part(_chunk(run, walk_id(run, walked), chunk, walked), key=f"walk graphs {slot}")


@st.cache_resource(max_entries=128, show_spinner=False)
def _chunk(_run: Run, walk: str, chunk: int, _walked: Walked) -> bytes:
    slot, steps = chunk % (BEFORE + AFTER + 1), steps_of(chunk, len(_walked.trace.steps))
    return graphs_of_steps_part(_run, _walked, walk, slot, steps)


@st.cache_resource(max_entries=128, show_spinner=False)
def _graph(_run: Run, walk: str, sample: int, _walked: Walked) -> bytes:
    return graph_part(_run, _walked, walk, sample)


def _event(name: str) -> Any:
    return event(SCREEN, name)


def _change(run: Run) -> None:
    """Pin, ban or set aside an instruction."""
    change = _event("change")
    sample = int(change["sample"])
    if not 0 <= sample < len(run.instructions):
        return
    if change["how"] == "basket":
        aside = basket(run)
        without = [row for row in aside if row != sample]
        fill_basket(run, without if sample in aside else [*aside, sample])
    else:
        add_row({"pin": "pins", "ban": "bans"}[change["how"]], sample)
    st.session_state["walk changed"] = True


def _set_aside(run: Run, walked: Walked) -> None:
    """Put the instructions that the reader drew around into the basket."""
    points = points_of(run, run.layouts[0], walked.parameters.regime)
    fill_basket(run, list(dict.fromkeys([*basket(run), *points.inside(_event("drawn")).tolist()])))
    st.session_state["walk changed"] = True


def _rest() -> None:
    step = int(st.session_state[SCREEN].step)
    rests(step=step)
    set_url(step=step or None)


def _turn() -> None:
    picture = one_of(PICTURES)(str(_event("picture")))
    rests(picture=picture)
    set_url(picture=None if picture == PICTURES[0] else picture)


def _recolour(run: Run) -> None:
    colour = one_of(("", *schemes(run)))(str(_event("colour")))
    rests(colour=colour)
    set_url(colour=colour or None)


def _ask() -> None:
    sample = int(_event("ask"))
    set_url(focus=None if sample < 0 else sample)


def _want_whole() -> None:
    asked = _event("whole")
    kind = one_of(("texts", "examples"))(str(asked["kind"]))
    st.session_state["walk whole"] = kind, int(asked["row"])


def _whole(run: Run, walk: str) -> bytes | None:
    """The long text that the reader has just asked for; the browser keeps it."""
    kind, row = st.session_state.pop("walk whole", ("texts", -1))
    frame = run.instructions if kind == "texts" else run.validation
    return whole_part(run, walk, kind, row) if 0 <= row < len(frame) else None


def _colours(run: Run, walked: Walked, scheme: str) -> None:
    regime = walked.parameters.regime
    try:
        colours = colouring_of(run, scheme, regime, walked.parameters, lambda: walked.trace)
    except InputError as error:
        show_error(error)
        return
    show_part(colours_part(CHANNEL, _map_id(run, walked), colours, []), key="walk colours")


def _map_id(run: Run, walked: Walked) -> str:
    return f"{run.state} {run.layouts[0]} {walked.parameters.regime}"


def _points(run: Run, walked: Walked) -> bytes:
    return _packed_points(run, _map_id(run, walked), run.layouts[0], walked.parameters.regime)


@st.cache_resource(max_entries=8, show_spinner=False)
def _packed_points(_run: Run, map_id: str, kind: Any, regime: Any) -> bytes:
    return points_part(CHANNEL, map_id, points_of(_run, kind, regime))


def _walk(run: Run, walked: Walked) -> bytes:
    changed: dict[str, list[int]] = {"added": [], "removed": []}
    before = walked_before(run)
    if before is not None:
        now, then = walked.trace.samples, before.trace.samples
        changed = {"added": np.setdiff1d(now, then).tolist(), "removed": np.setdiff1d(then, now).tolist()}
    return walk_part(walk_id(run, walked), walked.trace, walked.examples, changed)


@st.cache_resource(max_entries=64, show_spinner=False)
def _window(_run: Run, walk: str, start: int, _walked: Walked) -> bytes:
    views: list[StepView] = step_views(_run, _walked.trace, start)
    return window_part(_run, walk, start, views)


def _reply(run: Run, walked: Walked) -> bytes:
    """The answers to what the reader asked: about the instruction in focus, and where words are found."""
    words = st.session_state.get("walk words", "").strip()
    rows = found(run, run.state, words).tolist() if words else []
    nothing = nothing_found(words, len(run.instructions)) if words and not rows else ""
    sample = focus(run)
    answer: dict[str, Any] = {}
    if sample is not None:
        try:
            answer = _answer(why_not(run, walked.trace, sample))
        except InputError as error:
            show_error(error)
    return reply_part(run, walk_id(run, walked), answer, rows, words, basket(run), nothing)


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "sample": answer.sample,
        "text": answer.text,
        "step": answer.step,
        "example": answer.example,
        "winners": list(answer.winners[:20]),
    }
