"""Instructions of the pool beside examples that are the only one of their kind, to be accepted as further examples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis.target_check import TargetCheck
from g2is.analysis.target_gaps import proposals
from g2is.analysis.targets import examples_of, pool_of
from g2is.app.shared import flag, in_url, literal, number, prose, set_url, show_text, visible
from g2is.app.shared.arrivals import see
from g2is.app.shared.more_like import OF_OTHER_TARGETS, what_is_missing
from g2is.app.shared.targets import TARGET
from g2is.errors import InputError
from g2is.export.examples import examples_file, examples_in
from g2is.instructions.snippet import snippet
from g2is.run.run import Run
from g2is.run.texts import SPOKEN

EACH = 3
"""Proposals beside an example, at most."""
SHOWN = 6
"""Examples shown at first."""
TEXT = 400
"""Characters of a text, at most."""
SAID = "target grown"
"""Where what was done, or why not, waits for the page to show it: (text, whether it went wrong)."""


def show_gaps(run: Run, found: TargetCheck) -> None:
    """The proposals, where a reader asks for them, and the examples as a file."""
    text, wrong = st.session_state.pop(SAID, ("", False))
    if text:
        (st.error if wrong else st.success)(text)
        st.toast(text, icon=":material/error:" if wrong else ":material/check:", duration="long")
    single = found.kinds.single
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = len(single) and st.toggle(
            f"Add examples where there is one only ({number(len(single))})",
            **in_url("add_examples", False, flag),
            help="Shows instructions of the pool beside each of these examples. Those that you accept become "
            "validation examples.",
        )
        st.download_button(
            "Download the examples",
            lambda: examples_file(examples_in(run, found.name)),
            file_name="validation.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            on_click="ignore",
            help="All validation examples of this target, accepted ones too, as a file that `build` and `target add` "
            "read.",
        )
    if asked:
        _propose(run, found, single)


def _propose(run: Run, found: TargetCheck, single: np.ndarray) -> None:
    if missing := what_is_missing(run.regimes):
        st.info(missing, icon=":material/info:")
        return
    st.markdown(
        "Tick the instructions that are **examples of your target**: what you want the model to learn, with a right "
        "answer. They become validation examples of a target of their own, and are no longer chosen for it. Leave out "
        "what is only similar: where that was accepted unseen, the selection became no better on one of two targets "
        "and worse on the other. New examples of yours, added to the target, help most."
    )
    near = _near(run, run.state, found.name, found)
    many = len(single) > SHOWN and st.toggle(f"Show all {number(len(single))}", key="all gaps")
    rows = examples_of(run, found.name)
    with st.form("grow", border=False):
        for example in single[: None if many else SHOWN].tolist():
            _beside(run, found.name, int(rows[example]), near[example])
        st.form_submit_button(
            "Accept the ticked ones as validation examples",
            type="primary",
            icon=":material/playlist_add_check:",
            on_click=_accept,
            args=(run, found.name),
        )


@st.cache_resource(max_entries=16, show_spinner=False)
def _near(_run: Run, run_state: str, name: str, _found: TargetCheck) -> dict[int, list[tuple[int, float]]]:
    """Row and cosine of the proposals for each example that is the only one of its kind."""
    pool = pool_of(_run, name)
    return {
        example: [(row, float(pool.cosines[row, example])) for row in proposals(pool, example, EACH).tolist()]
        for example in _found.kinds.single.tolist()
    }


def _beside(run: Run, name: str, example: int, near: list[tuple[int, float]]) -> None:
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="medium")
        with left:
            st.caption(f"Example {number(example)}, the only one of its kind")
            _text(run.validation.iloc[example])
        with right:
            if not near:
                st.caption("The pool has no instruction that is alike to it.")
            for row, cosine in near:
                st.checkbox(f"Instruction {number(row)} · cosine {number(cosine)}", key=_key(name, row))
                _text(run.record(row, SPOKEN))


def _text(record: pd.Series) -> None:
    prompt, response = (snippet(record[part], TEXT) for part in ("prompt", "response"))
    show_text(f"{prompt}\n→ {response}", tallest=120)


def _key(name: str, row: int) -> str:
    return f"accept {name} {row}"


def _accept(run: Run, name: str) -> None:
    """Make the grown target and turn to it. In a callback, so that all of the page is drawn with it."""
    from g2is.pipeline.grown import grow, grown_name

    before = _key(name, 0)[:-1]
    rows = [
        int(str(key).removeprefix(before))
        for key, ticked in st.session_state.items()
        if ticked is True and str(key).startswith(before) and str(key).removeprefix(before).isdecimal()
    ]
    if not rows:
        st.session_state[SAID] = "Nothing is ticked: tick the instructions to accept first.", True
        return
    try:
        into = grown_name(run, name)
        new = grow(run, name, rows, into=into, note="accepted by hand")
    except InputError as error:
        st.session_state[SAID] = prose(error), True
        return
    see(new)
    others = {f"{TARGET}{target.name}": None for target in new.targets}
    set_url(**{**others, **dict.fromkeys(OF_OTHER_TARGETS), "checked": None, f"{TARGET}{into}": 1})
    st.session_state[SAID] = (
        f"{number(len(rows))} instruction{'s' * (len(rows) > 1)} accepted. The target {literal(visible(into))} is in "
        "use now, here and on the Walk page, which no longer chooses them. Removing it, at the end of this page, takes "
        "them back.",
        False,
    )
