"""The file that `target compute` wrote on another machine: checked against the run, and added."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from g2is.app.inspect.sources import kept
from g2is.app.new_target.examples import PREFIX, begin, choose_name, show_copies
from g2is.app.new_target.job import Asked, plain_name
from g2is.app.shared import literal, number, prose, show_text, visible
from g2is.errors import InputError, printable
from g2is.instructions import Source
from g2is.pipeline.sent import SUFFIX, read_sent
from g2is.pipeline.targets import TakenTarget
from g2is.run.run import Run
from g2is.run.texts import spoken

SHOWN = 3
"""Examples of the file that are shown."""


def offer_file(run: Run) -> None:
    """From the file to the button that adds it."""
    uploaded = st.file_uploader(
        f"The file that `g2is target compute … --output target{SUFFIX}` wrote",
        key=f"{PREFIX}sent",
        help="Neither the model nor a GPU is needed here.",
    )
    if uploaded is None:
        return
    name = printable(uploaded.name)
    path = kept(uploaded.file_id, uploaded.getvalue())
    taken = _read(run, path, name)
    facts = taken.facts
    st.markdown(
        f"{literal(visible(taken.name))}: **{number(facts.examples)} examples**, {prose(facts.note)}. They "
        "fit this run: the same model and template, adapter and projection."
    )
    texts = spoken(taken.examples)
    show_copies(run, texts, key=taken)
    with st.expander(f"Its first {min(SHOWN, len(texts))} examples"):
        for prompt, response in texts[:SHOWN]:
            show_text(f"{prompt}\n→ {response}", tallest=200)
    chosen = choose_name(run, taken.name, key=str(path))
    # Its ending tells the command what it is.
    source = Source(path, f"{Path(plain_name(name)).stem or 'target'}{SUFFIX}", copied=True)
    st.button(
        "Add the target",
        type="primary",
        icon=":material/add:",
        on_click=begin,
        args=(run, Asked(name=chosen or "", files=[]), [source]),
        disabled=chosen is None,
        key="start new target",
    )


def _read(run: Run, path: Path, name: str) -> TakenTarget:
    """What the file holds, kept as long as it is the same; raises `InputError` where it does not fit the run."""
    known = st.session_state.get(f"{PREFIX}read")
    if known is None or known[0] != (path, run.state):
        try:
            taken = read_sent(path, run)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from None
        known = (path, run.state), taken
        st.session_state[f"{PREFIX}read"] = known
    found: TakenTarget = known[1]
    return found
