"""Instructions that are near-copies of validation samples, and how to keep them out of a walk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis.neighbourhood import leaks_of
from g2is.app.shared import (
    all_texts,
    build_command,
    choose_row,
    link_to,
    number,
    set_url,
    show_text,
    snippets,
)
from g2is.app.shared.as_set import fits_link, offer_set
from g2is.app.shared.text import show_command
from g2is.app.walk.parameters import row_list, rows_in_url
from g2is.errors import InputError
from g2is.instructions.copies import LEAST_COSINE
from g2is.run.run import Run
from g2is.run.texts import SPOKEN

MEANINGS = {
    "same text": "same text",
    "overlap": "half of its runs of eight words or more",
    "gradient": "the same gradient",
}


def show_leaks(run: Run, focus: int, go: Callable[[int], None]) -> None:
    """The list with a button that bans all. go: called in a callback with an instruction to look at."""
    st.header("Possible leaks", anchor="leaks")
    if not run.searched_for_leaks:
        st.info("This run was not searched for near-copies of validation examples. This command does it:")
        show_command(build_command(run.manifest, run.name))
        return
    st.caption(
        "Instructions that are near-copies of validation examples. A model trained on them has seen the answers "
        "it is measured by, so its score is too good. Found by the same text (apart from case and spacing), by "
        f"shared runs of eight words, and by plain gradients with a cosine of {LEAST_COSINE} or more."
    )
    leaks = leaks_of(run)
    if leaks.empty:
        st.success("None was found in this pool.", icon=":material/verified:")
        return
    samples = leaks["sample"].tolist()
    out = {*rows_in_url("bans"), *_banned_by_name(run)}
    left = [sample for sample in samples if sample not in out]
    _buttons(run, samples, left)
    _table(run, leaks, out, focus, go)


def _banned_by_name(run: Run) -> list[int]:
    """The instructions of the sets that are banned; of those that the run has."""
    named: list[int] = []
    for name in all_texts().get("ban_sets", []):
        with suppress(InputError):
            named += run.sets[name].rows.tolist()
    return named


def _buttons(run: Run, samples: list[int], left: list[int]) -> None:
    count = number(len(samples))
    banned_now = len(samples) - len(left)
    state = (
        "all banned"
        if not left
        else f"{number(banned_now)} of them banned"
        if banned_now
        else "none of them banned"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{count} possible leak{'s' if len(samples) > 1 else ''}**, {state}.", width="content")
        if left:
            # What is banned cannot be pinned as well.
            pins = [row for row in rows_in_url("pins") if row not in set(left)]
            bans = [*rows_in_url("bans"), *left]
            if fits_link(len(bans)):
                st.button(
                    f"Ban all {count}",
                    key="ban leaks",
                    type="primary",
                    icon=":material/block:",
                    help="The walk never chooses them: adds them to its bans, on this page and all others.",
                    on_click=set_url,
                    kwargs={"bans": row_list(bans), "pins": row_list(pins)},
                )
            else:
                names = all_texts().get("ban_sets", [])
                offer_set(
                    run,
                    np.array(samples),
                    f"Ban all {count}",
                    key="leaks",
                    suggestion="possible leaks",
                    origin="possible leaks",
                    settings=lambda name: {"ban_sets": [*names, name], "pins": row_list(pins)},
                )
        else:
            kept = set(samples)
            # Of the sets that are banned, those that hold nothing else.
            others = [name for name in all_texts().get("ban_sets", []) if not _only_of(run, name, kept)]
            st.button(
                "Allow them again",
                key="allow leaks",
                icon=":material/undo:",
                on_click=set_url,
                kwargs={
                    "bans": row_list([row for row in rows_in_url("bans") if row not in kept]),
                    "ban_sets": others or None,
                },
            )
        link_to("Walk", "Go to the walk")


def _only_of(run: Run, name: str, rows: set[int]) -> bool:
    try:
        return rows.issuperset(run.sets[name].rows.tolist())
    except InputError:
        return False


def _table(run: Run, leaks: pd.DataFrame, out: set[int], focus: int, go: Callable[[int], None]) -> None:
    examples = run.validation["prompt"]

    def choose(place: int | None) -> None:
        if place is not None:
            go(int(leaks["sample"].iloc[place]))

    here = np.flatnonzero(leaks["sample"] == focus).tolist()
    choose_row(
        pd.DataFrame(
            {
                "sample": leaks["sample"],
                "found by": leaks["kind"].map(MEANINGS),
                "similarity": leaks["similarity"],
                "banned": leaks["sample"].isin(out),
                "text": snippets(run.prompts(leaks["sample"])),
                "example": leaks["validation"],
                "text of the validation example": snippets(examples.iloc[leaks["validation"]]),
            }
        ),
        "leaks",
        choose,
        chosen=here[0] if here else None,
        tallest=290,  # the pair below it is to be in view
        columns={
            "sample": st.column_config.NumberColumn(
                "instruction", format="localized", width="small", pinned=True
            ),
            "similarity": st.column_config.NumberColumn(
                format="%.3g", help="Share of the runs of eight words, or the cosine of the gradients."
            ),
            "text": st.column_config.TextColumn(width=320),
            "example": st.column_config.NumberColumn(
                format="localized", width="small", help="Number of the validation example."
            ),
            "text of the validation example": st.column_config.TextColumn(width=320),
        },
        alt="Instructions that are near-copies of validation examples",
    )
    if not here:
        st.caption(
            "Choose a row to read the instruction beside the validation example; it comes into focus as well."
        )
    for row in here:
        _pair(run, focus, int(leaks["validation"].iloc[row]))


def _pair(run: Run, sample: int, example: int) -> None:
    """Both texts side by side."""
    pair = (
        (f"Instruction {number(sample)}, now in focus above", run.record(sample, SPOKEN)),
        (f"Validation example {number(example)}", run.validation.iloc[example]),
    )
    for side, (title, row) in zip(st.columns(2, gap="medium"), pair, strict=True):
        with side:
            st.markdown(f"**{title}**")
            show_text(f"{row['prompt']}\n\n→ {row['response']}", tallest=320)
