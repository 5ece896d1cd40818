"""More like these: instructions at hand become a target of the run, and the walk for it opens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import streamlit as st

from g2is.app.shared.arrivals import see
from g2is.app.shared.navigation import pages
from g2is.app.shared.targets import TARGET
from g2is.app.shared.text import number, show_error
from g2is.app.shared.url import all_texts, is_shared, texts_of
from g2is.app.shared.visitor import may_write
from g2is.errors import InputError
from g2is.run.run import Run

MANY = 2000
"""Examples from which on a target is costly: every one of them is a column of cosines and, usually, a direction."""
BYTES = 2
"""Of a cosine, as runs keep it."""
OF_OTHER_TARGETS = ("component_budgets", "without_target_rows", "focus")
"""Parameters that a walk for another target does not take over, besides the shares of the targets."""
OPEN = "more like open"
"""Where it is kept which button has opened the dialog."""


def more_like_these(
    run: Run, rows: Sequence[int] | np.ndarray, *, about: str, key: str, suggestion: str = ""
) -> None:
    """A button that makes these instructions a target, after a dialog that says what that does.

    about: where they are from, in words; the run keeps it. key: tells the button from others on the page. suggestion: a
    name for the target. Draws nothing where the run has no gradients yet, and where visitors only look.
    """
    if not may_write() or not run.complete or not len(rows):
        return
    st.button(
        "More like these",
        key=f"more like {key}",
        icon=":material/my_location:",
        help="Select instructions that teach what these teach: they become a target, and the walk for it opens. Needs "
        "neither the model nor a GPU.",
        on_click=_open,
        args=(run, key, suggestion),
    )
    if st.session_state.get(OPEN) == key:
        _ask(run, np.unique(np.asarray(rows, np.int64)), about)


def _open(run: Run, key: str, suggestion: str) -> None:
    st.session_state[OPEN] = key
    st.session_state["more like name"] = _free_name(run, suggestion)


def close() -> None:
    """Close the dialog; another page does, too."""
    st.session_state.pop(OPEN, None)


@st.dialog("More like these", width="medium", on_dismiss=close)
def _ask(run: Run, rows: np.ndarray, about: str) -> None:
    if missing := what_is_missing(run.regimes):
        st.info(missing, icon=":material/info:")
        return
    examples, without = usable(run, rows)
    st.markdown(what_it_does(len(examples), len(without)))
    if len(examples) < 2:
        return
    if warning := cost(run, len(examples)):
        st.warning(warning, icon=":material/hourglass_top:")
    with st.form("more like", border=False, enter_to_submit=True):
        name = st.text_input("Name of the target", key="more like name", max_chars=100)
        pressed = st.form_submit_button("Make it a target and walk", icon=":material/route:", type="primary")
    st.caption("Home lists the targets of a run, and removes them.")
    if pressed:
        from g2is.pipeline.adding import target_from

        try:
            with st.spinner(f"Comparing {number(len(examples))} examples with the pool"):
                new = target_from(run, rows, name=name.strip(), note=about)
        except InputError as error:
            show_error(error)
            return
        close()
        see(new)
        walk_for(name.strip())


def what_is_missing(regimes: Sequence[str]) -> str:
    """Why a run with these gradients cannot have such a target; empty where it can."""
    if "sgd" in regimes:
        return ""
    return (
        "This run keeps no plain gradients (sgd), and a target is made of these. Build a run with "
        f"`{' '.join(['--regimes', *regimes, 'sgd'])}`."
    )


def usable(run: Run, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of these instructions that have a gradient, and those that have none."""
    return rows[run.valid[rows]], rows[~run.valid[rows]]


def what_it_does(examples: int, without: int) -> str:
    """What a target of so many instructions is for, in Markdown."""
    left = f" {number(without)} without a gradient cannot be examples." if without else ""
    if examples < 2:
        return f"A target needs two or more instructions with a gradient; here {examples or 'none'} has one.{left}"
    return (
        f"**{number(examples)} instructions** become the examples of a new target, by their own gradients.{left} The "
        "walk for it opens at once. It chooses what moves the model as these do, and **leaves these out of the "
        "choice**; a switch there lets it take them too. What was selected for other targets stays as it is."
    )


def cost(run: Run, examples: int) -> str:
    """A warning where a target of so many examples costs much; empty otherwise."""
    if examples <= MANY:
        return ""
    size = BYTES * len(run.valid) * examples * len(run.regimes) / 2**20
    return (
        f"{number(examples)} examples are many: their cosines to {number(len(run.valid))} instructions take "
        f"{number(round(size))} MiB, and the walk has a direction for each, so that pages about it take longer. A draw "
        "of a few hundred asks for nearly the same."
    )


def _free_name(run: Run, suggestion: str) -> str:
    """A name that no target has, from a suggestion."""
    taken = {target.name for target in run.targets}
    wanted = " ".join(suggestion.split())[:60] or "like these"
    numbered = (wanted, *(f"{wanted} {place}" for place in range(2, len(taken) + 3)))
    return next(name for name in numbered if name not in taken)


def walk_for(target: str) -> NoReturn:
    """Open the walk for one target, with the other settings as they are."""
    kept = {
        name: texts
        for name, texts in all_texts().items()
        if is_shared(name) and not name.startswith(TARGET) and name not in OF_OTHER_TARGETS
    }
    st.switch_page(pages()["Walk"], query_params={**kept, **texts_of({f"{TARGET}{target}": 1})})
