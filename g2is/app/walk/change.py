"""What the last change of the settings changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from g2is.app.shared import INSTRUCTION, choose_row, number, set_url, snippets, visible
from g2is.app.shared.walked import Walked, walked_before
from g2is.app.walk.wording import setting_words
from g2is.run.run import Run

LISTED = 100
"""Rows of a table of instructions; the first in the order of the walk."""


def show_change(run: Run, walked: Walked) -> None:
    """What the last change of the settings added and removed, with the texts."""
    before = walked_before(run)
    if before is None:
        return
    removed = before.trace.samples[~np.isin(before.trace.samples, walked.trace.samples)]
    added = walked.trace.samples[~np.isin(walked.trace.samples, before.trace.samples)]
    kept = len(walked.trace.samples) - len(added)
    first, second = before.parameters.model_dump(), walked.parameters.model_dump()
    changed = ", ".join(setting_words(name, first[name], second[name]) for name in differing(first, second))
    st.markdown(
        f"Compared with your last walk ({changed}): **{number(len(added))} added**, "
        f"**{number(len(removed))} removed**, {number(kept)} kept"
    )
    for title, samples in (("Added", added), ("Removed", removed)):
        st.markdown(f"**{title}**")
        show_instructions(run, samples, f"{title} by the last change")
    if len(added) or len(removed):
        st.caption(
            "On the map of this page, + marks those added and − those removed. Choose a row to read it."
        )


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The names of settings in which two walks differ."""
    return [name for name in before if before[name] != after[name]]


def show_instructions(run: Run, samples: np.ndarray, key: str) -> None:
    """A table of the first `LISTED` of these instructions. key: what a screen reader reads out, too."""
    if not len(samples):
        st.caption("None.")
        return
    rows = run.records(samples[:LISTED], ["prompt"])
    choose_row(
        pd.DataFrame(
            {
                "sample": samples[:LISTED],
                "text": snippets(rows["prompt"]),
                "source": rows["source"].map(visible).to_numpy(),
            }
        ),
        key,
        lambda row: set_url(focus=None if row is None else int(samples[row])),
        tallest=240,
        columns={"sample": INSTRUCTION, "text": st.column_config.TextColumn(width="large")},
        alt=key,
    )
    if len(samples) > LISTED:
        st.caption(f"The first {LISTED} of {number(len(samples))}.")
